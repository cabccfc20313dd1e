// SPDX-License-Identifier: Apache-2.0
// What an earlier config of this very first boot did, or had begun, when another one took over.
//
// Nobody has used it yet, and some of it may be torn. So it counts as not there when the plan is made, and the plan's
// steps may replace it. What was there before it, and was kept by it, is not touched by this: a table that had other
// partitions, a file that was written over.
#pragma once

#include <vector>

#include "model/inventory.hpp"
#include "plan/plan.hpp"

namespace provision::plan {

// The inventory as if these steps had not been.
model::Inventory without(model::Inventory inventory, const std::vector<Step>& left_behind);

// Lets the steps of a plan that was made on such an inventory replace what is left.
void let_replace(Plan& plan, const std::vector<Step>& left_behind);

}  // namespace provision::plan
