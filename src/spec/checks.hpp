// SPDX-License-Identifier: Apache-2.0
// Checks of single values that several records share. Each adds its notes at the field it is given.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fields/context.hpp"

namespace provision::spec {

using OptionalText = std::optional<std::string>;

// Starts with "/" and is clean: no "//", ".", "..", nor a "/" at the end (spec: "absolute path").
void check_absolute_path(const std::string& path, std::string_view key, fields::Checker& checker);
// The same of one element of a list, which may not be empty.
void check_absolute_item(const std::string& path, std::string_view key, std::size_t index, fields::Checker& checker);
// The same; absent and empty pass.
void check_optional_absolute_path(const OptionalText& path, std::string_view key, fields::Checker& checker);
void check_optional_guid(const OptionalText& guid, std::string_view key, fields::Checker& checker);
// Only strict: no spec version says so, but nothing can be done with such a value.
void check_not_negative(const std::optional<std::int64_t>& number, std::string_view key, fields::Checker& checker);
// Nothing wrong with the mode's range; before 3.6 the bits above 0777 are dropped.
void check_mode(const std::optional<std::int64_t>& mode, std::string_view key, fields::Checker& checker);
// Only strict: an empty string in a list.
void check_no_empty_items(const std::vector<std::string>& list, std::string_view key, fields::Checker& checker);

inline bool is_true(const std::optional<bool>& flag) { return flag.value_or(false); }
inline bool is_empty(const OptionalText& text) { return !text || text->empty(); }

}  // namespace provision::spec
