// SPDX-License-Identifier: Apache-2.0
// The subcommands. Each adds itself to the program's parser and returns its exit status when it was asked for.
#pragma once

#include <functional>
#include <span>
#include <string_view>

#include "cli/arguments.hpp"

namespace provision::cli {

// 0: done; 1: failed; 2: wrong usage (as the error's row says otherwise).
using Action = std::function<int()>;

struct Command {
  ArgumentParser parser;
  Action action;
  // The exit status of wrong usage, where 2 says something else.
  int usage_status = 2;
};

Command add_apply(ArgumentParser& program);
Command add_inventory(ArgumentParser& program);
Command add_plan(ArgumentParser& program);
Command add_platform(ArgumentParser& program);
Command add_programs(ArgumentParser& program);
Command add_reference(ArgumentParser& program);
Command add_schema(ArgumentParser& program);
Command add_stage(ArgumentParser& program);
Command add_status(ArgumentParser& program);
Command add_timeline(ArgumentParser& program);
Command add_validate(ArgumentParser& program);

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
