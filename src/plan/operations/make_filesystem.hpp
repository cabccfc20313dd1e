// SPDX-License-Identifier: Apache-2.0
// What the planners must know of the kinds of file systems; all of it comes from one table of formats.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/uuid.hpp"

namespace provision::plan {

// The format that leaves the device blank.
inline constexpr std::string_view no_filesystem = "none";

bool is_known_format(std::string_view format);

// The user's UUID in the form in which libblkid shows that of this format; nothing if the format cannot have it. A vfat
// has eight hex digits, with or without a dash; all others a UUID.
std::optional<std::string> filesystem_id(std::string_view format, std::string_view given);
// The same of a derived UUID.
std::string derived_id(std::string_view format, const Uuid& uuid);
// "8 hex digits": for a message.
std::string_view id_form(std::string_view format);

// The label as libblkid shows it once it is on the disk.
std::string shown_label(std::string_view label);
// Why a label that is short enough cannot be that of this format all the same; empty if it can.
std::string label_fault(std::string_view format, std::string_view label);

}  // namespace provision::plan
