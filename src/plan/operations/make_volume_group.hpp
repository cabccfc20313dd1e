// SPDX-License-Identifier: Apache-2.0
// What the planner and the stage disks ask of LVM.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/host.hpp"

namespace provision::plan {

// `lvm` with these arguments. Code::program_failed with its own words.
Result<void> run_lvm(host::Host& host, std::vector<std::string> arguments);

// Nothing that libblkid knows is on it afterwards.
Result<void> make_blank(host::Host& host, const host::DeviceRef& device);

// Activates logical volumes of a group, and waits for their nodes.
Result<void> activate(host::Host& host, const std::string& group, const std::vector<std::string>& volumes);

}  // namespace provision::plan
