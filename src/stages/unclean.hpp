// SPDX-License-Identifier: Apache-2.0
// File systems that a power cut may have damaged.
#pragma once

#include "base/result.hpp"
#include "run/journal.hpp"
#include "stages/stage.hpp"

namespace provision::stages {

// FAT has no journal of its own: a cut in the middle of a change leaves clusters that nobody owns, directories that
// cannot be read, even chains without an end. So where an earlier boot has mounted a vfat that this first boot had
// made, and not ended the stage `files`, it is made anew before it is mounted again: what was on it is ours, and is
// written once more. A vfat that was there before stays as it is.
Result<void> make_unclean_anew(Context& context, const spec::Parsed& config, const run::Journal& journal);

}  // namespace provision::stages
