// SPDX-License-Identifier: Apache-2.0
// provision programs: what an image must have beside the engine.
#include <fmt/format.h>

#include <memory>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "host/programs.hpp"

namespace provision::cli {
namespace {

int print_programs(bool names_only, bool optional) {
  for (const auto& program : host::programs) {
    if (names_only && program.optional != optional) {
      continue;
    }
    print(names_only ? fmt::format("{}\n", program.name)
                     : fmt::format("{:<12} {:<12} {}\n", program.name, program.package, program.why));
  }
  return 0;
}

}  // namespace

Command add_programs(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("programs", "List the programs that the engine may run: name, package, why");
  auto names_only = std::make_shared<bool>(false);
  auto optional = std::make_shared<bool>(false);
  parser->add_flag("--names", *names_only, "The names alone, one a line, of those that every image needs");
  parser->add_flag("--optional", *optional, "With --names: of those that an image may lack");
  return {parser, [names_only, optional] { return print_programs(*names_only, *optional); }};
}

}  // namespace provision::cli
