// SPDX-License-Identifier: Apache-2.0
// PutUnit: a systemd unit's file, a drop-in of it, or its mask.
#include "base/path.hpp"
#include "model/observe.hpp"
#include "plan/operations/put_file.hpp"

namespace provision::plan {
namespace {

constexpr std::string_view mask_target = "/dev/null";

std::string path_of(const PutUnit& operation) {
  return operation.dropin.empty() ? model::unit_path(operation.name)
                                  : model::dropin_path(operation.name, operation.dropin);
}

PutFile as_file(const PutUnit& operation) {
  PutFile file;
  file.path = path_of(operation);
  file.contents = operation.contents;
  file.whole = operation.contents.digest;
  return file;
}

PutLink as_link(const PutUnit& operation) { return {path_of(operation), std::string(mask_target), false, 0, 0, false}; }

}  // namespace

// Who owns the mask does not matter.
Result<Observation> observe(host::Host& host, const PutUnit& operation) {
  if (!operation.masked) {
    return observe(host, as_file(operation));
  }
  const auto view = TRY(model::look_at(host.target, path_of(operation)));
  const bool masked = view && view->kind == host::NodeKind::symlink && view->target == mask_target;
  return observation_of(view ? &*view : nullptr, masked);
}

Result<void> apply(Work& work, const PutUnit& operation) {
  return operation.masked ? apply(work, as_link(operation)) : apply(work, as_file(operation));
}

void predict(model::Inventory& inventory, const PutUnit& operation) {
  if (operation.masked) {
    predict(inventory, as_link(operation));
  } else {
    predict(inventory, as_file(operation));
  }
}

std::string describe(const PutUnit& operation) {
  if (operation.masked) {
    return "mask the unit " + operation.name;
  }
  const std::string size = " (" + std::to_string(operation.contents.size) + " bytes)";
  if (!operation.dropin.empty()) {
    return "write the drop-in " + operation.dropin + " of the unit " + operation.name + size;
  }
  return "write the unit " + operation.name + size;
}

Traits traits(const PutUnit& operation) { return traits(as_file(operation)); }

}  // namespace provision::plan
