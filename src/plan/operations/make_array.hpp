// SPDX-License-Identifier: Apache-2.0
// What the planner and the stage disks ask of RAID arrays.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/uuid.hpp"
#include "host/host.hpp"
#include "model/inventory.hpp"

namespace provision::plan {

// The level's own name ("raid1") of any that the spec has ("1", "mirror"); the same text for others.
std::string level_name(std::string_view level);

// The UUID that the user's own options of mdadm give; nothing if they give none. Code::bad_config if it is none.
Result<std::optional<Uuid>> uuid_in(const std::vector<std::string>& options);

// Sets up the array of that UUID at `path` ("/dev/md/data") from those of the devices that have it, also where some are
// missing. Whatever the kernel has begun with them and not started is ended first.
Result<void> assemble(host::Host& host, const std::string& path, const Uuid& array,
                      const std::vector<host::DeviceRef>& devices);

}  // namespace provision::plan
