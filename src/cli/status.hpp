// SPDX-License-Identifier: Apache-2.0
// What `provision status` and `provision timeline` share: the machine that they look at.
#pragma once

#include "cli/commands.hpp"
#include "run/status.hpp"

namespace provision::cli {

void add_machine_option(ArgumentParser& parser, std::string& root);
Result<run::Status> status_of(const std::string& root);
// Seconds with as many digits as tell something: "0.004", "12.3".
std::string seconds_text(std::int64_t microseconds);

}  // namespace provision::cli
