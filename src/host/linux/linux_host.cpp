// SPDX-License-Identifier: Apache-2.0
#include "host/linux/linux_host.hpp"

namespace provision::host {

LinuxHost::LinuxHost(std::string target_root, const std::string& state_root)
    : target_path(std::move(target_root)),
      target(target_path),
      state(state_root, MissingRoot::make),
      own("/"),
      firmware(processes) {}

Host LinuxHost::host() {
  return {target, target_path, state, own, disks, mounts, processes, clock, firmware, http, fetcher};
}

}  // namespace provision::host
