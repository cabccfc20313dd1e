// SPDX-License-Identifier: Apache-2.0
// Volume groups that are there, activated in each boot until the first one is complete.
#pragma once

#include "base/result.hpp"
#include "run/journal.hpp"
#include "spec/parse.hpp"
#include "stages/stage.hpp"

namespace provision::stages {

// Activates the logical volumes of the config that are there, and makes nothing. `begun`: the stage disks has a plan,
// so what is there is of this first boot, and devices may be missing. Whether there was one to activate.
Result<bool> activate_groups(Context& context, const spec::Parsed& config, const run::Journal& journal, bool begun);

}  // namespace provision::stages
