// SPDX-License-Identifier: Apache-2.0
// The part of the disks planner that is about RAID arrays. Pure.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "plan/planners.hpp"

namespace provision::plan {

// Adds the steps for the arrays, inner ones first. `after` is the inventory as the table steps leave it. Errors are at
// the user's line: conflict, device_busy, device_missing, bad_config.
Result<void> plan_arrays(const Question& question, const model::Inventory& after, Plan& plan);

// The array of the config that has `device` as one of its devices, by whichever name; null if none has.
const spec::Raid* array_of(const Question& question, const model::Inventory& after, const std::string& device);

// Which existing array the config's is.
struct ExistingArray {
  Uuid uuid;
  bool running = false;
};

// The one with the identity that the config's gets; or another that is like it in name, level and number of devices,
// and is made of just its devices. Nothing: it is still to be made. Code::bad_config at the user's line.
Result<std::optional<ExistingArray>> existing_array(const Question& question, std::size_t index);

// Whether that is so of any device of the config's array.
bool has_member(const model::Inventory& inventory, const spec::Raid& array,
                const std::function<bool(const host::DeviceRef& device)>& is_it);

// The indices of the config's arrays, those that are devices of others first. Code::bad_config: one is in itself.
Result<std::vector<std::size_t>> in_nesting_order(const Question& question);

}  // namespace provision::plan
