// SPDX-License-Identifier: Apache-2.0
// The root file system of the image, and others that the image names, where the config makes them anew or destroys
// them: what is in them must be there afterwards, on what takes their place. Pure.
#pragma once

#include <optional>

#include "base/result.hpp"
#include "plan/planners.hpp"

namespace provision::plan {

// The inventory without the journal's mount among those that use its disk, where its file system is one of those whose
// files are kept: it is unmounted before anything happens to it. Nothing: it stays where it is.
std::optional<model::Inventory> without_journal(const model::Inventory& inventory);

// Adds the steps that keep the files of the root file system while its device changes, and put them back: where the
// inventory says that they must be kept, and the plan of the stage disks makes another root. The same for the others
// that the inventory names, each of which may go to several new ones, and one may take the journal along: the step that
// saves that comes before all that are not needed for it, and the one that puts it back after all others. `after` is
// the inventory as the tables of the plan leave it. Errors are at the user's line: conflict, where the files could not
// be kept.
Result<void> plan_root(const Question& question, const model::Inventory& after, Plan& plan);

}  // namespace provision::plan
