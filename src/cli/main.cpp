// SPDX-License-Identifier: Apache-2.0
// provision: the program. One file per subcommand; nothing else in the engine prints or exits.
#include <sys/resource.h>
#include <sys/stat.h>

#include <array>
#include <exception>
#include <span>
#include <string_view>
#include <vector>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "host/linux/process_start.hpp"

namespace provision::cli {
namespace {

// Of the subcommand that the arguments are for.
int usage_status(std::span<const Command> commands) {
  for (const auto& command : commands) {
    if (command.parser->parsed()) {
      return command.usage_status;
    }
  }
  return 2;
}

int run(int count, char** arguments) {
  CLI::App app("First-boot provisioning: config and inventory to a plan, plan to a machine.", "provision");
  app.set_version_flag("--version", std::string("provision ") + PROVISION_VERSION);
  app.require_subcommand(1);
  const std::array commands{add_plan(app),     add_apply(app),     add_inventory(app), add_validate(app),
                            add_schema(app),   add_stage(app),     add_status(app),    add_timeline(app),
                            add_programs(app), add_reference(app), add_platform(app)};
  try {
    app.parse(count, arguments);
  } catch (const CLI::ParseError& error) {
    // Help and version are "errors" of status 0 here.
    return app.exit(error) == 0 ? 0 : usage_status(commands);
  }
  for (const auto& command : commands) {
    if (command.parser->parsed()) {
      return command.action();
    }
  }
  return 2;
}

constexpr std::array other_names{
    OtherName{"ignition", &run_as_ignition}, OtherName{"ignition-apply", &run_as_ignition_apply},
    OtherName{"ignition-rmcfg", &run_as_ignition_rmcfg}, OtherName{"ignition-validate", &run_as_ignition_validate}};

int run_by_name(int count, char** arguments) {
  const std::vector<std::string_view> words(arguments, arguments + count);
  if (!words.empty()) {
    const std::string_view name = words[0].substr(words[0].find_last_of('/') + 1);
    for (const auto& other : other_names) {
      if (other.name == name) {
        return other.run(std::span(words).subspan(1));
      }
    }
  }
  return run(count, arguments);
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
