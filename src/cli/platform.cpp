// SPDX-License-Identifier: Apache-2.0
// provision platform: what ignition.platform.id=auto would take this machine for, and why.
#include <memory>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/complaint.hpp"
#include "cli/console.hpp"
#include "host/linux/files.hpp"
#include "host/linux/firmware.hpp"
#include "host/linux/processes.hpp"
#include "providers/detect.hpp"
#include "providers/provider.hpp"
#include "stages/confidential.hpp"

namespace provision::cli {
namespace {

// The processor and the kernel command line are this machine's; what is below another directory is some other's.
Result<std::string> confidential_below(const std::string& root) {
  if (root != "/") {
    return std::string();
  }
  host::LinuxProcesses processes;
  host::LinuxFirmware firmware(processes);
  return stages::confidential_by(firmware);
}

Result<std::optional<providers::Detected>> detect_below(const std::string& root) {
  host::LinuxFiles own(root);
  const std::string confidential = TRY(confidential_below(root));
  return providers::detect(own, confidential);
}

int show_platform(const std::string& root) {
  const auto found = detect_below(root);
  if (!found) {
    return complain(found.error(), nullptr);
  }
  if (!*found) {
    print("unknown: neither the firmware nor a drive tells\n");
    return 1;
  }
  const bool ours = providers::find_platform((*found)->id) != nullptr;
  print((*found)->id + ": " + (*found)->why + (ours ? "\n" : "; this version of provision has no such platform yet\n"));
  return ours ? 0 : 1;
}

}  // namespace

Command add_platform(ArgumentParser& program) {
  ArgumentParser parser =
      program.add_subcommand("platform", "Tell which platform this machine seems to be on, and why");
  auto root = std::make_shared<std::string>("/");
  parser.add_option("--root", *root, "Look at /sys and /dev below this directory").show_default();
  return {parser, [root] { return show_platform(*root); }};
}

}  // namespace provision::cli
