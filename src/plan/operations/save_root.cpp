// SPDX-License-Identifier: Apache-2.0
// SaveRoot: a copy of what the root file system, or another one that must be kept, holds, before its device is made
// anew.
//
// No cut loses anything, if a file system keeps the copy: that is durable before it has its name, and the old root
// changes after it. If memory does, the files are lost with the power between the first change of the old root's device
// and the moment when the new root has them all. So it is with the journal, where that is in the file system.
#include "base/path.hpp"
#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/operations/kept_root.hpp"
#include "plan/operations/moved_journal.hpp"

namespace provision::plan {
namespace {

// Or what has been made with its UUID in its place.
RootFilesystem old_root(const SaveRoot& operation) { return {operation.device, operation.format, operation.id}; }

// A whole copy that an earlier attempt left on it, of which nobody has a record any more.
Result<void> complete_root(host::Host& host, const SaveRoot& operation) {
  const Places places = places_of(operation.kept);
  if (TRY(root_state_on(host, old_root(operation), places, operation.journal)) != RootState::copied) {
    return {};
  }
  return with_mounted(host, old_root(operation), places.before, "",
                      [&] { return unpack_copy(host.own, places.before, places.copy, operation.journal); });
}

Result<void> copy_root(host::Host& host, const SaveRoot& operation) {
  const Places places = places_of(operation.kept);
  return with_mounted(host, old_root(operation), places.before, "ro", [&]() -> Result<void> {
    const RootState state = TRY(root_state(host.own, places.before, places.copy, operation.journal));
    if (state != RootState::whole) {
      return root_is_lost(operation.kept, operation.root);
    }
    TRY(check_fits(host.own, places.before, operation));
    return with_keeper(host, keeper_of(operation), places, [&]() -> Result<void> {
      const std::string copy = path::join(places.keeper, places.copy);
      return host.own.copy_tree(places.before, copy, host::TreeTop::may_be_mounted);
    });
  });
}

// Memory has the journal, with the keys that lie beside it, and this file system goes: nobody shall find them there,
// nor where its files are kept.
Result<void> erase_keys(host::Host& host, const SaveRoot& operation) {
  const std::string place = places_of(operation.kept).before;
  const std::string keys = path::join(place, operation.journal.directory + std::string(model::kept_keys_directory));
  TRY_WHILE(with_mounted(host, old_root(operation), place, "",
                         [&]() -> Result<void> {
                           const bool any = TRY(host.own.look(keys)).has_value();
                           for (const auto& name : any ? TRY(host.own.list(keys)) : std::vector<std::string>{}) {
                             TRY(host.own.erase(path::join(keys, name)));
                           }
                           return {};
                         }),
            "erasing the keys of encrypted volumes, which memory has now");
  return {};
}

// An attempt of this boot was stopped when memory had taken the journal, and before the keys were erased.
Result<void> erase_left_keys(host::Host& host, const SaveRoot& operation) {
  const bool is_left = !operation.journal.mount.empty() && TRY(is_journal_in_memory(host)) &&
                       !TRY(is_kept(host, keeper_of(operation), places_of(operation.kept))) &&
                       TRY(is_there(host, old_root(operation)));
  return is_left ? erase_keys(host, operation) : Result<void>();
}

Result<void> keep_files(host::Host& host, const SaveRoot& operation) {
  if (TRY(is_kept(host, keeper_of(operation), places_of(operation.kept)))) {
    return {};
  }
  if (!TRY(is_there(host, old_root(operation)))) {
    return root_is_lost(operation.kept, operation.root);
  }
  const std::string where = operation.keeper.path.empty() ? "memory" : operation.keeper.path;
  const std::string what = operation.kept.empty() ? "the root file system" : kept_words(operation.kept, operation.root);
  TRY_WHILE(complete_root(host, operation), "putting the files of " + what + " into their places");
  TRY_WHILE(copy_root(host, operation), "copying the files of " + what + " to " + where);
  return {};
}

// With what was recorded since.
Result<void> give_journal_back(host::Host& host, const SaveRoot& operation) {
  const std::string place = places_of(operation.kept).before;
  TRY(with_mounted(host, old_root(operation), place, "",
                   [&] { return write_journal(host, operation.journal, place); }));
  return return_journal(host, operation.journal, old_root(operation));
}

}  // namespace

Result<Observation> observe(host::Host& host, const SaveRoot& operation) {
  Observation seen;
  seen.fingerprint = std::string(model::absent_fingerprint);
  const Places places = places_of(operation.kept);
  if (TRY(is_journal_on(host, operation.journal, old_root(operation)))) {
    // Whatever is kept: it has to be taken from there.
    seen.state = State::absent;
    return seen;
  }
  bool is_safe = TRY(is_kept(host, keeper_of(operation), places));
  if (!is_safe) {
    const RootState state =
        TRY(root_state_on(host, {operation.to, operation.to_format, operation.to_id}, places, operation.journal));
    // It may be the old root itself, of which there is no copy yet.
    const bool may_be_old = TRY(is_there(host, old_root(operation)));
    is_safe = state != RootState::empty && !may_be_old;
  }
  seen.state = is_safe ? State::satisfied : State::absent;
  return seen;
}

Result<void> apply(Work& work, const SaveRoot& operation) {
  const bool has_journal = TRY(is_journal_on(work.host, operation.journal, old_root(operation)));
  if (!has_journal) {
    TRY(erase_left_keys(work.host, operation));
    return keep_files(work.host, operation);
  }
  TRY_WHILE(take_journal(work.host, operation.journal), "taking the journal into memory");
  Result<void> kept = erase_keys(work.host, operation);
  kept = kept ? keep_files(work.host, operation) : std::move(kept);
  if (!kept) {
    // Nothing has changed but the journal's place.
    static_cast<void>(give_journal_back(work.host, operation));
  }
  return kept;
}

void predict(model::Inventory& inventory, const SaveRoot& operation) {
  if (!operation.journal.mount.empty()) {
    model::forget_user(inventory, operation.journal.mount);
  }
}

std::string describe(const SaveRoot& operation) {
  const bool in_memory = operation.keeper.path.empty();
  const bool with_journal = !operation.journal.mount.empty();
  return "copy " + kept_words(operation.kept, operation.root) +
         (in_memory ? std::string(with_journal ? " and the journal" : "") + " into memory"
                    : " to " + operation.keeper.path + (with_journal ? ", and the journal into memory" : ""));
}

Traits traits(const SaveRoot& operation) {
  return {.sync_path = {},
          .observation_proves = true,
          .lasts = !operation.keeper.path.empty(),
          .keeps = true,
          .rests_on_record = true};
}

}  // namespace provision::plan
