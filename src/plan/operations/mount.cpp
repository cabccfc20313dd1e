// SPDX-License-Identifier: Apache-2.0
// Mount: a file system in its place in the target.
#include <algorithm>
#include <cerrno>

#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/operation.hpp"
#include "plan/operations/parents.hpp"
#include "spec/config.hpp"

namespace provision::plan {
namespace {

std::string full_path(const host::Host& host, const Mount& operation) {
  return path::join(host.target_path, operation.path);
}

// What the kernel lists as the source: the node, or the tag.
Result<std::string> source_of(host::Host& host, const Mount& operation) {
  return operation.format == spec::virtiofs ? operation.device.path
                                            : host.disks.await(operation.device, std::chrono::seconds(30));
}

const std::vector<std::string>* users_of(const model::Inventory& inventory, const host::DeviceRef& device) {
  if (const model::DeviceView* const view = inventory.device(device.path)) {
    return &view->users;
  }
  const model::DiskView* const disk = inventory.disk(device.disk);
  const model::PartitionView* const partition = disk != nullptr ? disk->partition(device.number) : nullptr;
  return partition != nullptr ? &partition->users : nullptr;
}

// A mount that asks for no subvolume may show any: which is the default one.
bool shows(const host::MountEntry& entry, const Mount& operation) {
  return operation.subvolume.empty() || entry.subvolume == operation.subvolume;
}

// Mounts are seen by the kernel's name of the device, which may be another one than the config's: then the device's own
// users tell. Those are paths outside the target.
bool is_mounted(const model::Inventory& inventory, const Mount& operation) {
  const auto last = std::find_if(inventory.mounts.rbegin(), inventory.mounts.rend(),
                                 [&](const host::MountEntry& entry) { return entry.target == operation.path; });
  if (last == inventory.mounts.rend() || !shows(*last, operation)) {
    return false;
  }
  if (last->source == operation.device.path) {
    return true;
  }
  const std::vector<std::string>* const users = users_of(inventory, operation.device);
  return users != nullptr && std::any_of(users->begin(), users->end(),
                                         [&](const std::string& user) { return user.ends_with(operation.path); });
}

// What a mount without the option subvol= shows, where that is known.
std::string default_of(const model::Inventory& inventory, const host::DeviceRef& device) {
  const model::DeviceView* const view = inventory.device(device.path);
  if (view != nullptr) {
    for (const auto& entry : view->subvolumes) {
      if (entry.is_default) {
        return entry.name;
      }
    }
  }
  return {};
}

// The subvolume's option comes last, so that it is the one that counts.
std::string options_of(const Mount& operation) {
  std::vector<std::string> options = operation.options;
  if (!operation.subvolume.empty()) {
    options.push_back("subvol=/" + operation.subvolume);
  }
  return join(options, ",");
}

}  // namespace

std::string mount_fingerprint(const host::MountEntry& entry) {
  return "mount:" + entry.source + (entry.subvolume.empty() ? "" : "[/" + entry.subvolume + "]");
}

Result<Observation> observe(host::Host& host, const Mount& operation) {
  const std::string target = full_path(host, operation);
  const std::string node = TRY(source_of(host, operation));
  Observation seen;
  seen.fingerprint = std::string(model::absent_fingerprint);
  // The last mount on a place is the one that is seen there.
  for (const auto& entry : TRY(host.mounts.list())) {
    if (entry.target == target) {
      seen.state = entry.source == node && shows(entry, operation) ? State::satisfied : State::foreign;
      seen.fingerprint = mount_fingerprint(entry);
      seen.found = (entry.subvolume.empty() ? "" : "the subvolume " + printable(entry.subvolume) + " of ") +
                   entry.source + " is mounted there";
    }
  }
  return seen;
}

Result<void> apply(Work& work, const Mount& operation) {
  const std::string node = TRY(source_of(work.host, operation));
  TRY(make_real_directories(work.host.target, operation.path));
  auto mounted = work.host.mounts.mount(node, full_path(work.host, operation), operation.format, options_of(operation));
  if (!mounted && operation.format == spec::virtiofs && mounted.error().system_error == EINVAL) {
    // The kernel's answer to a tag that it does not know (virtio_fs_get_tree).
    return Error(Code::device_missing,
                 "the host of this machine shares nothing with the tag \"" + printable(node) + "\"", EINVAL);
  }
  return mounted;
}

void predict(model::Inventory& inventory, const Mount& operation) {
  if (is_mounted(inventory, operation)) {
    return;
  }
  // What was below is hidden; what the new file system holds is not known before it is there.
  std::erase_if(inventory.files, [&](const model::FileView& file) {
    return path::is_within(file.path, operation.path) && file.path != operation.path;
  });
  const std::string shown = operation.subvolume.empty() ? default_of(inventory, operation.device) : operation.subvolume;
  inventory.mounts.push_back({operation.device.path, operation.path, operation.format, shown});
}

std::string describe(const Mount& operation) {
  const std::string subvolume =
      operation.subvolume.empty() ? "" : "the subvolume " + printable(operation.subvolume) + " of ";
  return "mount " + subvolume + operation.device.path + " at " + operation.path;
}

Traits traits(const Mount& operation) {
  return {.sync_path = path::parent(operation.path), .observation_proves = true, .lasts = false};
}

}  // namespace provision::plan
