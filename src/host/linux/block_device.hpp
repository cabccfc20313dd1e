// SPDX-License-Identifier: Apache-2.0
// Block devices as sysfs shows them.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/disks.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {

struct BlockDevice {
  // The kernel's own node: "/dev/vda1".
  std::string node;
  dev_t number = 0;
  // Its directory, links resolved: "/sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda/vda1".
  std::string sysfs;
};

// One partition that the kernel knows; start and size in units of 512 bytes, as sysfs has them for any sector size.
struct KernelPartition {
  BlockDevice device;
  std::int64_t number = 0;
  std::int64_t start_512 = 0;
  std::int64_t size_512 = 0;
};

// Code::device_missing, with the errno of stat(2), if there is no such device.
Result<BlockDevice> find_device(const DeviceRef& device);
// The disk that a partition lies on; the device itself if it is none.
Result<BlockDevice> whole_disk(const BlockDevice& device);
// The disks that the kernel knows, without loop devices, memory disks and empty drives.
Result<std::vector<BlockDevice>> whole_disks();
// In the order of their numbers.
Result<std::vector<KernelPartition>> partitions_of(const BlockDevice& disk);

// The kernel's names of what stands on the device itself ("dm-0", "md127").
std::vector<std::string> holders_of(const BlockDevice& device);

Result<Descriptor> open_device(const std::string& node, int flags);
// Whether a component of a sysfs path is the prefix with a number behind it: "host0".
bool is_numbered(std::string_view component, std::string_view prefix);
// Those of the disk whose sysfs directory this is, as it is written there; empty: nothing is known.
std::string serial_of(const std::string& sysfs);
std::string wwn_of(const std::string& sysfs);
Result<DiskFacts> disk_facts(const BlockDevice& disk);
// Who uses one of these devices: mount points, "swap", names of holders.
Result<std::vector<std::string>> users_of(const std::vector<BlockDevice>& devices);

// The place in the hardware, from a sysfs directory of a block device; the numbers that the kernel gives to SCSI hosts,
// ATA ports and NVMe controllers in the order of their detection, which may be another at the next boot, are left out.
// Empty for devices that exist in software only.
std::string hardware_path(const std::string& sysfs);

}  // namespace provision::host
