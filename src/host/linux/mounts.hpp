// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include "host/linux/descriptor.hpp"
#include "host/mounts.hpp"

namespace provision::host {

class LinuxMounts final : public Mounts {
 public:
  Result<std::vector<MountEntry>> list() override;
  Result<void> mount(std::string_view node, std::string_view target, std::string_view type,
                     std::string_view options) override;
  Result<void> unmount(std::string_view target) override;
  Result<std::string> read_file(std::string_view node, std::string_view type, std::string_view path,
                                std::size_t max_bytes) override;
  Result<std::vector<SubvolumeEntry>> subvolumes(std::string_view node, const std::vector<std::string>& names) override;
  Result<bool> has_subvolumes(std::string_view node) override;
  Result<void> make_subvolume(std::string_view node, const NewSubvolume& subvolume) override;
};

// A mount with the device number that the kernel gives it (btrfs and others give one of their own making).
struct NumberedMount {
  MountEntry entry;
  dev_t device = 0;
};

Result<std::vector<NumberedMount>> kernel_mounts();

// Options by which a file system is mounted without a byte written to its device, not even to replay its journal.
std::string read_only_options(std::string_view type);

// Mounted with the options, and nowhere: it lives by its descriptor (O_PATH), and by those that were opened below it.
// With the option "ro" the mount is read-only, too.
Result<Descriptor> detached_mount(const std::string& node, const std::string& type, const std::string& options);

}  // namespace provision::host
