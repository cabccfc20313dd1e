// SPDX-License-Identifier: Apache-2.0
// The subcommands. Each adds itself to the parser and returns its exit status when it was asked for.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>

namespace provision::cli {

// 0: done; 1: failed; 2: wrong usage (as the error's row says otherwise).
using Action = std::function<int()>;

struct Command {
  CLI::App* parser = nullptr;
  Action action;
  // The exit status of wrong usage, where 2 says something else.
  int usage_status = 2;
};

Command add_apply(CLI::App& app);
Command add_inventory(CLI::App& app);
Command add_plan(CLI::App& app);
Command add_platform(CLI::App& app);
Command add_programs(CLI::App& app);
Command add_reference(CLI::App& app);
Command add_schema(CLI::App& app);
Command add_stage(CLI::App& app);
Command add_status(CLI::App& app);
Command add_timeline(CLI::App& app);
Command add_validate(CLI::App& app);

}  // namespace provision::cli
