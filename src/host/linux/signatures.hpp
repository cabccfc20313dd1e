// SPDX-License-Identifier: Apache-2.0
// What libblkid finds on an open device.
#pragma once

#include <string>

#include "base/result.hpp"
#include "host/disks.hpp"

namespace provision::host {

// File systems and the like; not partition tables.
Result<Signature> probe_signature(int fd, const std::string& node);
// The name of the partition table ("gpt", "dos", …; "PMBR" for a protective MBR with no GPT); empty if there is none.
Result<std::string> probe_table_name(int fd, const std::string& node);
// Overwrites the magic of each signature that probe_signature() can find. `fd` is open for writing.
Result<void> erase_signatures(int fd, const std::string& node);

}  // namespace provision::host
