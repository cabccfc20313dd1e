// SPDX-License-Identifier: Apache-2.0
// Where partitions go on a disk: pure arithmetic over free blocks.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "host/disks.hpp"

namespace provision::plan {

// All partitions that we place start and end on this grain.
inline constexpr std::int64_t grain_bytes = std::int64_t{1} << 20;

// Sectors [start, start + size).
struct Block {
  std::int64_t start = 0;
  std::int64_t size = 0;
  bool operator==(const Block&) const = default;
};

// Places a partition among those of `table`. Absent or 0 `start`: the start of the largest free block; absent or 0
// `size`: to the end of the free block. Values are sectors. Code::bad_config with the reason if it does not fit.
Result<Block> place(const host::Table& table, std::int64_t sector_size, std::optional<std::int64_t> start,
                    std::optional<std::int64_t> size);

// The sectors from `start` to the next partition or the end of the usable ones; 0 where `start` is taken.
std::int64_t room_at(const host::Table& table, std::int64_t start);

// The first and the last usable sector of a new GPT of 128 entries, into the table.
void set_usable(host::Table& table, const host::DiskFacts& facts);

// Whether writing `wanted` over `old` loses nothing: every entry of `old` stays, at least as large. Of a damaged table
// the entries are those of a whole copy, and only where its GUID stays is there one.
bool keeps_all(const host::Table& old, const host::Table& wanted);
bool keeps(const host::Partition& old, const host::Table& wanted);

// The lowest number not in use, 1 to 128; nothing if all are.
std::optional<std::int64_t> free_number(const host::Table& table);

}  // namespace provision::plan
