// SPDX-License-Identifier: Apache-2.0
// The part of the disks planner that is about LVM. Pure.
#pragma once

#include <string>
#include <vector>

#include "plan/planners.hpp"

namespace provision::plan {

// Adds the steps for the volume groups and their logical volumes. `after` is the inventory as the table steps leave it.
// Errors are at the user's line: conflict, device_busy, device_missing, bad_config.
Result<void> plan_volume_groups(const Question& question, const model::Inventory& after, Plan& plan);

// The volume group of the config that has `device` as one of its devices, by whichever name; null if none has.
const spec::VolumeGroup* volume_group_on(const Question& question, const model::Inventory& after,
                                         const std::string& device);

// The group that is there and is taken for the config's: its physical volumes are on just the config's devices. Null:
// it is to be made. Errors at the user's line: what is there is in the way.
Result<const model::VolumeGroupFound*> existing_volume_group(const Question& question, std::size_t index);

// The group of that name that this first boot has made, or begun with, also where devices of it are missing; null:
// none.
const model::VolumeGroupFound* begun_volume_group(const Question& question, std::size_t index);

// Those of the config's logical volumes in it that are there and not active.
std::vector<std::string> inactive_volumes(const spec::VolumeGroup& asked, const model::VolumeGroupFound& found);

}  // namespace provision::plan
