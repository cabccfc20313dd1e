// SPDX-License-Identifier: Apache-2.0
#include "plan/operations/programs.hpp"

#include <string>

#include "base/text.hpp"
#include "host/programs.hpp"

namespace provision::plan {
namespace {

// The last lines of the program's own words, on one line.
std::string last_words(const std::string& output) {
  const std::string_view words = trim(output);
  constexpr std::size_t most = 400;
  std::string shown = printable(words.size() > most ? words.substr(words.size() - most) : words);
  return shown.empty() ? "it said nothing" : shown;
}

}  // namespace

Result<void> must_have_program(host::Host& host, std::string_view program) {
  const auto there = host.processes.must_have(std::string(program));
  if (there) {
    return {};
  }
  Error error = there.error();
  for (const auto& known : host::programs) {
    if (known.name == program) {
      error.what += ", which the package " + std::string(known.package) + " has";
    }
  }
  return error;
}

Result<void> run_program(host::Host& host, const host::Command& command) {
  TRY(answered(host, command));
  return {};
}

Result<std::size_t> answered(host::Host& host, const host::Command& command) {
  const host::Exit exit = TRY(host.processes.run(command));
  if (exit.status != 0) {
    return Error(Code::program_failed, command.program + " ended with status " + std::to_string(exit.status) + ": " +
                                           last_words(exit.output));
  }
  return exit.answered;
}

void load_drivers(host::Host& host, const std::vector<std::string>& names) {
  host::Command command;
  command.program = "modprobe";
  command.arguments = {"-a", "-q"};
  command.arguments.insert(command.arguments.end(), names.begin(), names.end());
  static_cast<void>(host.processes.run(command));
}

}  // namespace provision::plan
