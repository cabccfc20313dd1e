// SPDX-License-Identifier: Apache-2.0
// GrowFilesystem: a file system that is there takes all of its device.
#include "base/text.hpp"
#include "host/filesystem_size.hpp"
#include "plan/operation.hpp"

namespace provision::plan {

Result<Observation> observe(host::Host& host, const GrowFilesystem& operation) {
  TRY(host.disks.await(operation.device, std::chrono::seconds(30)));
  const host::Signature there = TRY(host.disks.probe(operation.device));
  Observation seen;
  seen.fingerprint = model::fingerprint(there);
  seen.found = model::describe(there);
  if (there.type != operation.format) {
    seen.state = State::foreign;
    return seen;
  }
  const host::FilesystemSize size = TRY(host.disks.filesystem_size(operation.device));
  seen.state = host::fills_device(size) ? State::satisfied : State::absent;
  return seen;
}

Result<void> apply(Work& work, const GrowFilesystem& operation) {
  return work.host.disks.grow_filesystem(operation.device);
}

void predict(model::Inventory& inventory, const GrowFilesystem& operation) {
  for (auto& view : inventory.growths) {
    if (view.device.path == operation.device.path) {
      const std::int64_t bytes = operation.bytes == 0 ? view.size.device_bytes : operation.bytes;
      view.size = {bytes, bytes};
    }
  }
}

std::string describe(const GrowFilesystem& operation) {
  const std::string size = operation.bytes == 0 ? "all of it" : human_size(operation.bytes);
  return "grow the " + operation.format + " on " + operation.device.path + " to " + size;
}

// It is the file system's own change, which its journal makes all or nothing.
Traits traits(const GrowFilesystem& /*operation*/) {
  return {.sync_path = {}, .observation_proves = true, .lasts = true, .keeps = true};
}

}  // namespace provision::plan
