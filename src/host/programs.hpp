// SPDX-License-Identifier: Apache-2.0
// The programs that the engine may run, in one table. The dracut module installs those that it finds (`provision
// programs`); a config that needs another is refused before anything is written.
#pragma once

#include <array>
#include <string_view>

namespace provision::host {

struct Program {
  std::string_view name;
  std::string_view why;
  // Debian's package that has it.
  std::string_view package;
};

inline constexpr std::array programs{
    Program{"mkfs.ext4", "make ext4 file systems", "e2fsprogs"},
    Program{"mkfs.xfs", "make XFS file systems", "xfsprogs"},
    Program{"mkfs.btrfs", "make Btrfs file systems", "btrfs-progs"},
    Program{"mkfs.vfat", "make FAT file systems", "dosfstools"},
    Program{"mkswap", "make swap areas", "util-linux"},
    Program{"mdadm", "make RAID arrays, and set them up when a first boot goes on", "mdadm"},
    Program{"lvm", "make volume groups and logical volumes, and activate them when a first boot goes on", "lvm2"},
    Program{"clevis", "bind encrypted volumes to Tang servers and TPMs, and open those that are", "clevis"},
    Program{"systemd-cryptenroll", "enroll TPMs for encrypted volumes", "systemd"},
    Program{"cryptsetup", "see that a TPM opens an encrypted volume, and open it by that", "cryptsetup-bin"},
    Program{"zkey", "have CryptoExpress cards make the keys of encrypted volumes (s390x)", "s390-tools"},
    Program{"zkey-cryptsetup", "note in the header of an encrypted volume which of those keys it has", "s390-tools"},
    Program{"setfiles", "label files by the target's SELinux policy", "policycoreutils"},
    Program{
        "modprobe",
        "load qemu_fw_cfg and the drivers of TPMs, cards, arrays, encrypted and logical volumes, where udev has not",
        "kmod"},
};

}  // namespace provision::host
