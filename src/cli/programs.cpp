// SPDX-License-Identifier: Apache-2.0
// provision programs: what an image must have beside the engine.
#include <fmt/format.h>

#include <memory>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "host/programs.hpp"

namespace provision::cli {
namespace {

int print_programs(bool names_only) {
  for (const auto& program : host::programs) {
    print(names_only ? fmt::format("{}\n", program.name)
                     : fmt::format("{:<12} {:<12} {}\n", program.name, program.package, program.why));
  }
  return 0;
}

}  // namespace

Command add_programs(ArgumentParser& program) {
  ArgumentParser parser =
      program.add_subcommand("programs", "List the programs that the engine may run: name, package, why");
  auto names_only = std::make_shared<bool>(false);
  parser.add_flag("--names", *names_only, "The names alone, one a line");
  return {parser, [names_only] { return print_programs(*names_only); }};
}

}  // namespace provision::cli
