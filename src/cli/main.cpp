// SPDX-License-Identifier: Apache-2.0
// provision: the program. One file per subcommand; nothing else in the engine prints or exits.
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <exception>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "cli/arguments.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "host/linux/process_start.hpp"

namespace provision::cli {
namespace {

struct Subcommand {
  std::string_view name;
  Command (*add)(ArgumentParser& program);
};

// In the order of the help.
constexpr std::array subcommands{Subcommand{"plan", &add_plan},           Subcommand{"apply", &add_apply},
                                 Subcommand{"inventory", &add_inventory}, Subcommand{"validate", &add_validate},
                                 Subcommand{"schema", &add_schema},       Subcommand{"stage", &add_stage},
                                 Subcommand{"status", &add_status},       Subcommand{"timeline", &add_timeline},
                                 Subcommand{"programs", &add_programs},   Subcommand{"reference", &add_reference},
                                 Subcommand{"platform", &add_platform}};

// The one that the first word names, so that a stage of a first boot does not set up the options of all the others;
// where it names none, all of them, for the help and what says what is wrong.
std::vector<Command> commands_for(std::span<const std::string_view> words, ArgumentParser& program) {
  for (const auto& subcommand : subcommands) {
    if (!words.empty() && subcommand.name == words.front()) {
      return {subcommand.add(program)};
    }
  }
  std::vector<Command> commands;
  commands.reserve(subcommands.size());
  for (const auto& subcommand : subcommands) {
    commands.push_back(subcommand.add(program));
  }
  return commands;
}

// Of the subcommand that the arguments are for.
int usage_status(std::span<const Command> commands) {
  for (const auto& command : commands) {
    if (command.parser.parsed()) {
      return command.usage_status;
    }
  }
  return 2;
}

int run(std::span<const std::string_view> words) {
  ArgumentParser program("First-boot provisioning: config and inventory to a plan, plan to a machine.", "provision");
  program.add_version_flag();
  program.require_one_subcommand();
  const std::vector<Command> commands = commands_for(words, program);
  switch (program.parse(words)) {
    case ParseOutcome::answered:
      return 0;
    case ParseOutcome::wrong_usage:
      return usage_status(commands);
    case ParseOutcome::parsed:
      break;
  }
  for (const auto& command : commands) {
    if (command.parser.parsed()) {
      return command.action();
    }
  }
  return 2;
}

constexpr std::array other_names{
    OtherName{"ignition", &run_as_ignition}, OtherName{"ignition-apply", &run_as_ignition_apply},
    OtherName{"ignition-rmcfg", &run_as_ignition_rmcfg}, OtherName{"ignition-validate", &run_as_ignition_validate}};

int run_by_name(int count, char** arguments) {
  const std::vector<std::string_view> all(arguments, arguments + count);
  if (all.empty()) {
    return run({});
  }
  const std::string_view name = all[0].substr(all[0].find_last_of('/') + 1);
  const auto words = std::span(all).subspan(1);
  for (const auto& other : other_names) {
    if (other.name == name) {
      return other.run(words);
    }
  }
  return run(words);
}

}  // namespace
}  // namespace provision::cli

int main(int count, char** arguments) {
  provision::host::prepare_process();
  // What is written before its final mode is set is nobody else's to read.
  ::umask(077);
  // A core would hold the secrets of the config.
  constexpr rlimit no_core{0, 0};
  ::setrlimit(RLIMIT_CORE, &no_core);
  try {
    return provision::cli::run_by_name(count, arguments);
  } catch (const std::exception& error) {
    provision::cli::print_error(std::string("provision: fault of our own: ") + error.what() + "\n");
    return 70;
  }
}
