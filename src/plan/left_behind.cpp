// SPDX-License-Identifier: Apache-2.0
#include "plan/left_behind.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "model/observe.hpp"

namespace provision::plan {
namespace {

// What the steps made where nothing was.
struct Made {
  // The config's names of the disks.
  std::set<std::string> tables;
  // Of file systems, RAID arrays, encrypted volumes and volume groups.
  std::vector<host::DeviceRef> devices;
  std::set<std::string> files;

  [[nodiscard]] bool content(const host::DeviceRef& device) const {
    return std::any_of(devices.begin(), devices.end(), [&](const host::DeviceRef& made) {
      const bool same_entry = !made.disk.empty() && made.disk == device.disk && made.number == device.number;
      return same_entry || (!made.path.empty() && made.path == device.path);
    });
  }
};

std::string file_of(const Operation& operation) {
  if (const auto* const file = std::get_if<PutFile>(&operation)) {
    return file->path;
  }
  if (const auto* const link = std::get_if<PutLink>(&operation)) {
    return link->path;
  }
  if (const auto* const unit = std::get_if<PutUnit>(&operation)) {
    return unit->dropin.empty() ? model::unit_path(unit->name) : model::dropin_path(unit->name, unit->dropin);
  }
  return {};
}

// Where files of the image are, that must be kept: as before the steps, or as those have put them back. Nobody else has
// them, whoever made what they lie on.
std::vector<host::DeviceRef> kept_by(const std::vector<Step>& steps) {
  std::vector<host::DeviceRef> kept;
  for (const auto& step : steps) {
    if (const auto* const save = std::get_if<SaveRoot>(&step.operation)) {
      kept.push_back(save->device);
    } else if (const auto* const restore = std::get_if<RestoreRoot>(&step.operation)) {
      kept.push_back(restore->device);
    }
  }
  return kept;
}

bool is_of(const host::DeviceRef& device, const WriteTable& table) {
  return !device.disk.empty() && device.disk == (table.disk.disk.empty() ? table.disk.path : table.disk.disk);
}

Made made_by(const std::vector<Step>& steps) {
  const auto kept = kept_by(steps);
  const auto keeps = [&](const auto& is_it) { return std::any_of(kept.begin(), kept.end(), is_it); };
  Made made;
  for (const auto& step : steps) {
    const bool was_blank = step.assumes == model::absent_fingerprint;
    if (const auto* const filesystem = std::get_if<MakeFilesystem>(&step.operation)) {
      // Whatever was there before it is gone.
      if (!keeps([&](const auto& device) { return model::is_same_device(device, filesystem->device); })) {
        made.devices.push_back(filesystem->device);
      }
    } else if (const auto* const array = std::get_if<MakeArray>(&step.operation)) {
      made.devices.insert(made.devices.end(), array->members.begin(), array->members.end());
    } else if (const auto* const volume = std::get_if<MakeVolume>(&step.operation)) {
      if (!volume->there) {
        made.devices.push_back(volume->device);
      }
    } else if (const auto* const group = std::get_if<MakeVolumeGroup>(&step.operation)) {
      made.devices.insert(made.devices.end(), group->members.begin(), group->members.end());
    } else if (const auto* const table = std::get_if<WriteTable>(&step.operation); table != nullptr && was_blank) {
      if (keeps([&](const auto& device) { return is_of(device, *table); })) {
        continue;
      }
      made.tables.insert(table->disk.disk.empty() ? table->disk.path : table->disk.disk);
    } else if (const std::string path = file_of(step.operation); !path.empty() && was_blank) {
      made.files.insert(path);
    }
  }
  return made;
}

// The room for partitions is the disk's.
void forget_table(model::DiskView& disk) {
  host::Table blank;
  blank.first = disk.table.first;
  blank.last = disk.table.last;
  disk.table = std::move(blank);
  disk.signature = {};
  disk.partitions.clear();
}

// As with arrays: one of which a volume is active stays.
void forget_groups(model::Inventory& inventory, const Made& made) {
  for (auto& group : inventory.volume_groups) {
    for (auto& view : group.members) {
      if (!made.content(view.device) || !view.users.empty()) {
        continue;
      }
      const std::string uuid = std::exchange(view.signature, {}).uuid;
      std::erase_if(inventory.found_groups, [&](const model::VolumeGroupFound& found) { return found.has(uuid); });
    }
  }
}

void forget_contents(model::DiskView& disk, const Made& made) {
  for (auto& partition : disk.partitions) {
    if (made.content({{}, disk.device, partition.number})) {
      partition.signature = {};
    }
  }
}

}  // namespace

model::Inventory without(model::Inventory inventory, const std::vector<Step>& left_behind) {
  const Made made = made_by(left_behind);
  for (auto& disk : inventory.disks) {
    if (made.tables.contains(disk.device)) {
      forget_table(disk);
    }
    forget_contents(disk, made);
  }
  for (auto& array : inventory.arrays) {
    for (auto& view : array.members) {
      // One that is set up is taken if the config has one like it; nobody can make another in its place while it runs.
      if (made.content(view.device) && !view.member.running) {
        view.signature = {};
        view.member = {};
      }
    }
  }
  forget_groups(inventory, made);
  for (auto& volume : inventory.volumes) {
    // As with arrays: one that is open stays until somebody closes it.
    if (made.content(volume.device) && volume.open.empty()) {
      volume.signature = {};
      volume.header = {};
    }
  }
  for (auto& device : inventory.devices) {
    if (made.content(device.device)) {
      device.signature = {};
      device.subvolumes.clear();
    }
  }
  std::erase_if(inventory.files, [&](const model::FileView& file) { return made.files.contains(file.path); });
  return inventory;
}

void let_replace(Plan& plan, const std::vector<Step>& left_behind) {
  const Made made = made_by(left_behind);
  for (auto& step : plan.steps) {
    bool ours = made.files.contains(file_of(step.operation));
    if (const auto* const table = std::get_if<WriteTable>(&step.operation)) {
      ours = made.tables.contains(table->disk.disk.empty() ? table->disk.path : table->disk.disk);
    } else if (const auto* const filesystem = std::get_if<MakeFilesystem>(&step.operation)) {
      ours = made.content(filesystem->device) || made.tables.contains(filesystem->device.disk);
      step.afresh = step.afresh || ours;
    } else if (const auto* const volume = std::get_if<MakeVolume>(&step.operation)) {
      ours = !volume->there && (made.content(volume->device) || made.tables.contains(volume->device.disk));
    } else if (const auto* const group = std::get_if<MakeVolumeGroup>(&step.operation)) {
      ours = std::any_of(group->members.begin(), group->members.end(), [&](const host::DeviceRef& member) {
        return made.content(member) || made.tables.contains(member.disk);
      });
    } else if (const auto* const array = std::get_if<MakeArray>(&step.operation)) {
      ours = std::any_of(array->members.begin(), array->members.end(), [&](const host::DeviceRef& member) {
        return made.content(member) || made.tables.contains(member.disk);
      });
    }
    if (ours) {
      step.replaces = std::string(replaces_anything);
      step.why += "; what is there an earlier config of this first boot has left";
    }
  }
}

}  // namespace provision::plan
