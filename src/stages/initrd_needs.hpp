// SPDX-License-Identifier: Apache-2.0
// What the initramfs of later boots has to set up, for who makes it or writes its kernel arguments.
#pragma once

#include <vector>

#include "plan/plan.hpp"
#include "run/report.hpp"
#include "spec/config.hpp"

namespace provision::stages {

// The arrays and the encrypted volumes of a plan of the stage `disks`, made or found, in the order in which they lie on
// each other.
std::vector<run::InitrdNeed> initrd_needs(const plan::Plan& disks, const spec::Config& config);

}  // namespace provision::stages
