// SPDX-License-Identifier: Apache-2.0
// {uuid}, {serial} and {mac} in the URL that the kernel command line names: one boot loader entry for many machines.
#pragma once

#include <string>

#include "host/host.hpp"

namespace provision::stages {

// Any machine's values, to judge the rest of the URL by.
std::string with_some_machine(std::string url);

// SMBIOS uuid in lower case and serial, and the address of the network card that BOOTIF= names (PXELINUX, iPXE), else
// of the first by name that is a device, as "52:54:00:12:34:56". Code::config_unavailable where this machine has no
// such, and for uuid and serial where it is a confidential one.
Result<std::string> with_this_machine(host::Host& host, std::string url);

}  // namespace provision::stages
