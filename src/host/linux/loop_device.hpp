// SPDX-License-Identifier: Apache-2.0
// Image files as disks: loop devices that go by themselves when their last user does.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {

struct LoopRequest {
  // A regular file with the bytes of a disk.
  std::string file;
  bool read_only = true;
  std::uint32_t sector_size = 512;
};

// Detached when the object, and all that is mounted of it, is gone; also if this process is killed
// (LO_FLAGS_AUTOCLEAR).
class LoopDevice {
 public:
  // The file is locked meanwhile, as QEMU does it: Code::device_busy if it is in use. The kernel is told of the
  // partitions of a GPT also where it has no parser for them.
  static Result<LoopDevice> attach(const LoopRequest& request);

  [[nodiscard]] const std::string& node() const { return node_; }
  [[nodiscard]] bool read_only() const { return read_only_; }

 private:
  LoopDevice(Descriptor file, Descriptor device, std::string node, bool read_only)
      : file_(std::move(file)), device_(std::move(device)), node_(std::move(node)), read_only_(read_only) {}

  Descriptor file_;
  Descriptor device_;
  std::string node_;
  bool read_only_;
};

// Waits until no loop device has this file (its real path) behind it; false if one still has after `patience`.
bool await_detached(const std::string& file, std::chrono::milliseconds patience);

}  // namespace provision::host
