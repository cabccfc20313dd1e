// SPDX-License-Identifier: Apache-2.0
// The mappings of encrypted volumes, as sysfs shows them.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "host/crypt.hpp"

namespace provision::host {

// Of the UUID that libcryptsetup gives the mapping of a LUKS volume ("CRYPT-LUKS2-<32 hex digits>-<name>") the
// volume's own, in its usual form; empty: it is none.
std::string luks_uuid_of(std::string_view mapping_uuid, std::string_view name);

// A name that libdevmapper takes as it is; others it writes with escapes, and they would be found under another name.
bool is_mapping_name(std::string_view name);

struct Mapping {
  // Of a LUKS volume; empty: of something else.
  std::string uuid;
  std::string node;
  // A making that was cut leaves a mapping with nothing in it.
  bool hollow = false;
};
std::optional<Mapping> mapping_named(const std::string& name);

// Makes libdevmapper wait for udevd only where udevd will answer: it runs, and has the rules of device-mapper. To be
// called before each change; where it is not waited for, libdevmapper makes the node in /dev/mapper itself.
void choose_udev_sync();
// /dev/mapper/<name> is there, or is made now.
Result<void> ensure_node(const std::string& name);

}  // namespace provision::host
