// SPDX-License-Identifier: Apache-2.0
// Volume groups of LVM in a config: what holds of them that no single field tells.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "spec/config.hpp"

namespace provision::spec {

// The volume's type; "linear" where the config gives none.
std::string type_of(const LogicalVolume& volume);
// How many copies beside the first one: of raid1 and raid10; else 0.
std::int64_t mirrors_of(const LogicalVolume& volume);
// Over how many devices its data is spread: of striped, raid5, raid6 and raid10, where none are given as many as the
// group's devices allow; else 0.
std::int64_t stripes_of(const VolumeGroup& group, const LogicalVolume& volume);
// It takes all that is left of the group.
bool takes_the_rest(const LogicalVolume& volume);

struct GroupFault {
  // Which of the logical volumes.
  std::size_t volume = 0;
  std::string_view key;
  std::string what;
  std::string hint;
};

// What cannot be made, whatever is on the devices. Asked of each document, and of the merged config again.
std::vector<GroupFault> group_faults(const VolumeGroup& group);

}  // namespace provision::spec
