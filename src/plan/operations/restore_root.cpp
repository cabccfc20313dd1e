// SPDX-License-Identifier: Apache-2.0
// RestoreRoot: what SaveRoot kept, in the new root file system.
//
// The copy is made beside its place, and is on the medium before it has its name; then each thing in it is moved to
// where it belongs, and the copy's own directory goes when all that is on the medium. So a cut leaves a new root that
// is empty, that has the copy, or that is whole.
#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/operations/kept_root.hpp"

namespace provision::plan {
namespace {

RootFilesystem keeper_of(const RestoreRoot& operation) { return {operation.keeper, operation.keeper_format}; }

RootFilesystem new_root(const RestoreRoot& operation) { return {operation.device, operation.format, operation.id}; }

Result<void> copy_back(host::Host& host, const RestoreRoot& operation) {
  if (!TRY(is_kept(host, keeper_of(operation)))) {
    return root_is_lost(operation.root);
  }
  return with_keeper(host, keeper_of(operation), [&] {
    return host.own.copy_tree(path::join(keeper_path, copy_name), path::join(new_root_path, copy_name),
                              host::TreeTop::plain);
  });
}

}  // namespace

Result<Observation> observe(host::Host& host, const RestoreRoot& operation) {
  Observation seen;
  seen.fingerprint = std::string(model::absent_fingerprint);
  const RootState state = TRY(root_state_on(host, new_root(operation)));
  const bool is_kept_still = TRY(is_kept(host, keeper_of(operation)));
  const bool done = state == RootState::whole && !is_kept_still;
  seen.state = done ? State::satisfied : state == RootState::empty ? State::absent : State::partly_ours;
  return seen;
}

Result<void> apply(Work& work, const RestoreRoot& operation) {
  host::Host& host = work.host;
  TRY(with_mounted(host, new_root(operation), new_root_path, "", [&]() -> Result<void> {
    const RootState state = TRY(root_state(host.own, new_root_path));
    if (state == RootState::empty) {
      TRY(copy_back(host, operation));
    }
    return state == RootState::whole ? Result<void>() : unpack_copy(host.own, new_root_path);
  }));
  TRY(forget_copy(host, keeper_of(operation)));
  return await_name(host, operation.root, operation.device);
}

void predict(model::Inventory& /*inventory*/, const RestoreRoot& /*operation*/) {}

std::string describe(const RestoreRoot& operation) {
  return "put the files of the root file system, " + printable(operation.root) + ", on " + operation.device.path;
}

Traits traits(const RestoreRoot& /*operation*/) {
  return {.sync_path = {}, .observation_proves = true, .lasts = true, .keeps = true, .rests_on_record = true};
}

}  // namespace provision::plan
