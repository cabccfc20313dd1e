// SPDX-License-Identifier: Apache-2.0
#include "loop_disk.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "surroundings.hpp"

namespace provision::test {

LoopDisk::LoopDisk(std::uint64_t mebibytes, std::uint32_t sector_size) {
  const std::string backing = new_folder() + "/disk";
  file_ = host::Descriptor(::open(backing.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  REQUIRE(file_.valid());
  REQUIRE(::ftruncate(file_.get(), static_cast<off_t>(mebibytes << 20U)) == 0);
  const host::Descriptor control(::open("/dev/loop-control", O_RDWR | O_CLOEXEC));
  REQUIRE(control.valid());
  // Another program may take the free device first.
  for (int i = 0; i < 50 && !device_.valid(); ++i) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    REQUIRE(number >= 0);
    node_ = "/dev/loop" + std::to_string(number);
    host::Descriptor device(::open(node_.c_str(), O_RDWR | O_CLOEXEC));
    loop_config config{};
    config.fd = static_cast<std::uint32_t>(file_.get());
    config.block_size = sector_size;
    config.info.lo_flags = LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN;
    if (device.valid() && ::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) {
      device_ = std::move(device);
    } else {
      REQUIRE(errno == EBUSY);
    }
  }
  REQUIRE(device_.valid());
}

void LoopDisk::grow(std::uint64_t mebibytes) {
  REQUIRE(::ftruncate(file_.get(), static_cast<off_t>(mebibytes << 20U)) == 0);
  REQUIRE(::ioctl(device_.get(), LOOP_SET_CAPACITY) == 0);
}

std::string loops_missing() { return ::access("/dev/loop-control", R_OK | W_OK) == 0 ? "" : "/dev/loop-control"; }

}  // namespace provision::test
