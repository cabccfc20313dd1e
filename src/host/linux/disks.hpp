// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host/disks.hpp"

namespace provision::host {

class LinuxDisks final : public Disks {
 public:
  Result<std::string> await(const DeviceRef& device, std::chrono::milliseconds patience) override;
  Result<DiskFacts> facts(const DeviceRef& disk) override;
  Result<std::vector<WholeDisk>> whole_disks(const DiskSearch& search) override;
  Result<Table> read_table(const DeviceRef& disk) override;
  Result<std::vector<Partition>> kernel_partitions(const DeviceRef& disk) override;
  Result<void> write_table(const DeviceRef& disk, const Table& table) override;
  Result<Signature> probe(const DeviceRef& device) override;
  Result<ArrayMember> array_member(const DeviceRef& device) override;
  Result<std::string> read(const DeviceRef& device, std::size_t max_bytes) override;
  Result<void> write(const DeviceRef& device, std::string_view bytes) override;
  Result<void> wipe_signatures(const DeviceRef& device) override;
  Result<void> flush(const DeviceRef& device) override;
  Result<FilesystemSize> filesystem_size(const DeviceRef& device) override;
  Result<void> grow_filesystem(const DeviceRef& device) override;
  Result<std::vector<std::string>> users(const DeviceRef& device) override;
};

}  // namespace provision::host
