// SPDX-License-Identifier: Apache-2.0
// The root file system of the image, and others that the image names, where the config makes them anew or destroys
// them: what is in them must be there afterwards, on what takes their place. Pure.
#pragma once

#include "base/result.hpp"
#include "plan/planners.hpp"

namespace provision::plan {

// Adds the steps that keep the files of the root file system while its device changes, and put them back: where the
// inventory says that they must be kept, and the plan of the stage disks makes another root. The same for the others
// that the inventory names, each of which may go to several new ones. `after` is the inventory as the tables of the
// plan leave it. Errors are at the user's line: conflict, where the files could not be kept.
Result<void> plan_root(const Question& question, const model::Inventory& after, Plan& plan);

}  // namespace provision::plan
