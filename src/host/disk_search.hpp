// SPDX-License-Identifier: Apache-2.0
// The waiting of Disks::whole_disks, the same on every machine.
#pragma once

#include <chrono>
#include <functional>
#include <vector>

#include "host/disks.hpp"

namespace provision::host {

// What a search needs of the machine.
struct DiskWatch {
  std::function<Result<std::vector<WholeDisk>>()> look;
  // Whether nothing is known to be on its way: udev has no events left.
  std::function<bool()> idle;
  std::function<void(std::chrono::milliseconds)> sleep;
};

// The disks are looked at ten times a second. Quiet is what begins when they are enough and ends when the list changes
// or the machine is not idle; it may last beyond the patience, but not for ever, since a bad cable never gives any.
Result<std::vector<WholeDisk>> search_disks(const DiskSearch& search, const DiskWatch& watch);

}  // namespace provision::host
