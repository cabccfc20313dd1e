// SPDX-License-Identifier: Apache-2.0
// Running one stage of a first boot, as `provision stage` and the program under Ignition's name are asked to.
#pragma once

#include <string>

#include "stages/stage.hpp"

namespace provision::cli {

struct StageOptions {
  std::string name;
  std::string root = "/sysroot";
  std::string platform;
  std::string state = "/run/provision/volatile";
  std::string stamp;
  double device_timeout = 90;
  double fetch_timeout = 120;
  std::string state_device;
  std::string stamp_owner = "provision";
  bool only_the_stamp_tells = false;
  bool stamp_is_disk_guid = false;
  // Where other programs look for what was found.
  stages::Handover handover{};
  // What is said goes to the standard output alone.
  bool to_output_alone = false;
};

// The exit status is 0, or that of the error's code: the failure has been shown then.
int run_stage_command(const StageOptions& options);

}  // namespace provision::cli
