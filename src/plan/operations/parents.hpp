// SPDX-License-Identifier: Apache-2.0
// Directories on the way to what an operation puts somewhere.
#pragma once

#include <string>

#include "base/result.hpp"
#include "host/files.hpp"

namespace provision::plan {

// Makes `path` and what is missing above it, 0755 root. A component that is there must be a directory, no symbolic
// link: the rule for mount points.
Result<void> make_real_directories(host::Files& files, const std::string& path);

// Makes what is missing above `path`, 0755 root; links on the way are followed inside the root.
Result<void> make_parents(host::Files& files, const std::string& path);

// Makes what is missing above `path`: from `top` on 0700 and of that owner, above it 0755 root. What is there below
// `top` must be real directories: a link in somebody's home directory does not lead this process elsewhere.
Result<void> make_private_parents(host::Files& files, const std::string& path, const std::string& top,
                                  host::Owner owner);

}  // namespace provision::plan
