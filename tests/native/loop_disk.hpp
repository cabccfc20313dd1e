// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "host/disks.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::test {

// A disk of a sparse file. It is detached when the last user closes it, also when the test dies (LO_FLAGS_AUTOCLEAR).
class LoopDisk {
 public:
  LoopDisk(std::uint64_t mebibytes, std::uint32_t sector_size);

  [[nodiscard]] const std::string& node() const { return node_; }
  [[nodiscard]] host::DeviceRef ref() const { return {node_, {}, 0}; }
  [[nodiscard]] host::DeviceRef part(std::int64_t number) const { return {{}, node_, number}; }
  void grow(std::uint64_t mebibytes);

 private:
  std::string node_;
  host::Descriptor file_;
  host::Descriptor device_;
};

// Empty, or what is missing for loop devices.
std::string loops_missing();

}  // namespace provision::test

#define NEED_LOOPS()     \
  NEED_PRIVATE_FOLDER(); \
  if (const std::string loops_ = ::provision::test::loops_missing(); !loops_.empty()) SKIP_TEST(loops_)
