// SPDX-License-Identifier: Apache-2.0
// Relabel: SELinux labels, by setfiles(8).
#include "base/path.hpp"
#include "model/observe.hpp"
#include "plan/operation.hpp"

namespace provision::plan {

// See the struct: a label is not compared with the policy here.
Result<Observation> observe(host::Host& /*host*/, const Relabel& /*operation*/) {
  return Observation{State::satisfied, {}, {}};
}

// -F: also where only the user or the range differs; -0 -f -: the paths come on stdin, each with a NUL at its end, so
// that no name can be mistaken; -r: they are looked up in the policy without the target's own path.
Result<void> apply(Work& work, const Relabel& operation) {
  const std::string& root = work.host.target_path;
  host::Command command;
  command.program = "setfiles";
  command.arguments = {"-F0"};
  if (root != "/") {
    command.arguments.insert(command.arguments.end(), {"-r", root});
  }
  command.arguments.insert(command.arguments.end(),
                           {path::join(root, model::file_contexts_path(operation.policy)), "-f", "-"});
  for (const auto& path : operation.paths) {
    // A database of accounts that the target does not have.
    if (!TRY(work.host.target.look(path))) {
      continue;
    }
    command.input += path::join(root, path);
    command.input += '\0';
  }
  const host::Exit exit = TRY(work.host.processes.run(command));
  if (exit.status != 0) {
    return Error(Code::program_failed, "setfiles ended with status " + std::to_string(exit.status) +
                                           (exit.output.empty() ? std::string{} : ": " + exit.output));
  }
  return {};
}

void predict(model::Inventory& /*inventory*/, const Relabel& /*operation*/) {}

std::string describe(const Relabel& operation) {
  const std::size_t count = operation.paths.size();
  return "label " + std::to_string(count) + (count == 1 ? " path" : " paths") + " by the SELinux policy " +
         operation.policy;
}

Traits traits(const Relabel& /*operation*/) {
  Traits traits;
  traits.sync_path = "/";
  traits.observation_proves = false;
  traits.keeps = true;
  return traits;
}

}  // namespace provision::plan
