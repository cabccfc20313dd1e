// SPDX-License-Identifier: Apache-2.0
// A process of its own for work that mounts things: with mounts and process numbers that nobody else sees, so that all
// of it is gone when the process is, however it ends.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"

namespace provision::host {

struct IsolatedEnd {
  // What the work returned.
  int status = 0;
  // The signal that ended it; 0: none.
  int signal = 0;
};

// Runs `work` in a child process with private mounts and its own process numbers. SIGINT, SIGTERM, SIGHUP and SIGQUIT
// to this process end the child and every program that it has started, at once; so does the end of this process. Must
// be called before any thread is started.
Result<IsolatedEnd> run_isolated(const std::function<int()>& work);

// For the isolated process: an empty /run of its own; only what the machine has in /run/udev stays.
Result<void> make_private_run();

// For the isolated process: device nodes as the kernel makes them, where /dev is something else (in containers).
Result<void> ensure_device_nodes();

}  // namespace provision::host
