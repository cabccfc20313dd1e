// SPDX-License-Identifier: Apache-2.0
// What this process may do, beside being root.
#pragma once

#include <cstdint>
#include <fstream>
#include <string>

namespace provision::test {

// CAP_SYS_RESOURCE (capabilities(7)), which containers often have taken away: ext4 wants it of whoever resizes one.
inline bool may_resize_ext4() {
  constexpr unsigned sys_resource = 24;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("CapEff:")) {
      return (std::stoull(line.substr(7), nullptr, 16) >> sys_resource & 1U) != 0;
    }
  }
  return false;
}

}  // namespace provision::test
