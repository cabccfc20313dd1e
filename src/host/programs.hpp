// SPDX-License-Identifier: Apache-2.0
// The programs that the engine may run, in one table. The dracut module installs just these (`provision programs`).
#pragma once

#include <array>
#include <string_view>

namespace provision::host {

struct Program {
  std::string_view name;
  std::string_view why;
  // Debian's package that has it.
  std::string_view package;
  // An image may lack it: what needs it says so before anything is written.
  bool optional = false;
};

inline constexpr std::array programs{
    Program{"mkfs.ext4", "make ext4 file systems", "e2fsprogs"},
    Program{"setfiles", "label files by the target's SELinux policy", "policycoreutils", true},
    Program{"modprobe", "load qemu_fw_cfg, where udev has not done so yet", "kmod"},
};

}  // namespace provision::host
