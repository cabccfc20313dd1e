// SPDX-License-Identifier: Apache-2.0
// Subvolumes of the config's Btrfs file systems: what they need of the rest of the config.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "spec/parse.hpp"

namespace provision::spec {

inline constexpr std::string_view btrfs = "btrfs";

// Where the name's last component lies: "@/var" of "@/var/log", empty of "home".
std::string parent_subvolume(const std::string& name);

// Those of one file system, as its entry names the device.
std::vector<const Subvolume*> subvolumes_of(const Config& config, std::string_view device);

// Where the config mounts something in the target: file systems and subvolumes.
std::vector<std::string> mount_paths(const Config& config);

// Of one document: two mounts at one place, two defaults of one file system.
void check_subvolumes(const Config& config, fields::Checker& checker);

// Of a config that is whole, with all that it refers to: errors at subvolumes of what is no Btrfs of the config. A
// document that still refers to others may get its file systems from those, and has no errors here.
fields::Notes subvolume_notes(const Parsed& parsed);

}  // namespace provision::spec
