// SPDX-License-Identifier: Apache-2.0
#include "stages/confidential.hpp"

#include "base/text.hpp"
#include "stages/sources.hpp"

namespace provision::stages {

Result<std::string> confidential_by(host::Firmware& firmware) {
  const std::string line = TRY(firmware.command_line());
  const std::string word = kernel_argument(line, "provision.confidential=").value_or("auto");
  if (word == "yes") {
    return std::string("by provision.confidential=yes");
  }
  if (word == "no") {
    return std::string();
  }
  if (word != "auto") {
    return Error(Code::config_unavailable,
                 "provision.confidential=" + printable(word) + " is on the kernel command line: it is yes, no or auto");
  }
  return firmware.confidential();
}

}  // namespace provision::stages
