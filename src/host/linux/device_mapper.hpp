// SPDX-License-Identifier: Apache-2.0
// Partitions of device-mapper devices (multipath, LVM, …). BLKPG does nothing on those: a partition is a linear map of
// its own over the disk, as kpartx(8) makes them, with its names and UUIDs. By the ioctls of linux/dm-ioctl.h.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"

namespace provision::host {

// A device-mapper device as sysfs has it; nothing if the device at this directory is none.
struct Mapped {
  std::string name;
  std::string uuid;
};
std::optional<Mapped> mapped_device(const std::string& sysfs);

// The number of the partition that a map is, by its UUID ("part3-mpath-…") or, where the disk has none, by its name;
// nothing if the map is no partition of `disk`.
std::optional<std::int64_t> partition_number(const Mapped& map, const Mapped& disk);

// What kpartx calls the map: "p" only behind a digit.
Mapped partition_map(const Mapped& disk, std::int64_t number);

// In units of 512 bytes, for any sector size.
struct Extent {
  std::int64_t start = 0;
  std::int64_t size = 0;
};

// Where a linear map of one piece begins on the device below it.
Result<std::int64_t> start_of_map(const std::string& name);
// `disk_number`: "253:0".
Result<void> create_map(const Mapped& map, const std::string& disk_number, const Extent& extent);
Result<void> resize_map(const std::string& name, const std::string& disk_number, const Extent& extent);
Result<void> remove_map(const std::string& name);

}  // namespace provision::host
