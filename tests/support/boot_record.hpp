// SPDX-License-Identifier: Apache-2.0
// A boot record with given partitions, byte for byte (UEFI specification 2.10, section 5.2.1).
#pragma once

#include <string>
#include <vector>

#include "model/boot_record.hpp"

namespace provision::test {

inline constexpr std::int64_t protective_type = 0xEE;

inline std::string little_endian(std::uint64_t number, int bytes) {
  std::string text;
  for (int i = 0; i < bytes; ++i) {
    text += static_cast<char>(number >> (8 * i) & 0xffU);
  }
  return text;
}

// Each at the place of its number.
inline std::string boot_record_with(const std::vector<model::BootRecordEntry>& entries) {
  std::string sector(model::boot_record_bytes, '\0');
  for (const auto& entry : entries) {
    const std::string bytes = std::string(4, '\0') + little_endian(static_cast<std::uint64_t>(entry.type), 1) +
                              std::string(3, '\0') + little_endian(static_cast<std::uint64_t>(entry.start), 4) +
                              little_endian(static_cast<std::uint64_t>(entry.size), 4);
    sector.replace(446 + static_cast<std::size_t>(entry.number - 1) * bytes.size(), bytes.size(), bytes);
  }
  sector.replace(sector.size() - 2, 2, "\x55\xaa");
  return sector;
}

}  // namespace provision::test
