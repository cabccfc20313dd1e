// SPDX-License-Identifier: Apache-2.0
// MakeLogicalVolume: a logical volume of LVM, by lvm, active and blank; or one that is there, active.
#include <algorithm>

#include "base/text.hpp"
#include "model/observe.hpp"
#include "model/volume_groups.hpp"
#include "plan/operation.hpp"
#include "plan/operations/make_volume_group.hpp"
#include "plan/operations/programs.hpp"

namespace provision::plan {
namespace {

constexpr std::chrono::seconds patience{30};
constexpr std::string_view pool_type = "thin-pool";

std::string full_name(const std::string& group, const std::string& volume) { return group + "/" + volume; }

host::DeviceRef device_of(const MakeLogicalVolume& operation) {
  return {model::logical_path(operation.group, operation.name), {}, 0};
}

struct Found {
  // Nothing: the group is not there.
  std::optional<model::VolumeGroupFound> group;
  std::optional<model::LogicalVolumeView> volume;
};

Result<Found> find(host::Host& host, const MakeLogicalVolume& operation) {
  Found found;
  auto groups = TRY(model::volume_groups_of(host));
  for (auto& group : groups) {
    if (group.name == operation.group) {
      const auto* const volume = group.volume(operation.name);
      found.volume = volume == nullptr ? std::nullopt : std::optional(*volume);
      found.group = std::move(group);
      break;
    }
  }
  return found;
}

std::string words_on(const model::LogicalVolumeView& volume) {
  return "a logical volume of type " + volume.type + " with " + std::to_string(volume.bytes) + " bytes";
}

// Over how many devices it lies, as LVM counts them.
std::int64_t devices_of(const MakeLogicalVolume& operation) {
  if (operation.type == "thin") {
    return 0;
  }
  const std::int64_t parity = operation.type == "raid5" ? 1 : operation.type == "raid6" ? 2 : 0;
  return (std::max<std::int64_t>(operation.stripes, 1) + parity) * (operation.mirrors + 1);
}

// A pool has no device that holds anything, and is activated with what is in it.
bool is_pool(const MakeLogicalVolume& operation) { return operation.type == pool_type; }

// What lvm itself would load by the name of a target. Built-in ones need nothing.
void load_drivers_of(host::Host& host, const std::string& type) {
  std::vector<std::string> names{"dm_mod"};
  if (type.starts_with("raid")) {
    names.insert(names.end(), {"dm_raid", type == "raid5" || type == "raid6" ? "raid456" : type});
  } else if (type.starts_with("thin")) {
    names.emplace_back("dm_thin_pool");
  }
  load_drivers(host, names);
}

std::vector<std::string> creation(const MakeLogicalVolume& operation) {
  std::vector<std::string> arguments{"lvcreate", "--yes", "--type", operation.type, "--name", operation.name};
  const auto add = [&](std::string_view option, const std::string& value) {
    arguments.emplace_back(option);
    arguments.push_back(value);
  };
  if (operation.mirrors > 0) {
    add("--mirrors", std::to_string(operation.mirrors));
  }
  if (operation.stripes > 0) {
    add("--stripes", std::to_string(operation.stripes));
  }
  const std::string size = std::to_string(operation.size_mib) + "m";
  if (!operation.pool.empty()) {
    add("--virtualsize", size);
    add("--thinpool", operation.pool);
  } else if (operation.size_mib > 0) {
    add("--size", size);
  } else {
    add("--extents", "100%FREE");
  }
  arguments.insert(arguments.end(), operation.options.begin(), operation.options.end());
  arguments.push_back(operation.group);
  return arguments;
}

Result<void> create(host::Host& host, const MakeLogicalVolume& operation, const Found& found) {
  if (operation.there || !found.group) {
    return Error(Code::conflict, "there is no logical volume " + full_name(operation.group, operation.name) +
                                     (found.group ? " any more" : ", and no volume group for it"));
  }
  TRY(run_lvm(host, creation(operation)));
  for (const auto& node : found.group->nodes) {
    TRY(host.disks.flush({node, {}, 0}));
  }
  return {};
}

// What an earlier volume on the same extents held shows through a new one. Where something stands on it, that was seen
// to already.
Result<void> finish(host::Host& host, const host::DeviceRef& device) {
  TRY(host.disks.await(device, patience));
  const auto users = TRY(host.disks.users(device));
  return users.empty() ? make_blank(host, device) : Result<void>{};
}

}  // namespace

Result<void> activate(host::Host& host, const std::string& group, const std::vector<std::string>& volumes) {
  load_drivers(host, {"dm_mod"});
  std::vector<std::string> arguments{"lvchange", "--yes", "--activate", "y"};
  for (const auto& volume : volumes) {
    arguments.push_back(full_name(group, volume));
  }
  TRY(run_lvm(host, std::move(arguments)));
  for (const auto& volume : volumes) {
    TRY(host.disks.await({model::logical_path(group, volume), {}, 0}, patience));
  }
  return {};
}

Result<Observation> observe(host::Host& host, const MakeLogicalVolume& operation) {
  TRY(must_have_program(host, model::lvm_program));
  const Found found = TRY(find(host, operation));
  Observation observation;
  observation.fingerprint = std::string(model::absent_fingerprint);
  if (!found.volume) {
    return observation;
  }
  observation.fingerprint = "logical volume:" + found.volume->type + ":" + std::to_string(found.volume->bytes);
  observation.found = words_on(*found.volume);
  observation.state = found.volume->type != operation.type         ? State::foreign
                      : found.volume->active || is_pool(operation) ? State::satisfied
                                                                   : State::partly_ours;
  return observation;
}

Result<void> apply(Work& work, const MakeLogicalVolume& operation) {
  host::Host& host = work.host;
  load_drivers_of(host, operation.type);
  const Found found = TRY(find(host, operation));
  if (!found.volume) {
    TRY(create(host, operation, found));
  } else if (found.volume->type != operation.type) {
    return Error(Code::conflict, full_name(operation.group, operation.name) + " is " + words_on(*found.volume));
  } else if (!found.volume->active && !is_pool(operation)) {
    TRY(activate(host, operation.group, {operation.name}));
  }
  return operation.there || is_pool(operation) ? Result<void>{} : finish(host, device_of(operation));
}

void predict(model::Inventory& inventory, const MakeLogicalVolume& operation) {
  for (auto& group : inventory.found_groups) {
    if (group.name != operation.group) {
      continue;
    }
    for (auto& volume : group.logical) {
      if (volume.name == operation.name) {
        volume.active = true;
        return;
      }
    }
    constexpr std::int64_t mib = 1 << 20U;
    group.logical.push_back(
        {operation.name, operation.type, operation.size_mib * mib, devices_of(operation), operation.pool, true, false});
  }
}

std::string describe(const MakeLogicalVolume& operation) {
  const std::string size = operation.size_mib > 0 ? std::to_string(operation.size_mib) + " MiB" : "all that is left";
  const std::string in = operation.pool.empty() ? "" : " in the pool " + printable(operation.pool);
  return std::string(operation.there ? "activate" : "make") + " the logical volume " +
         printable(model::logical_path(operation.group, operation.name)) + " (" + operation.type + ", " + size + in +
         ")";
}

// That it is there does not prove that what an earlier one held has been wiped from it; one that is only activated is
// not wiped, and a pool holds nothing itself.
Traits traits(const MakeLogicalVolume& operation) {
  return {.sync_path = {}, .observation_proves = operation.there || is_pool(operation), .lasts = true};
}

}  // namespace provision::plan
