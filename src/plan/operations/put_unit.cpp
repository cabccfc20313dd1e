// SPDX-License-Identifier: Apache-2.0
// PutUnit: a systemd unit's file, or its mask.
#include "base/path.hpp"
#include "model/observe.hpp"
#include "plan/operations/parents.hpp"
#include "plan/operations/put_file.hpp"

namespace provision::plan {
namespace {

constexpr std::string_view mask_target = "/dev/null";

PutFile as_file(const PutUnit& operation) { return {model::unit_path(operation.name), operation.contents, 0644, 0, 0}; }

}  // namespace

Result<Observation> observe(host::Host& host, const PutUnit& operation) {
  if (!operation.masked) {
    return observe(host, as_file(operation));
  }
  const auto view = TRY(model::look_at(host.target, model::unit_path(operation.name)));
  const bool masked = view && view->kind == host::NodeKind::symlink && view->target == mask_target;
  return observation_of(view ? &*view : nullptr, masked);
}

Result<void> apply(Work& work, const PutUnit& operation) {
  if (!operation.masked) {
    return apply(work, as_file(operation));
  }
  const std::string path = model::unit_path(operation.name);
  TRY(make_parents(work.host.target, path));
  return work.host.target.make_link(path, mask_target);
}

void predict(model::Inventory& inventory, const PutUnit& operation) {
  if (!operation.masked) {
    predict(inventory, as_file(operation));
    return;
  }
  model::FileView made;
  made.path = model::unit_path(operation.name);
  made.kind = host::NodeKind::symlink;
  made.mode = 0777;
  made.target = mask_target;
  predict_file(inventory, std::move(made));
}

std::string describe(const PutUnit& operation) {
  if (operation.masked) {
    return "mask the unit " + operation.name;
  }
  return "write the unit " + operation.name + " (" + std::to_string(operation.contents.size) + " bytes)";
}

Traits traits(const PutUnit& operation) { return traits(as_file(operation)); }

}  // namespace provision::plan
