// SPDX-License-Identifier: Apache-2.0
// What mdadm does: --create, --assemble and --stop, with the options that the engine gives it.
#pragma once

#include <string>
#include <vector>

#include "host/processes.hpp"
#include "host/sim/world.hpp"

namespace provision::host::sim {

Exit run_mdadm(World& world, const std::vector<std::string>& arguments);

// The power goes in it: some first members of a new array have their superblock, and it was never started.
void run_mdadm_midway(World& world, const std::vector<std::string>& arguments);

}  // namespace provision::host::sim
