// SPDX-License-Identifier: Apache-2.0
// RestoreRoot: what SaveRoot kept, in the new file system.
//
// The copy is made beside its place, and is on the medium before it has its name; then each thing in it is moved to
// where it belongs, and the copy's own directory goes when all that is on the medium. So a cut leaves a new root that
// is empty, that has the copy, or that is whole. A FAT, which a cut may leave in any way, is made again before
// (stages/unclean.hpp).
#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/operations/kept_root.hpp"
#include "plan/operations/moved_journal.hpp"

namespace provision::plan {
namespace {

RootFilesystem new_root(const RestoreRoot& operation) { return {operation.device, operation.format, operation.id}; }

Result<void> copy_back(host::Host& host, const RestoreRoot& operation) {
  const Places places = places_of(operation.kept);
  if (!TRY(has_files(host, keeper_of(operation), places))) {
    return root_is_lost(operation.kept, operation.root);
  }
  return with_keeper(host, keeper_of(operation), places, [&] {
    return host.own.copy_tree(path::join(places.keeper, places.copy), path::join(places.after, places.copy),
                              host::TreeTop::plain);
  });
}

}  // namespace

Result<Observation> observe(host::Host& host, const RestoreRoot& operation) {
  Observation seen;
  seen.fingerprint = std::string(model::absent_fingerprint);
  const Places places = places_of(operation.kept);
  const RootState state = TRY(root_state_on(host, new_root(operation), places, operation.journal));
  const bool waits = !operation.journal.mount.empty() && TRY(is_journal_in_memory(host));
  const bool done =
      state == RootState::whole && !waits && (operation.stays || !TRY(is_kept(host, keeper_of(operation), places)));
  seen.state = done ? State::satisfied : state == RootState::empty ? State::absent : State::partly_ours;
  return seen;
}

Result<void> apply(Work& work, const RestoreRoot& operation) {
  host::Host& host = work.host;
  const Places places = places_of(operation.kept);
  TRY(with_mounted(host, new_root(operation), places.after, "", [&]() -> Result<void> {
    if (!operation.journal.mount.empty()) {
      TRY_WHILE(write_journal(host, operation.journal, places.after), "writing the journal into the new file system");
    }
    const RootState state = TRY(root_state(host.own, places.after, places.copy, operation.journal));
    if (state == RootState::empty) {
      TRY(copy_back(host, operation));
    }
    return state == RootState::whole ? Result<void>()
                                     : unpack_copy(host.own, places.after, places.copy, operation.journal);
  }));
  if (!operation.journal.mount.empty()) {
    TRY_WHILE(return_journal(host, operation.journal, new_root(operation)), "going on with the journal there");
  }
  if (!operation.stays) {
    TRY(forget_copy(host, keeper_of(operation), places));
  }
  // The boot mounts no other one by a name.
  return operation.kept.empty() ? await_name(host, operation.root, operation.device) : Result<void>();
}

void predict(model::Inventory& inventory, const RestoreRoot& operation) {
  if (!operation.journal.mount.empty()) {
    model::add_user(inventory, model::resolve(inventory, operation.device.path), operation.journal.mount);
  }
}

std::string describe(const RestoreRoot& operation) {
  return "put the files of " + kept_words(operation.kept, operation.root) + " on " + operation.device.path +
         (operation.journal.mount.empty() ? "" : ", and the journal");
}

Traits traits(const RestoreRoot& /*operation*/) {
  return {.sync_path = {}, .observation_proves = true, .lasts = true, .keeps = true, .rests_on_record = true};
}

}  // namespace provision::plan
