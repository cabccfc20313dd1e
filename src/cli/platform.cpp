// SPDX-License-Identifier: Apache-2.0
// provision platform: what ignition.platform.id=auto would take this machine for, and why.
#include <memory>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/complaint.hpp"
#include "cli/console.hpp"
#include "host/linux/files.hpp"
#include "providers/detect.hpp"
#include "providers/provider.hpp"

namespace provision::cli {
namespace {

int show_platform(const std::string& root) {
  host::LinuxFiles own(root);
  const auto found = providers::detect(own);
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

Command add_platform(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("platform", "Tell which platform this machine seems to be on, and why");
  auto root = std::make_shared<std::string>("/");
  parser->add_option("--root", *root, "Look at /sys and /dev below this directory")->capture_default_str();
  return {parser, [root] { return show_platform(*root); }};
}

}  // namespace provision::cli
