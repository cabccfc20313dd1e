// SPDX-License-Identifier: Apache-2.0
// The table that a disk of the config shall have: each partition of the config is matched with what is there. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/result.hpp"
#include "host/disks.hpp"
#include "spec/config.hpp"

namespace provision::plan {

// A partition of the config in the terms of its disk.
struct Wish {
  const spec::Partition& asked;
  Origin origin;
  // The user's own, or the derived one: by this an entry is known that an earlier run of ours made.
  Uuid guid;
};

// What becomes of one entry. `number` is that of the table before, except of a created one.
struct Change {
  enum class Kind : std::uint8_t { created, replaced, resized, deleted };
  Kind kind = Kind::created;
  std::int64_t number = 0;
  Origin origin;
};

struct Match {
  host::Table table;
  std::vector<Change> changes;
};

// The rules are Ignition's:
//
// - A wish is met by the entry of its number; a wish without a number takes the lowest free one, after all others.
// - An entry that is there is compared in what the config gives. An absent start or size compares equal; a start or
// size
//   of 0 compares with what a new partition would get.
// - An entry that differs is a conflict, unless only its size differs and `resize` is set (it keeps its place, type,
//   GUID and label), or `wipePartitionEntry` is set (it is made anew).
// - An entry that shall not exist goes if `wipePartitionEntry` is set, and else is a conflict, too; a wish that it
// shall
//   not exist does not count where a wish without a number has taken that number.
//
// What the config does not name stays as it is and where it is. Code::conflict, or bad_config where there is no room.
Result<Match> match_partitions(host::Table table, const std::vector<Wish>& wishes, std::int64_t sector_size);

}  // namespace provision::plan
