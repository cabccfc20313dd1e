// SPDX-License-Identifier: Apache-2.0
#include "spec/checks.hpp"

#include "base/path.hpp"
#include "base/text.hpp"
#include "base/uuid.hpp"

namespace provision::spec {

void check_absolute_path(const std::string& path, std::string_view key, fields::Checker& checker) {
  if (path.empty()) {
    return;  // The reader has said that it is required.
  }
  if (!path.starts_with('/')) {
    checker.error(key, "the path \"" + printable(path) + "\" is not absolute", "start it with \"/\"");
  } else if (!path::is_clean_absolute(path)) {
    checker.error(key, "the path \"" + printable(path) + "\" is not in its shortest form",
                  "write \"" + printable(path::clean(path)) + "\"");
  }
}

void check_optional_absolute_path(const std::optional<std::string>& path, std::string_view key,
                                  fields::Checker& checker) {
  if (path && path->empty()) {
    checker.error(key, "the path is empty", "leave it out, or give an absolute path");
  } else if (path) {
    check_absolute_path(*path, key, checker);
  }
}

void check_optional_guid(const std::optional<std::string>& guid, std::string_view key, fields::Checker& checker) {
  if (guid && !guid->empty() && !Uuid::parse(*guid)) {
    checker.error(key, "\"" + printable(*guid) + "\" is no GUID",
                  "8-4-4-4-12 hex digits, as 0fc63daf-8483-4772-8e79-3d69d8477de4");
  }
}

void check_not_negative(const std::optional<std::int64_t>& number, std::string_view key, fields::Checker& checker) {
  if (number && *number < 0) {
    checker.error(key, "a negative value makes no sense here");
  }
}

}  // namespace provision::spec
