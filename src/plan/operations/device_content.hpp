// SPDX-License-Identifier: Apache-2.0
// What is on a device: erased before something else takes its place, and predicted of what does.
#pragma once

#include "base/result.hpp"
#include "host/host.hpp"
#include "model/inventory.hpp"

namespace provision::plan {

// Erases all that libblkid knows, and looks again: what is written beside something that is left would be known as
// neither of the two. Code::not_satisfied: something is left.
Result<void> erase_content(host::Host& host, const host::DeviceRef& device);

// The views of disks and of their partitions have the signature.
void predict_on_disks(model::Inventory& inventory, const host::DeviceRef& device, const host::Signature& signature);
// And those of the devices of file systems.
void predict_content(model::Inventory& inventory, const host::DeviceRef& device, const host::Signature& signature);

}  // namespace provision::plan
