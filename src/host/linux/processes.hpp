// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "host/linux/descriptor.hpp"
#include "host/processes.hpp"

namespace provision::host {

// The program gets PATH and LC_ALL=C and nothing else of our environment, no file of ours beyond 0, 1 and 2 (and 3,
// once they are marked), and a process group of its own, which is killed as a whole when the patience ends.
class LinuxProcesses final : public Processes {
 public:
  Result<void> must_have(const std::string& program) override;
  Result<Exit> run(const Command& command) override;

  // A program outlives us where we alone are killed, and what it still writes would come between what the next one of
  // us does. So from here on each program that is run is marked: it holds the lock of the file `path` open as 3. First,
  // those of earlier processes that are marked so are waited for; `waiting` is called once, with what they are, if
  // there are any. Code::program_failed if they outlive `patience`. The file is made where it is missing, with mode
  // 0600; its directory must be there, and no program can write to it by the descriptor.
  Result<void> mark_programs(const std::string& path, std::chrono::seconds patience,
                             const std::function<void(const std::string& programs)>& waiting);

 private:
  Descriptor mark_;
};

// The end of a program's output, as Exit::output holds it: made printable line by line, at most 4 KiB.
std::string printable_tail(std::string_view output);

}  // namespace provision::host
