// SPDX-License-Identifier: Apache-2.0
// Mounting, by libmount.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace provision::host {

// One mount as the kernel lists it; `source` is the node as mounted.
struct MountEntry {
  std::string source;
  std::string target;
  std::string type;
  bool operator==(const MountEntry&) const = default;
};

class Mounts {
 public:
  Mounts() = default;
  Mounts(const Mounts&) = delete;
  Mounts& operator=(const Mounts&) = delete;
  Mounts(Mounts&&) = delete;
  Mounts& operator=(Mounts&&) = delete;
  virtual ~Mounts() = default;

  // In the order of mounting.
  virtual Result<std::vector<MountEntry>> list() = 0;
  // `target` is a path of this process's own view (root prefix included) and must be a directory without symbolic links
  // on the way. `options` as in fstab, comma-joined; may be empty.
  virtual Result<void> mount(std::string_view node, std::string_view target, std::string_view type,
                             std::string_view options) = 0;
  virtual Result<void> unmount(std::string_view target) = 0;

  // Reads one file of the file system on `node`, which nobody sees mounted: it is in no list, and gone when this
  // process is. Nothing is written to the device, not even to replay a journal. Links are followed inside the file
  // system.
  virtual Result<std::string> read_file(std::string_view node, std::string_view type, std::string_view path,
                                        std::size_t max_bytes) = 0;
};

}  // namespace provision::host
