// SPDX-License-Identifier: Apache-2.0
#include "host/sim/array_level.hpp"

#include <algorithm>
#include <array>
#include <numeric>

namespace provision::host::sim {
namespace {

constexpr std::array levels{
    ArrayLevel{"linear", 1, false}, ArrayLevel{"raid0", 1, false}, ArrayLevel{"raid1", 1, true},
    ArrayLevel{"raid4", 2, true},   ArrayLevel{"raid5", 2, true},  ArrayLevel{"raid6", 4, true},
    ArrayLevel{"raid10", 2, true},
};

}  // namespace

const ArrayLevel* array_level(std::string_view name) {
  const auto* const found =
      std::find_if(levels.begin(), levels.end(), [name](const ArrayLevel& level) { return level.name == name; });
  return found == levels.end() ? nullptr : found;
}

bool is_startable(const ArrayMember& member) {
  const ArrayLevel* const level = array_level(member.level);
  return member.events > 0 || (level != nullptr && !level->redundant);
}

std::int64_t array_size(const ArrayLevel& level, const std::vector<std::int64_t>& devices) {
  if (devices.empty()) {
    return 0;
  }
  if (!level.redundant) {
    return std::accumulate(devices.begin(), devices.end(), std::int64_t{0});
  }
  const std::int64_t smallest = *std::min_element(devices.begin(), devices.end());
  const auto count = static_cast<std::int64_t>(devices.size());
  if (level.name == "raid1") {
    return smallest;
  }
  if (level.name == "raid10") {
    return smallest * count / 2;
  }
  return smallest * (count - (level.name == "raid6" ? 2 : 1));
}

std::int64_t most_missing(const ArrayLevel& level, std::int64_t devices) {
  if (!level.redundant) {
    return 0;
  }
  if (level.name == "raid1") {
    return devices - 1;
  }
  return level.name == "raid6" ? 2 : 1;
}

}  // namespace provision::host::sim
