// SPDX-License-Identifier: Apache-2.0
// The paths by which a config names the disk that a selector finds: /dev/disk/by-selector/NAME, and
// /dev/disk/by-selector/NAME-partN for a partition of it, as udev's links by-id have it. No such link is ever made: the
// names lead somewhere within the engine only.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace provision {

struct SelectorPath {
  std::string name;
  // 0: the whole disk.
  std::int64_t number = 0;
  bool operator==(const SelectorPath&) const = default;
};

inline constexpr std::string_view by_selector = "/dev/disk/by-selector/";

// Nothing if it is a path of another kind. The name is whatever stands there.
std::optional<SelectorPath> parse_selector_path(std::string_view path);
std::string selector_path(std::string_view name);

// A name begins with a letter or a digit, has only those and "-", "_" and ".", at most 64, and does not end as the path
// of a partition does.
bool is_selector_name(std::string_view name);

// How a disk may be said to be attached: what sysfs tells apart. "sata" is every disk of libata, "scsi" each that shows
// no more than that (also of virtio-scsi, and of the controllers of VMware and Hyper-V).
inline constexpr std::array<std::string_view, 10> disk_transports{"nvme", "virtio", "sata",  "sas", "scsi",
                                                                  "usb",  "fc",     "iscsi", "mmc", "xen"};

}  // namespace provision
