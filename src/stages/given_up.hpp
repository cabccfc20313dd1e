// SPDX-License-Identifier: Apache-2.0
// What lies in a partition table that is to be written anew, and is neither set up nor opened: it would be in the way.
#pragma once

#include "plan/planners.hpp"
#include "run/journal.hpp"

namespace provision::stages {

// The stage's plan, where an earlier run has stored one.
const plan::Plan* stored_plan(const run::Journal& journal, const std::string& stage);

// Whether the plan has yet to write another table where the device is; without a plan, whether the config wants one.
bool goes_with_table(const plan::Question& question, const plan::Plan* plan, const host::DeviceRef& device);

}  // namespace provision::stages
