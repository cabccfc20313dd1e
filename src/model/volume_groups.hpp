// SPDX-License-Identifier: Apache-2.0
// LVM: how its things are called, and what it says that there is. All by its one program, `lvm`.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/uuid.hpp"
#include "host/host.hpp"
#include "model/inventory.hpp"
#include "spec/config.hpp"

namespace provision::model {

inline constexpr std::string_view lvm_program = "lvm";
inline constexpr std::string_view physical_volume_type = "LVM2_member";

// "/dev/vg0/data", by which a config names it.
std::string logical_path(std::string_view group, std::string_view volume);
// "vg0-data", as device-mapper has it: hyphens in names are doubled.
std::string mapper_name(std::string_view group, std::string_view volume);

struct NamedLogicalVolume {
  const spec::VolumeGroup* group = nullptr;
  const spec::LogicalVolume* volume = nullptr;
};

// The logical volume of the config that `path` names so; nothing: none.
std::optional<NamedLogicalVolume> logical_volume_named(const spec::Config& config, std::string_view path);
// The same by its node in /dev/mapper, which is no name that a config may have.
std::optional<NamedLogicalVolume> logical_volume_mapped(const spec::Config& config, std::string_view path);

// 32 characters in LVM's form (6-4-4-4-4-4-6); hex digits are of its alphabet (lib/uuid/uuid.c).
std::string physical_uuid(const Uuid& uuid);

// `lvm` with these arguments: without the devices file, hints, backups and monitoring, which belong to a system that
// runs, and with the devices that are in /dev, whether or not udev has seen them.
host::Command lvm_command(std::vector<std::string> arguments);

// All volume groups of the machine, from what `lvm fullreport` answers. Code::program_failed: it is not that.
Result<std::vector<VolumeGroupFound>> parse_volume_groups(const std::string& json);
// The same, asked. Code::program_missing, Code::program_failed.
Result<std::vector<VolumeGroupFound>> volume_groups_of(host::Host& host);

// Fills found_groups, by volume_groups. Without the program there is nothing to be found where no device has a physical
// volume; where one has: Code::program_missing.
Result<void> see_found_groups(host::Host& host, Inventory& inventory);

}  // namespace provision::model
