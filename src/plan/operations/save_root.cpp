// SPDX-License-Identifier: Apache-2.0
// SaveRoot: a copy of what the root file system holds, before its device is made anew.
//
// No cut loses anything, if a file system keeps the copy: that is durable before it has its name, and the old root
// changes after it. If memory does, the files are lost with the power between the first change of the old root's device
// and the moment when the new root has them all.
#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/operations/kept_root.hpp"

namespace provision::plan {
namespace {

RootFilesystem keeper_of(const SaveRoot& operation) { return {operation.keeper, operation.keeper_format}; }

// Or what has been made with its UUID in its place.
RootFilesystem old_root(const SaveRoot& operation) { return {operation.device, operation.format, operation.id}; }

// A whole copy that an earlier attempt left on it, of which nobody has a record any more.
Result<void> complete_root(host::Host& host, const SaveRoot& operation) {
  if (TRY(root_state_on(host, old_root(operation))) != RootState::copied) {
    return {};
  }
  return with_mounted(host, old_root(operation), old_root_path, "",
                      [&] { return unpack_copy(host.own, old_root_path); });
}

Result<void> copy_root(host::Host& host, const SaveRoot& operation) {
  return with_mounted(host, old_root(operation), old_root_path, "ro", [&]() -> Result<void> {
    const RootState state = TRY(root_state(host.own, old_root_path));
    if (state != RootState::whole) {
      return root_is_lost(operation.root);
    }
    return with_keeper(host, keeper_of(operation), [&]() -> Result<void> {
      const std::string copy = path::join(keeper_path, copy_name);
      return host.own.copy_tree(old_root_path, copy, host::TreeTop::may_be_mounted);
    });
  });
}

}  // namespace

Result<Observation> observe(host::Host& host, const SaveRoot& operation) {
  Observation seen;
  seen.fingerprint = std::string(model::absent_fingerprint);
  bool is_safe = TRY(is_kept(host, keeper_of(operation)));
  if (!is_safe) {
    const RootState state = TRY(root_state_on(host, {operation.to, operation.to_format, operation.to_id}));
    // It may be the old root itself, of which there is no copy yet.
    const bool may_be_old = TRY(is_there(host, old_root(operation)));
    is_safe = state != RootState::empty && !may_be_old;
  }
  seen.state = is_safe ? State::satisfied : State::absent;
  return seen;
}

Result<void> apply(Work& work, const SaveRoot& operation) {
  if (TRY(is_kept(work.host, keeper_of(operation)))) {
    return {};
  }
  if (!TRY(is_there(work.host, old_root(operation)))) {
    return root_is_lost(operation.root);
  }
  const std::string where = operation.keeper.path.empty() ? "memory" : operation.keeper.path;
  TRY_WHILE(complete_root(work.host, operation), "putting the files of the root file system into their places");
  TRY_WHILE(copy_root(work.host, operation), "copying the files of the root file system to " + where);
  return {};
}

void predict(model::Inventory& /*inventory*/, const SaveRoot& /*operation*/) {}

std::string describe(const SaveRoot& operation) {
  const bool in_memory = operation.keeper.path.empty();
  return "copy the root file system, " + printable(operation.root) + ", " +
         (in_memory ? "into memory" : "to " + operation.keeper.path);
}

Traits traits(const SaveRoot& operation) {
  return {.sync_path = {},
          .observation_proves = true,
          .lasts = !operation.keeper.path.empty(),
          .keeps = true,
          .rests_on_record = true};
}

}  // namespace provision::plan
