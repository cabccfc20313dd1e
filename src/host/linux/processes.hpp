// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host/processes.hpp"

namespace provision::host {

// The program gets PATH and LC_ALL=C and nothing else of our environment, no file of ours beyond 0, 1 and 2, and a
// process group of its own, which is killed as a whole when the patience ends.
class LinuxProcesses final : public Processes {
 public:
  Result<void> must_have(const std::string& program) override;
  Result<Exit> run(const Command& command) override;
};

// The end of a program's output, as Exit::output holds it: made printable line by line, at most 4 KiB.
std::string printable_tail(std::string_view output);

}  // namespace provision::host
