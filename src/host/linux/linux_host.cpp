// SPDX-License-Identifier: Apache-2.0
#include "host/linux/linux_host.hpp"

namespace provision::host {

LinuxHost::LinuxHost(std::string target_root, const std::string& state_root)
    : target_path(std::move(target_root)),
      target(target_path),
      state(state_root, MissingRoot::make),
      own("/"),
      firmware(processes) {}

Host LinuxHost::host() { return host_with(disks, firmware); }

Host LinuxHost::host_with(Disks& other_disks, Firmware& other_firmware) {
  return host_with(other_disks, crypt, processes, other_firmware);
}

Host LinuxHost::host_with(Disks& other_disks, Crypt& other_crypt, Processes& other_processes,
                          Firmware& other_firmware) {
  return {target,          target_path, state,          own,  other_disks, other_crypt, mounts,
          other_processes, clock,       other_firmware, http, fetcher};
}

}  // namespace provision::host
