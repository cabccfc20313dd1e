// SPDX-License-Identifier: Apache-2.0
// File systems that take all of a device that has become larger.
#pragma once

#include "base/result.hpp"
#include "host/disks.hpp"
#include "host/linux/block_device.hpp"

namespace provision::host {

// See Disks::filesystem_size and Disks::grow_filesystem.
Result<FilesystemSize> size_of_filesystem(const BlockDevice& device);
Result<void> grow_filesystem_on(const BlockDevice& device);

}  // namespace provision::host
