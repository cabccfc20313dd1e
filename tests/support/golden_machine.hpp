// SPDX-License-Identifier: Apache-2.0
// The machine that an inventory describes.
#pragma once

#include <string>
#include <vector>

#include "host/sim/disk.hpp"
#include "host/sim/machine.hpp"
#include "support/golden_cases.hpp"

namespace provision::test {

// The root file system of such a machine, which is mounted at its target; no inventory speaks of it.
inline constexpr std::string_view root_node = "/dev/sda";

struct GoldenMachine {
  host::sim::MachineSpec spec;
  // What of the inventory it cannot have.
  std::vector<std::string> missing;
};

// With what the config wants to fetch.
GoldenMachine machine_of(const GoldenCase& golden);

}  // namespace provision::test
