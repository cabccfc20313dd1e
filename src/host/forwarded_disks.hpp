// SPDX-License-Identifier: Apache-2.0
// Other disks, each call handed on: the base of those that change some of them.
#pragma once

#include <string>
#include <vector>

#include "host/disks.hpp"

namespace provision::host {

class ForwardedDisks : public Disks {
 public:
  // `disks` must outlive it.
  explicit ForwardedDisks(Disks& disks) : disks_(disks) {}

  Result<std::string> await(const DeviceRef& device, std::chrono::milliseconds patience) override {
    return disks_.await(device, patience);
  }
  Result<DiskFacts> facts(const DeviceRef& disk) override { return disks_.facts(disk); }
  Result<std::vector<WholeDisk>> whole_disks(const DiskSearch& search) override { return disks_.whole_disks(search); }
  Result<Table> read_table(const DeviceRef& disk) override { return disks_.read_table(disk); }
  Result<std::vector<Partition>> kernel_partitions(const DeviceRef& disk) override {
    return disks_.kernel_partitions(disk);
  }
  Result<void> write_table(const DeviceRef& disk, const Table& table) override {
    return disks_.write_table(disk, table);
  }
  Result<Signature> probe(const DeviceRef& device) override { return disks_.probe(device); }
  Result<ArrayMember> array_member(const DeviceRef& device) override { return disks_.array_member(device); }
  Result<std::string> read(const DeviceRef& device, std::size_t max_bytes) override {
    return disks_.read(device, max_bytes);
  }
  Result<void> write(const DeviceRef& device, std::string_view bytes) override { return disks_.write(device, bytes); }
  Result<void> wipe_signatures(const DeviceRef& device) override { return disks_.wipe_signatures(device); }
  Result<void> flush(const DeviceRef& device) override { return disks_.flush(device); }
  Result<FilesystemSize> filesystem_size(const DeviceRef& device) override { return disks_.filesystem_size(device); }
  Result<void> grow_filesystem(const DeviceRef& device) override { return disks_.grow_filesystem(device); }
  Result<std::vector<std::string>> users(const DeviceRef& device) override { return disks_.users(device); }

 private:
  Disks& disks_;
};

}  // namespace provision::host
