// SPDX-License-Identifier: Apache-2.0
// The master boot record of a disk: what it names beside a GPT, or instead of one.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "fields/engine.hpp"

namespace provision::model {

// A partition as a boot record has it. Sectors are logical sectors of the disk.
struct BootRecordEntry {
  // 1 to 4.
  std::int64_t number = 0;
  // What the boot record calls its type (0x83: Linux).
  std::int64_t type = 0;
  std::int64_t start = 0;
  std::int64_t size = 0;
  bool operator==(const BootRecordEntry&) const = default;
};

inline constexpr std::size_t boot_record_bytes = 512;

// The primary partitions in the first sector of a disk, without empty ones and without the one that protects a GPT
// (UEFI specification 2.10, sections 5.2.1 and 5.2.3). A disk with a GPT that has any has a "hybrid MBR": each reads
// the table that it knows. Logical partitions inside an extended one are not looked at.
std::vector<BootRecordEntry> boot_record_entries(std::string_view sector);

}  // namespace provision::model

PROVISION_DECLARE_RECORD(provision::model::BootRecordEntry);
