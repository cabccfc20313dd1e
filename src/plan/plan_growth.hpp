// SPDX-License-Identifier: Apache-2.0
// File systems that are there and take all of their devices.
#pragma once

#include "plan/planners.hpp"

namespace provision::plan {

// Adds a step for each file system of the config that shall grow, is smaller than its device will be, and is not made
// anew. `after` is the inventory as the tables of `plan` leave it.
Result<void> plan_growth(const Question& question, const model::Inventory& after, Plan& plan);

}  // namespace provision::plan
