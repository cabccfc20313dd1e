// SPDX-License-Identifier: Apache-2.0
// A confidential machine does not believe its host: what SMBIOS and fw_cfg say is the host's word.
#pragma once

#include <string>

#include "base/result.hpp"
#include "host/firmware.hpp"

namespace provision::stages {

// What keeps the host out of this machine ("Intel TDX"); empty where nothing does, and SMBIOS and fw_cfg are believed.
// provision.confidential=yes or =no on the kernel command line, which is measured where that matters, decides over what
// the hardware tells; =auto is the default. Code::config_unavailable for another word.
Result<std::string> confidential_by(host::Firmware& firmware);

}  // namespace provision::stages
