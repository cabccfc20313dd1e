// SPDX-License-Identifier: Apache-2.0
// Checks of single values that several records share. Each adds its notes at the field it is given.
#pragma once

#include <optional>
#include <string>

#include "fields/context.hpp"

namespace provision::spec {

// Starts with "/" and is clean: no "//", ".", "..", nor a "/" at the end (spec: "absolute path").
void check_absolute_path(const std::string& path, std::string_view key, fields::Checker& checker);
void check_optional_absolute_path(const std::optional<std::string>& path, std::string_view key,
                                  fields::Checker& checker);
void check_optional_guid(const std::optional<std::string>& guid, std::string_view key, fields::Checker& checker);
// Not negative: no spec version says so, but nothing can be done with such a value.
void check_not_negative(const std::optional<std::int64_t>& number, std::string_view key, fields::Checker& checker);

}  // namespace provision::spec
