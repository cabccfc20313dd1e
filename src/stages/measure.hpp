// SPDX-License-Identifier: Apache-2.0
// The config is measured before anything acts on it: in a boot that provisions, the TPM no longer opens what was sealed
// for the running system.
#pragma once

#include "stages/stage.hpp"

namespace provision::stages {

// What the TPM hashes for a config: "provision config sha256-…", by the config's meaning.
std::string measured_event(const spec::Parsed& config);

// Once a boot for the same config. No TPM is no error.
Result<void> measure(Context& context, const spec::Parsed& config);

// What a report says of it; empty if nothing was measured in this boot, or tried to be.
std::string measured_text(host::Files& own);

}  // namespace provision::stages
