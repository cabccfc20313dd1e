// SPDX-License-Identifier: Apache-2.0
#include "plan/site.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "model/observe.hpp"
#include "model/volume_groups.hpp"
#include "plan/identity.hpp"

namespace provision::plan {
namespace {

Error no_device(const std::string& device) {
  return {Code::device_missing, "there is no device " + device + ", and the config does not make it"};
}

// What the partition will hold, seen under its name or as what begins at its first sector now: partitions move, and
// what is on the disk does not.
void see_content(const model::Inventory& before, const host::Partition& entry, Site& site) {
  const model::DiskView* disk = before.disk(site.device.disk);
  for (const auto& old : disk->table.partitions) {
    if (old.start != entry.start) {
      continue;
    }
    if (const auto* seen = disk->partition(old.number)) {
      site.signature = seen->signature;
      site.users = seen->users;
    }
    const auto see = [&](const auto& view) {
      if (view.device.disk == site.device.disk && view.device.number == old.number) {
        site.signature = view.signature;
        site.users = view.users;
      }
    };
    std::for_each(before.devices.begin(), before.devices.end(), see);
    for (const auto& array : before.arrays) {
      std::for_each(array.members.begin(), array.members.end(), see);
    }
    for (const auto& group : before.volume_groups) {
      std::for_each(group.members.begin(), group.members.end(), see);
    }
    std::for_each(before.volumes.begin(), before.volumes.end(), see);
  }
}

Result<Site> site_of_partition(const Question& question, const model::Inventory& after, const Plan& plan,
                               const host::DeviceRef& device) {
  Site site;
  site.device = device;
  const host::Partition& entry = *after.disk(device.disk)->entry(device.number);
  const model::DiskView& before = *question.inventory.disk(device.disk);
  const host::Partition* old = before.entry(device.number);
  // The kernel makes no partitions of a damaged table, until it is written anew.
  if (old == nullptr || *old != entry || before.table.kind == host::TableKind::damaged) {
    site.maker = step_named(plan, table_step(device.disk));
  }
  see_content(question.inventory, entry, site);
  if (site.maker == nullptr && !site.signature) {
    return no_device(device.path);
  }
  return site;
}

// A device that is no partition of a disk of the config, as it was seen; nothing if it was not.
std::optional<Site> site_as_seen(const model::Inventory& inventory, const host::DeviceRef& device) {
  if (const auto* const view = inventory.device(device.path)) {
    return Site{device, nullptr, view->signature, view->users};
  }
  for (const auto& array : inventory.arrays) {
    if (const auto* const view = array.member(device.path)) {
      return Site{device, nullptr, view->signature, view->users};
    }
  }
  for (const auto& group : inventory.volume_groups) {
    if (const auto* const view = group.member(device.path)) {
      return Site{device, nullptr, view->signature, view->users};
    }
  }
  for (const auto& view : inventory.volumes) {
    if (view.device.path == device.path) {
      return Site{device, nullptr, view.signature, view.users};
    }
  }
  return std::nullopt;
}

// The step of the array or the volume, encrypted or logical, that it is.
const Step* maker_of(const spec::Config& config, const Plan& plan, const std::string& device) {
  if (const spec::Raid* const array = model::array_named(config, device)) {
    return step_named(plan, array_step(array->name));
  }
  if (const auto logical = model::logical_volume_named(config, device)) {
    return step_named(plan, logical_volume_step(logical->group->name, logical->volume->name));
  }
  const spec::Luks* const volume = model::volume_named(config, device);
  return volume == nullptr ? nullptr : step_named(plan, volume_step(volume->name));
}

}  // namespace

const Step* step_named(const Plan& plan, const std::string& id) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(), [&](const Step& s) { return s.id == id; });
  return found == plan.steps.end() ? nullptr : &*found;
}

