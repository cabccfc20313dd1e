// SPDX-License-Identifier: Apache-2.0
// Subvolumes of the Btrfs file systems that the config has. Pure.
#pragma once

#include "base/result.hpp"
#include "plan/planners.hpp"

namespace provision::plan {

// Adds a step for each subvolume that is not there, or is to become the default one; those of one file system one
// after another, outer ones first. `plan` has the steps of the file systems; `after` is the inventory as the tables of
// the plan leave it. Errors are at the user's line: conflict (the name is something else's), bad_config (it would lie
// in what is not there).
Result<void> plan_subvolumes(const Question& question, const model::Inventory& after, Plan& plan);

}  // namespace provision::plan
