// SPDX-License-Identifier: Apache-2.0
// The subcommands. Each adds itself to the parser and returns its exit status when it was asked for.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <span>
#include <string_view>

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

// The program under another name (argv[0]), as images have Ignition's programs: flags, exit statuses and habits are
// theirs. `words`: what follows the name.
struct OtherName {
  std::string_view name;
  int (*run)(std::span<const std::string_view> words);
};

// The stages. Exit status: 0 done, 1 the stage failed, 2 wrong usage.
int run_as_ignition(std::span<const std::string_view> words);
// Files, directories, links and units into the root of a container. Exit status: 0 done, 1 all else.
int run_as_ignition_apply(std::span<const std::string_view> words);
// Deleting the config where the platform keeps it. Exit status: 1 the platform cannot, 2 wrong usage.
int run_as_ignition_rmcfg(std::span<const std::string_view> words);
// Exit status: 0 valid, warnings or not; 1 all else.
int run_as_ignition_validate(std::span<const std::string_view> words);

}  // namespace provision::cli
