// SPDX-License-Identifier: Apache-2.0
// The state of both copies of a GPT. libfdisk repairs a bad copy in memory and says so only in words for people, so the
// headers and checksums are looked at here (UEFI specification 2.10, section 5.3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/uuid.hpp"
#include "host/disks.hpp"

namespace provision::host {

enum class Copy : std::uint8_t { absent, damaged, whole };

struct GptCopies {
  Copy primary = Copy::absent;
  Copy backup = Copy::absent;
  // Sectors that the table of entries takes (from a whole copy; else of 128 entries of 128 bytes).
  std::int64_t entry_sectors = 0;
  // Both are whole but the backup is not on the last sector: an image on a larger disk.
  bool backup_short_of_end = false;
  // What a whole copy says, the primary where both are whole; empty where none is, or where a partition of it does not
  // fit on the disk.
  Uuid disk_guid;
  std::vector<Partition> partitions;
};

Result<GptCopies> inspect_gpt(int fd, std::int64_t sector_size, std::int64_t sectors, const std::string& node);

// CRC-32 as in IEEE 802.3, which the UEFI specification names.
std::uint32_t crc32(std::string_view bytes);

// Sectors of a new table: 128 entries of 128 bytes.
std::int64_t default_entry_sectors(std::int64_t sector_size);

}  // namespace provision::host