std::string table_step(const std::string& disk) { return "table:" + disk; }
std::string array_step(const std::string& name) { return "array:" + name; }
std::string volume_step(const std::string& name) { return "volume:" + name; }
std::string volume_group_step(const std::string& name) { return "volume-group:" + name; }
std::string logical_volume_step(const std::string& group, const std::string& name) {
  return "logical-volume:" + group + "/" + name;
}

Result<Site> site_of(const Question& question, const model::Inventory& after, const Plan& plan,
                     const std::string& device, const std::string& use) {
  const host::DeviceRef ref = model::resolve(after, device);
  if (ref.number != 0) {
    return site_of_partition(question, after, plan, ref);
  }
  if (model::resolve(question.inventory, device).number != 0) {
    return Error(Code::bad_config, device + " is a partition that the config removes");
  }
  if (step_named(plan, table_step(device)) != nullptr) {
    return Error(Code::bad_config, device + " gets a partition table: it cannot " + use + " as well");
  }
  if (const Step* const maker = maker_of(question.config(), plan, device)) {
    return Site{ref, maker, std::nullopt, {}};
  }
  auto seen = site_as_seen(question.inventory, ref);
  if (!seen) {
    return no_device(device);
  }
  return *std::move(seen);
}

bool is_wiped(const spec::Config& config, const Site& site) {
  const auto& disks = config.storage.disks;
  const auto gives_up = [&](const spec::Partition& partition) {
    return site.maker != nullptr && partition.number == site.device.number &&
           partition.wipe_partition_entry.value_or(false);
  };
  return std::any_of(disks.begin(), disks.end(), [&](const spec::Disk& disk) {
    return disk.device == site.device.disk &&
           (disk.wipe_table.value_or(false) || std::any_of(disk.partitions.begin(), disk.partitions.end(), gives_up));
  });
}

bool is_table_given_up(const Question& question, const host::DeviceRef& device) {
  const auto& disks = question.config().storage.disks;
  const host::DeviceRef place = device.number != 0 ? device : model::resolve(question.inventory, device.path);
  for (std::size_t i = 0; i < disks.size(); ++i) {
    const model::DiskView* const view = question.inventory.disk(disks[i].device);
    if (disks[i].device == place.disk && disks[i].wipe_table.value_or(false) && view != nullptr) {
      const Identity identity{question.inventory.machine, spec::meaning(question.config())};
      return view->table.disk_guid != identity.disk(view->facts, "$.storage.disks." + std::to_string(i));
    }
  }
  return false;
}

std::int64_t bytes_of(const model::Inventory& inventory, const host::DeviceRef& device) {
  const model::DiskView* const disk = inventory.disk(device.number != 0 ? device.disk : device.path);
  const host::Partition* const entry = disk == nullptr ? nullptr : disk->entry(device.number);
  const std::int64_t sectors = disk == nullptr      ? 0
                               : entry != nullptr   ? entry->size
                               : device.number != 0 ? 0
                                                    : disk->facts.sectors;
  return disk == nullptr ? 0 : sectors * disk->facts.sector_size;
}

std::string used_by(const std::vector<std::string>& users) {
  // dracut-module/35provision mounts it there.
  constexpr std::string_view state_place = "/run/provision/state";
  const bool is_ours = std::find(users.begin(), users.end(), state_place) != users.end();
  return join(users, ", ") + (is_ours ? " (the journal of this first boot is there, and its stamp: for this one to be "
                                        "made anew the image must have its files kept, by provision.keep=, or name "
                                        "another file system by provision.state= or provision.stamp=, or none)"
                                      : "");
}

std::vector<std::string> needs_of(const Plan& plan, const Site& site) {
  std::vector<std::string> needs;
  // Also where the partition stays: until an interrupted table is whole again the kernel may not know it.
  if (const Step* const table = step_named(plan, table_step(site.device.disk))) {
    needs.push_back(table->id);
  }
  if (site.maker != nullptr && (needs.empty() || site.maker->id != needs.front())) {
    needs.push_back(site.maker->id);
  }
  return needs;
}

}  // namespace provision::plan
