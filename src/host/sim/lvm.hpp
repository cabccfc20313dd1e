// SPDX-License-Identifier: Apache-2.0
// What lvm does: fullreport, pvcreate, vgcreate, lvcreate, lvchange and vgchange, with the options that the engine
// gives them. A change of a group's metadata is there as a whole or not at all: LVM repairs what a cut has left on some
// of its devices only.
#pragma once

#include <string>
#include <vector>

#include "host/processes.hpp"
#include "host/sim/world.hpp"

namespace provision::host::sim {

// It changes nothing, and passes no gate.
bool is_lvm_report(const Command& command);
Result<Exit> report_lvm(const World& world, const Command& command);

Exit run_lvm(World& world, const std::vector<std::string>& arguments);

// The power goes in it: it has done all or nothing.
void run_lvm_midway(World& world, const std::vector<std::string>& arguments);

}  // namespace provision::host::sim
