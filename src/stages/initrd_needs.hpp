// SPDX-License-Identifier: Apache-2.0
// What the initramfs of later boots has to set up, for who makes it or writes its kernel arguments.
#pragma once

#include <vector>

#include "base/result.hpp"
#include "plan/plan.hpp"
#include "run/journal.hpp"
#include "run/report.hpp"
#include "spec/parse.hpp"
#include "stages/stage.hpp"

namespace provision::stages {

// Pure: of what is seen.
Result<std::vector<run::InitrdNeed>> initrd_needs_in(const plan::Question& question);

// The config's arrays, those that are devices of others first, then its encrypted volumes, and then its volume groups:
// as they are there now, made or found.
Result<std::vector<run::InitrdNeed>> initrd_needs(Context& context, const spec::Parsed& config,
                                                  const run::Journal& journal);

}  // namespace provision::stages
