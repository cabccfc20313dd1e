// SPDX-License-Identifier: Apache-2.0
// The devices that RAID arrays and file systems are put on, as they will be when the steps before are done. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/planners.hpp"

namespace provision::plan {

// What is known of such a device when the steps of the plan so far are done.
struct Site {
  host::DeviceRef device;
  // The step that makes or changes the device: its table, or the array or volume that it is; null if it stays as it is.
  const Step* maker = nullptr;
  // Nothing: nobody can know before the partition is there.
  std::optional<host::Signature> signature;
  std::vector<std::string> users;
};

// Null if there is none.
const Step* step_named(const Plan& plan, const std::string& id);

// The ids of the steps for a disk's table, for an array, for an encrypted volume, for a volume group and for a logical
// volume.
std::string table_step(const std::string& disk);
std::string array_step(const std::string& name);
std::string volume_step(const std::string& name);
std::string volume_group_step(const std::string& name);
std::string logical_volume_step(const std::string& group, const std::string& name);

// `after` is the inventory as `plan` leaves it; `use` is what the device shall be ("hold a file system"). Errors have
// no place yet: device_missing, bad_config.
Result<Site> site_of(const Question& question, const model::Inventory& after, const Plan& plan,
                     const std::string& device, const std::string& use);

// The config gives up what is there: the whole disk, or just this partition, which is made anew.
bool is_wiped(const spec::Config& config, const Site& site);

// Whether the table goes that the partition is in now: wipeTable is set, and it is not the one that this first boot
// makes. Whatever lies there is neither set up nor taken over.
bool is_table_given_up(const Question& question, const host::DeviceRef& device);

// Bytes, of a partition or a whole disk; 0 where the tables do not tell.
std::int64_t bytes_of(const model::Inventory& inventory, const host::DeviceRef& device);

// Who uses a device, for a message. Of the mount that has this first boot's own journal it says what that is: such a
// device cannot be changed under it, and another place for it is the image's to give.
std::string used_by(const std::vector<std::string>& users);

// The steps that come before a step on it.
std::vector<std::string> needs_of(const Plan& plan, const Site& site);

}  // namespace provision::plan
