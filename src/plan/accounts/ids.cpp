// SPDX-License-Identifier: Apache-2.0
#include "plan/accounts/ids.hpp"

#include <algorithm>
#include <iterator>

namespace provision::plan {

void Ids::release(std::int64_t id) {
  const auto found = used_.find(id);
  if (found != used_.end() && --found->second == 0) {
    used_.erase(found);
  }
}

std::optional<std::int64_t> Ids::next(std::int64_t min, std::int64_t max) const {
  if (min > max) {
    return std::nullopt;
  }
  const auto above = used_.upper_bound(max);
  const bool none = above == used_.begin() || std::prev(above)->first < min;
  const std::int64_t after = none ? min : std::prev(above)->first + 1;
  if (after <= max) {
    return after;
  }
  for (std::int64_t id = min; id <= max; ++id) {
    if (!is_taken(id)) {
      return id;
    }
  }
  return std::nullopt;
}

std::optional<std::int64_t> Ids::next_system(std::int64_t min, std::int64_t max) const {
  if (min > max) {
    return std::nullopt;
  }
  const auto lowest = used_.lower_bound(min);
  if (lowest != used_.end() && lowest->first <= max && lowest->first > min) {
    return lowest->first - 1;
  }
  for (std::int64_t id = max; id >= 1; --id) {
    if (!is_taken(id)) {
      return id;
    }
  }
  return std::nullopt;
}

std::optional<IdRange> free_range(const std::vector<model::SubRange>& ranges, std::int64_t min, std::int64_t max,
                                  std::int64_t count) {
  if (count <= 0) {
    return IdRange{};
  }
  std::vector<IdRange> sorted;
  sorted.reserve(ranges.size());
  for (const auto& range : ranges) {
    sorted.push_back({range.start, range.count});
  }
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.start < b.start; });
  std::int64_t low = min;
  for (const auto& range : sorted) {
    if (range.start > low && range.start - low >= count && low + count - 1 <= max) {
      return IdRange{low, count};
    }
    low = std::max(low, range.start + range.count);
  }
  return low + count - 1 <= max ? std::optional(IdRange{low, count}) : std::nullopt;
}

}  // namespace provision::plan
