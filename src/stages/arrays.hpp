// SPDX-License-Identifier: Apache-2.0
// The config's RAID arrays that are there already and not set up: they are, before anything is planned on them, and
// where a first boot goes on after a power cut.
#pragma once

#include "base/result.hpp"
#include "run/journal.hpp"
#include "spec/parse.hpp"
#include "stages/stage.hpp"

namespace provision::stages {

// `begun`: disks and devices may be missing, and an array is set up from what is there of it.
Result<void> set_up_arrays(Context& context, const spec::Parsed& config, const run::Journal& journal, bool begun);

}  // namespace provision::stages
