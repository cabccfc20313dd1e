// SPDX-License-Identifier: Apache-2.0
// The config's encrypted volumes that are there already and not open: they are opened, before anything is planned on
// them, and where a first boot goes on after a power cut.
#pragma once

#include "base/result.hpp"
#include "run/journal.hpp"
#include "spec/parse.hpp"
#include "stages/stage.hpp"

namespace provision::stages {

// `begun`: those that this first boot has made are opened by their kept keys; disks and devices may be missing.
// Otherwise those of before, by the keys that the config gives, as far as they are what the config says;
// Code::conflict, at the user's line, where the key opens none.
Result<void> open_volumes(Context& context, const spec::Parsed& config, const run::Journal& journal, bool begun);

// The second phase of binding, at the end of a first boot while the kept keys are still there: a volume that Clevis
// or a TPM opens, and whose key was made by chance, is opened by that key no more. Where it is so already nothing
// happens.
Result<void> remove_drawn_keys(Context& context);

}  // namespace provision::stages
