// SPDX-License-Identifier: Apache-2.0
// Telling the kernel what partitions a disk has now, one by one.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/disks.hpp"
#include "host/linux/block_device.hpp"

namespace provision::host {

Result<std::vector<Partition>> known_partitions(const BlockDevice& disk, std::int64_t sector_size);

// Code::device_busy if a partition that must go, move or shrink is in use, or the disk as a whole (mounted, a volume,
// an array). Asked before the table is written.
Result<void> check_changeable(const BlockDevice& disk, const std::vector<Partition>& wanted, std::int64_t sector_size);

// Removes, resizes and adds until the kernel has just `wanted`; what stays the same is not touched, so that a disk with
// mounted partitions can get new ones.
Result<void> tell_kernel(int fd, const BlockDevice& disk, const std::vector<Partition>& wanted,
                         std::int64_t sector_size);

}  // namespace provision::host
