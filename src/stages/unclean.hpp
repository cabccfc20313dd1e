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
// written once more. A vfat that was there before stays as it is, and so does one that got the files of such a one.
Result<void> make_unclean_anew(Context& context, const spec::Parsed& config, const run::Journal& journal);

// Sets up the stage that puts kept files into new file systems: a vfat that an earlier attempt was at work on is made
// anew, while the files are elsewhere. Code::conflict where they are nowhere else, since nobody can tell whether it has
// them all.
Result<void> make_half_restored_anew(Context& context, const spec::Parsed& config, const run::Journal& journal);

}  // namespace provision::stages
