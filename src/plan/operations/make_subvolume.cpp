// SPDX-License-Identifier: Apache-2.0
// MakeSubvolume: a subvolume of a Btrfs, or one that is there as the default.
#include <algorithm>

#include "base/text.hpp"
#include "plan/operation.hpp"

namespace provision::plan {
namespace {

constexpr std::chrono::seconds patience{30};

}  // namespace

Result<Observation> observe(host::Host& host, const MakeSubvolume& operation) {
  const std::string node = TRY(host.disks.await(operation.device, patience));
  const auto entries = TRY(host.mounts.subvolumes(node, {operation.name}));
  Observation seen;
  seen.fingerprint = std::string(model::absent_fingerprint);
  if (entries.empty()) {
    return seen;
  }
  const host::SubvolumeEntry& there = entries.front();
  if (there.kind != host::SubvolumeKind::subvolume) {
    seen.state = State::foreign;
    seen.fingerprint = "no subvolume";
    seen.found = std::string(there.kind == host::SubvolumeKind::directory ? "a directory" : "a file") + " is there";
    return seen;
  }
  seen.state = there.is_default || !operation.is_default ? State::satisfied : State::partly_ours;
  seen.fingerprint = std::string(subvolume_fingerprint);
  seen.found = "the subvolume is there";
  return seen;
}

Result<void> apply(Work& work, const MakeSubvolume& operation) {
  const std::string node = TRY(work.host.disks.await(operation.device, patience));
  return work.host.mounts.make_subvolume(node, {operation.name,
                                                static_cast<std::uint32_t>(operation.mode),
                                                {operation.uid, operation.gid},
                                                operation.no_copy_on_write,
                                                operation.is_default});
}

void predict(model::Inventory& inventory, const MakeSubvolume& operation) {
  const auto view = std::find_if(inventory.devices.begin(), inventory.devices.end(),
                                 [&](const auto& one) { return one.device.path == operation.device.path; });
  if (view == inventory.devices.end()) {
    return;
  }
  auto& entries = view->subvolumes;
  if (view->subvolume(operation.name) == nullptr) {
    entries.push_back({operation.name, host::SubvolumeKind::subvolume, false});
    std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  }
  for (auto& entry : entries) {
    entry.is_default = operation.is_default ? entry.name == operation.name : entry.is_default;
  }
}

std::string describe(const MakeSubvolume& operation) {
  const std::string where = " of " + operation.device.path;
  if (operation.there) {
    return "make " + printable(operation.name) + " the default subvolume" + where;
  }
  return (operation.is_default ? "make the default subvolume " : "make the subvolume ") + printable(operation.name) +
         where;
}

// Durable when it returns, and whole as soon as it has its name.
Traits traits(const MakeSubvolume& /*operation*/) {
  return {.sync_path = {}, .observation_proves = true, .lasts = true, .keeps = true};
}

}  // namespace provision::plan
