// SPDX-License-Identifier: Apache-2.0
// The program under the names `ignition` and `ignition-rmcfg`: an image that has Ignition's units starts it so.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/complaint.hpp"
#include "cli/console.hpp"
#include "cli/go_flags.hpp"
#include "cli/stage.hpp"
#include "host/linux/files.hpp"
#include "providers/provider.hpp"
#include "stages/documents.hpp"

namespace provision::cli {
namespace {

constexpr int stage_failed = 1;
constexpr int wrong_usage = 2;

// In their order.
constexpr std::array<std::string_view, 7> stage_names{"fetch-offline", "fetch", "kargs", "disks",
                                                      "mount",         "files", "umount"};

struct IgnitionOptions {
  StageOptions stage;
  // Our own state is below /run/provision, and no other program reads Ignition's.
  std::string state_file = "/run/ignition/state";
  std::chrono::milliseconds fetch_timeout = std::chrono::minutes(2);
  bool version = false;

  IgnitionOptions() {
    stage.root = "/";
    stage.handover.config_cache = "/run/ignition.json";
  }
};

std::array<GoFlag, 9> flags_of(IgnitionOptions& options) {
  StageOptions& stage = options.stage;
  return {GoFlag{"config-cache", "where to write the config for other programs (/run/ignition.json)",
                 &stage.handover.config_cache},
          GoFlag{"fetch-timeout", "how long to wait for the platform's user-data (2m); 0: for ever",
                 &options.fetch_timeout},
          GoFlag{"log-to-stdout", "write to the standard output alone", &stage.to_output_alone},
          GoFlag{"neednet", "the file that fetch-offline makes where the network is needed (/run/ignition/neednet)",
                 &stage.handover.neednet},
          GoFlag{"platform", "where the machine runs; needed", &stage.platform},
          GoFlag{"root", "the root of the machine being provisioned (/)", &stage.root},
          GoFlag{"stage", "fetch-offline, fetch, kargs, disks, mount, files or umount; needed", &stage.name},
          GoFlag{"state-file", "taken and not used: the state is below /run/provision", &options.state_file},
          GoFlag{"version", "print the version and exit", &options.version}};
}

void print_version() { print(std::string("provision ") + PROVISION_VERSION + "\n"); }

int complain_of_usage(std::string_view name, const std::string& what, std::span<const GoFlag> flags) {
  print_error(fmt::format("{}: {}\nUsage of {}:\n{}", name, what, name, describe_go_flags(flags)));
  return wrong_usage;
}

std::string wrong_platform(const std::string& platform) {
  if (platform.empty()) {
    return "-platform must be given";
  }
  const bool known = platform == "auto" || providers::find_platform(platform) != nullptr;
  return known ? std::string()
               : "\"" + printable(platform) +
                     "\" is no platform that this version of provision knows: " + providers::known_platforms();
}

std::string wrong_stage(const std::string& name) {
  if (name.empty()) {
    return "-stage must be given";
  }
  const bool known = std::find(stage_names.begin(), stage_names.end(), name) != stage_names.end();
  return known ? std::string() : "there is no stage \"" + printable(name) + "\"";
}

// Whether there is anything to change was settled when the config was fetched, which refuses what cannot be done.
int run_kargs() {
  host::LinuxFiles own("/");
  const auto config = stages::load_config(own);
  if (!config) {
    complain(config.error(), nullptr);
    return stage_failed;
  }
  return 0;
}

int run_stage_as(const StageOptions& options, std::string_view name) {
  StageOptions named = options;
  named.name = name;
  return run_stage_command(named) == 0 ? 0 : stage_failed;
}

// Ignition has no stage after `files` that must run; the end of the first boot belongs to it.
int run_files(const StageOptions& options) {
  const int status = run_stage_as(options, "files");
  return status == 0 ? run_stage_as(options, "complete") : status;
}

int run_named_stage(const StageOptions& options) {
  if (options.name == "kargs") {
    return run_kargs();
  }
  return options.name == "files" ? run_files(options) : run_stage_as(options, options.name);
}

double seconds_of(std::chrono::milliseconds timeout) {
  constexpr double for_ever = 1e9;
  return timeout.count() == 0 ? for_ever : std::chrono::duration<double>(timeout).count();
}

}  // namespace

int run_as_ignition(std::span<const std::string_view> words) {
  IgnitionOptions options;
  const auto flags = flags_of(options);
  const auto arguments = parse_go_flags(flags, words);
  if (!arguments) {
    return complain_of_usage("ignition", arguments.error().what, flags);
  }
  if (arguments->help) {
    print_error("Usage of ignition:\n" + describe_go_flags(flags));
    return 0;
  }
  if (options.version) {
    print_version();
    return 0;
  }
  for (const auto& fault : {wrong_platform(options.stage.platform), wrong_stage(options.stage.name)}) {
    if (!fault.empty()) {
      return complain_of_usage("ignition", fault, flags);
    }
  }
  options.stage.fetch_timeout = seconds_of(options.fetch_timeout);
  return run_named_stage(options.stage);
}

int run_as_ignition_rmcfg(std::span<const std::string_view> words) {
  std::string platform;
  bool log_to_output = false;
  bool version = false;
  const std::array flags{GoFlag{"log-to-stdout", "taken; all is written there", &log_to_output},
                         GoFlag{"platform", "where the machine runs; needed", &platform},
                         GoFlag{"version", "print the version and exit", &version}};
  const auto arguments = parse_go_flags(flags, words);
  if (!arguments) {
    return complain_of_usage("ignition-rmcfg", arguments.error().what, flags);
  }
  if (arguments->help || version) {
    arguments->help ? print_error("Usage of ignition-rmcfg:\n" + describe_go_flags(flags)) : print_version();
    return 0;
  }
  if (const auto fault = wrong_platform(platform); !fault.empty()) {
    return complain_of_usage("ignition-rmcfg", fault, flags);
  }
  print_error("ignition-rmcfg: on the platform " + platform +
              " nobody can delete the config from within the machine\n");
  return 1;
}

}  // namespace provision::cli
