// SPDX-License-Identifier: Apache-2.0
#include "plan/operations/device_content.hpp"

namespace provision::plan {

Result<void> erase_content(host::Host& host, const host::DeviceRef& device) {
  TRY(host.disks.wipe_signatures(device));
  const host::Signature left = TRY(host.disks.probe(device));
  if (!left.type.empty()) {
    return Error(Code::not_satisfied, device.path + " still holds " + model::describe(left) + " after it was wiped");
  }
  return {};
}

void predict_on_disks(model::Inventory& inventory, const host::DeviceRef& device, const host::Signature& signature) {
  for (auto& disk : inventory.disks) {
    for (auto& view : disk.partitions) {
      if (disk.device == device.disk && view.number == device.number) {
        view.signature = signature;
      }
    }
    if (disk.device == device.path) {
      disk.signature = signature;
    }
  }
}

void predict_content(model::Inventory& inventory, const host::DeviceRef& device, const host::Signature& signature) {
  predict_on_disks(inventory, device, signature);
  for (auto& view : inventory.devices) {
    if (model::is_same_device(view.device, device)) {
      view.signature = signature;
    }
  }
}

}  // namespace provision::plan
