// SPDX-License-Identifier: Apache-2.0
// What the RAID levels need and give.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "host/disks.hpp"

namespace provision::host::sim {

struct ArrayLevel {
  std::string_view name;
  std::int64_t least_devices = 1;
  // Has a copy or parity of all, and so may have spares and lack devices.
  bool redundant = false;
};

// Nothing for a level that the kernel does not know.
const ArrayLevel* array_level(std::string_view name);

// Not one that was made and never started; of a level without redundancy nobody can tell.
bool is_startable(const ArrayMember& member);

// How large an array of devices of these sizes is. Superblocks take no room here.
std::int64_t array_size(const ArrayLevel& level, const std::vector<std::int64_t>& devices);

// How many of `devices` it can be without. Of a raid10 one: two may be each other's only copies.
std::int64_t most_missing(const ArrayLevel& level, std::int64_t devices);

}  // namespace provision::host::sim
