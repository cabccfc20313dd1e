// SPDX-License-Identifier: Apache-2.0
#include "plan/layout.hpp"

#include <algorithm>
#include <vector>

namespace provision::plan {
namespace {

constexpr std::int64_t most_partitions = 128;

// The free blocks of the table, shrunk to the grain, in order.
std::vector<Block> free_blocks(const host::Table& table, std::int64_t grain) {
  std::vector<host::Partition> sorted = table.partitions;
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  std::vector<Block> blocks;
  std::int64_t next = table.first;
  const auto add = [&](std::int64_t end) {
    const std::int64_t start = (next + grain - 1) / grain * grain;
    const std::int64_t aligned_end = end / grain * grain;
    if (aligned_end > start) {
      blocks.push_back({start, aligned_end - start});
    }
  };
  for (const auto& partition : sorted) {
    add(partition.start);
    next = std::max(next, partition.start + partition.size);
  }
  add(table.last + 1);
  return blocks;
}

const host::Partition* overlapped(const host::Table& table, const Block& block) {
  for (const auto& partition : table.partitions) {
    if (block.start < partition.start + partition.size && partition.start < block.start + block.size) {
      return &partition;
    }
  }
  return nullptr;
}

std::string mib(std::int64_t sectors, std::int64_t sector_size) {
  return std::to_string(sectors * sector_size / grain_bytes) + " MiB";
}

Error does_not_fit(std::string what) { return {Code::bad_config, std::move(what)}; }

}  // namespace

Result<Block> place(const host::Table& table, std::int64_t sector_size, std::optional<std::int64_t> start,
                    std::optional<std::int64_t> size) {
  const std::vector<Block> blocks = free_blocks(table, grain_bytes / sector_size);
  const auto largest =
      std::max_element(blocks.begin(), blocks.end(), [](const Block& a, const Block& b) { return a.size < b.size; });
  const std::int64_t wanted_start = start.value_or(0);
  const std::int64_t wanted_size = size.value_or(0);
  if (largest == blocks.end() && (wanted_start == 0 || wanted_size == 0)) {
    return does_not_fit("there is no free space left on the disk");
  }
  Block block{wanted_start, wanted_size};
  if (wanted_start == 0) {
    block.start = largest->start;
  }
  const auto holding = std::find_if(blocks.begin(), blocks.end(), [&](const Block& free) {
    return free.start <= block.start && block.start < free.start + free.size;
  });
  if (wanted_size == 0) {
    const std::int64_t grain = grain_bytes / sector_size;
    const std::int64_t end = (block.start + room_at(table, block.start)) / grain * grain;
    block.size = std::max<std::int64_t>(end - block.start, 0);
  }
  if (const host::Partition* other = overlapped(table, block); other != nullptr) {
    return does_not_fit("the partition would overlap partition " + std::to_string(other->number) + " of the disk");
  }
  if (block.size == 0) {
    return does_not_fit("there is no free space at " + mib(block.start, sector_size));
  }
  if (block.start < table.first || block.start + block.size - 1 > table.last) {
    const std::string room =
        holding == blocks.end() ? "none" : mib(holding->start + holding->size - block.start, sector_size);
    return does_not_fit("the partition does not fit: " + mib(block.size, sector_size) + " from " +
                        mib(block.start, sector_size) + " on are asked for, free there: " + room);
  }
  return block;
}

std::int64_t room_at(const host::Table& table, std::int64_t start) {
  std::int64_t end = table.last + 1;
  for (const auto& partition : table.partitions) {
    if (partition.start + partition.size > start) {
      end = std::min(end, partition.start);
    }
  }
  return start < table.first ? 0 : std::max<std::int64_t>(end - start, 0);
}

void set_usable(host::Table& table, const host::DiskFacts& facts) {
  constexpr std::int64_t entry_bytes = std::int64_t{128} * most_partitions;
  const std::int64_t entries = (entry_bytes + facts.sector_size - 1) / facts.sector_size;
  // Protective MBR, header and entries before, entries and header after.
  table.first = 2 + entries;
  table.last = facts.sectors - 2 - entries;
}

bool keeps(const host::Partition& old, const host::Table& wanted) {
  return std::any_of(wanted.partitions.begin(), wanted.partitions.end(), [&](host::Partition entry) {
    const bool as_large = entry.size >= old.size;
    entry.size = old.size;
    return as_large && entry == old;
  });
}

bool keeps_all(const host::Table& old, const host::Table& wanted) {
  const bool same_disk = old.disk_guid == wanted.disk_guid;
  const bool counts = old.kind == host::TableKind::gpt ? same_disk || host::is_placeholder(old.disk_guid)
                                                       : old.kind == host::TableKind::damaged && same_disk;
  return counts && std::all_of(old.partitions.begin(), old.partitions.end(),
                               [&](const host::Partition& entry) { return keeps(entry, wanted); });
}

std::optional<std::int64_t> free_number(const host::Table& table) {
  for (std::int64_t number = 1; number <= most_partitions; ++number) {
    const bool used = std::any_of(table.partitions.begin(), table.partitions.end(),
                                  [&](const host::Partition& p) { return p.number == number; });
    if (!used) {
      return number;
    }
  }
  return std::nullopt;
}

}  // namespace provision::plan
