// SPDX-License-Identifier: Apache-2.0
// A first-boot stamp that is no file: the disk GUID 00000000-0000-0000-0000-000000000001, which an image brings to
// every disk that it is laid on (Container Linux, Flatcar). The disk meant is the one that has the partition of the
// journal.
#pragma once

#include "stages/first_boot.hpp"

namespace provision::stages {

// Whether the disk still has the image's GUID. Unknown once a first boot is in progress, for the stage `disks` may have
// given the disk its own by then. Code::io where there is no whole GPT to ask and no journal either.
Result<Evidence::Stamp> look_at_disk_guid(Context& context, Evidence::Record record);

// Gives the disk a GUID of its own, derived from machine, disk and config, in both copies of the table and durably.
Result<void> replace_disk_guid(Context& context);

}  // namespace provision::stages
