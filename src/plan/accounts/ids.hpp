// SPDX-License-Identifier: Apache-2.0
// Numbers for new users and groups, chosen as Debian's useradd and groupadd choose them (by experiment, and
// login.defs(5)).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "model/accounts.hpp"
#include "plan/operation.hpp"

namespace provision::plan {

// Which numbers are taken, users' or groups'.
class Ids {
 public:
  void take(std::int64_t id) { ++used_[id]; }
  void release(std::int64_t id);
  [[nodiscard]] bool is_taken(std::int64_t id) const { return used_.contains(id); }

  // The one after the highest in the range; where that is the range's end, the lowest free one. Nothing: the range is
  // exhausted.
  [[nodiscard]] std::optional<std::int64_t> next(std::int64_t min, std::int64_t max) const;
  // The one before the lowest in the range; where that is the range's beginning, the highest free one; when all are
  // taken, the highest free one below the range, down to 1.
  [[nodiscard]] std::optional<std::int64_t> next_system(std::int64_t min, std::int64_t max) const;

 private:
  // With how many have it: numbers may be shared.
  std::map<std::int64_t, std::int64_t> used_;
};

// The lowest gap between `ranges` that has room for `count` numbers; nothing if there is none. No count, no range.
std::optional<IdRange> free_range(const std::vector<model::SubRange>& ranges, std::int64_t min, std::int64_t max,
                                  std::int64_t count);

}  // namespace provision::plan
