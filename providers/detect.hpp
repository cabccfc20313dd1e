// SPDX-License-Identifier: Apache-2.0
// Which platform this is, by what firmware and hypervisor say (SMBIOS, in /sys/class/dmi/id): only where the image asks
// for it by ignition.platform.id=auto, for whoever can set SMBIOS strings can say anything.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "host/files.hpp"

namespace provision::providers {

struct Detected {
  // As in ignition.platform.id=; not each is one that we have.
  std::string id;
  // "sys_vendor is \"Amazon EC2\"".
  std::string why;
};

// The first row that holds: a cloud by its own marks, then drives, then the hypervisor alone. Nothing where no row
// does. Code::no_platform in a confidential machine (`confidential`: the technology, else empty), where all of that is
// the host's word.
Result<std::optional<Detected>> detect(host::Files& own, std::string_view confidential);

}  // namespace provision::providers
