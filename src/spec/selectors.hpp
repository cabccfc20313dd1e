// SPDX-License-Identifier: Apache-2.0
// Disk selectors: where a config uses them, and whether it has those that it uses.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/selector_path.hpp"
#include "spec/parse.hpp"

namespace provision::spec {

// A place of the config that names a device: the path's value, and the field of the record that holds it.
struct DeviceName {
  const std::string& path;
  const Located& record;
  // "$.storage.raid.0.devices.1", with "devices" and 1.
  std::string place;
  std::string_view key;
  std::optional<std::size_t> index;
};

// All of them: disks, members of arrays, encrypted volumes, file systems, those that grow; in this order.
std::vector<DeviceName> device_names(const Config& config);

// The selectors that the config uses, in its order.
std::vector<const DiskSelector*> used_selectors(const Config& config);

// Of one document: an error at each path by a selector where the version does not say that there may be any.
void check_suffix(const Config& config, fields::Checker& checker);

// Of a config that is whole, with all that it refers to: paths by selectors that it does not have, which are errors,
// and selectors that nothing uses. A document that still refers to others may get its selectors from those, and has no
// errors here.
fields::Notes selector_notes(const Parsed& parsed);

}  // namespace provision::spec
