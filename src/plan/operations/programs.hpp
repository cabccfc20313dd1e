// SPDX-License-Identifier: Apache-2.0
// Running a program of the table in host/programs.hpp, as operations do.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "host/host.hpp"

namespace provision::plan {

// Code::program_missing, which names the package that has it. To be asked before anything of what is there is gone.
Result<void> must_have_program(host::Host& host, std::string_view program);
// Code::program_failed with the last of its own words, if it ends with another status than 0.
Result<void> run_program(host::Host& host, const host::Command& command);

// The same with Command::answer: how many bytes the answer has.
Result<std::size_t> answered(host::Host& host, const host::Command& command);

// Drivers that udev has not loaded, since nothing that needs them is there yet. Where they are built in, or modprobe is
// missing, that shows in what comes after.
void load_drivers(host::Host& host, const std::vector<std::string>& names);

}  // namespace provision::plan
