// SPDX-License-Identifier: Apache-2.0
// The real machine: one of each of the Linux sides.
#pragma once

#include <string>

#include "host/host.hpp"
#include "host/linux/clock.hpp"
#include "host/linux/crypt.hpp"
#include "host/linux/disks.hpp"
#include "host/linux/fetcher.hpp"
#include "host/linux/files.hpp"
#include "host/linux/firmware.hpp"
#include "host/linux/http.hpp"
#include "host/linux/mounts.hpp"
#include "host/linux/processes.hpp"

namespace provision::host {

struct LinuxHost {
  // `target_root`: the root of the machine being provisioned, as a path of this process ("/sysroot"). `state_root`:
  // where the journal goes; made at the first change.
  LinuxHost(std::string target_root, const std::string& state_root);

  // Refers to this object, which must outlive it and stay where it is.
  [[nodiscard]] Host host();
  // The same with other disks and another firmware.
  [[nodiscard]] Host host_with(Disks& other_disks, Firmware& other_firmware);
  // And with other volumes, and programs.
  [[nodiscard]] Host host_with(Disks& other_disks, Crypt& other_crypt, Processes& other_processes,
                               Firmware& other_firmware);

  std::string target_path;
  LinuxFiles target;
  LinuxFiles state;
  LinuxFiles own;
  LinuxDisks disks;
  LinuxCrypt crypt;
  LinuxMounts mounts;
  LinuxProcesses processes;
  LinuxClock clock;
  LinuxFirmware firmware;
  LinuxHttp http;
  LinuxFetcher fetcher;
};

}  // namespace provision::host
