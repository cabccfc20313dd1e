// SPDX-License-Identifier: Apache-2.0
// What GRUB leaves outside of file systems where a BIOS starts it, as far as it says where something is.
#pragma once

#include <cstdint>
#include <string>

#include "support/boot_record.hpp"

namespace provision::test {

// The boot code of a disk whose BIOS boot partition begins at that sector of 512 bytes.
inline std::string grub_boot_code(std::uint64_t start) {
  std::string code(440, 'b');
  return code.replace(0x5c, 8, little_endian(start, 8));
}

// The beginning of that partition: two sectors that say that 7 follow, and 9 elsewhere behind them.
inline std::string grub_partition(std::uint64_t start) {
  constexpr std::size_t first = 0x1f4;
  constexpr std::size_t length = 12;
  const auto block = [](std::uint64_t from, std::uint64_t sectors) {
    return little_endian(from, 8) + little_endian(sectors, 2) + little_endian(0x820, 2);
  };
  std::string bytes(1024, 'g');
  bytes.replace(first, length, block(start + 1, 7));
  bytes.replace(first - length, length, block(start + 100, 9));
  return bytes.replace(first - 2 * length, length, block(0, 0));
}

}  // namespace provision::test
