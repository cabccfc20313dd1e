// SPDX-License-Identifier: Apache-2.0
// How units come to be enabled in the target: by presets, or by links where its first boot applies none.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/inventory.hpp"
#include "spec/config.hpp"

namespace provision::model {

inline constexpr std::string_view machine_id_path = "/etc/machine-id";

// systemd applies presets where it finds no machine id, or the word "uninitialized" in its place (machine-id(5)). An
// empty file gets an id, and is no first boot; an id from an image that ran before is none either.
bool applies_presets(const spec::Config& config, const Inventory& inventory);

// A symbolic link by which a unit of the config is enabled, and that unit's place in the list of units.
struct EnablingLink {
  std::string path;
  std::string target;
  std::size_t unit = 0;
};

// What `systemctl enable` would make for the units that the config wants enabled, and for those that they name in
// Also=: by the [Install] section of the config's contents, or of the image's unit file as far as the inventory has it.
std::vector<EnablingLink> enabling_links(const spec::Config& config, const Inventory& inventory);

// Where the image's own file of a unit may be, also of the template of an instance, the first one first.
std::vector<std::string> image_unit_paths(std::string_view name);
// The units that a unit file names in Also=.
std::vector<std::string> enabled_with(std::string_view unit_file);

}  // namespace provision::model
