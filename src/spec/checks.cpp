// SPDX-License-Identifier: Apache-2.0
#include "spec/checks.hpp"

#include "base/path.hpp"
#include "base/text.hpp"
#include "base/uuid.hpp"

namespace provision::spec {

namespace {
void check_path(const std::string& path, std::string_view key, std::optional<std::size_t> index,
                fields::Checker& checker) {
  if (!path.starts_with('/')) {
    checker.error(key, "the path \"" + printable(path) + "\" is not absolute", "start it with \"/\"", index);
  } else if (!path::is_clean_absolute(path)) {
    checker.error(key, "the path \"" + printable(path) + "\" is not in its shortest form",
                  "write \"" + printable(path::clean(path)) + "\"", index);
  }
}
}  // namespace

void check_absolute_path(const std::string& path, std::string_view key, fields::Checker& checker) {
  // Where it is required, the reader has said that it is empty.
  if (!path.empty()) {
    check_path(path, key, std::nullopt, checker);
  }
}

void check_absolute_item(const std::string& path, std::string_view key, std::size_t index, fields::Checker& checker) {
  check_path(path, key, index, checker);
}

void check_optional_absolute_path(const OptionalText& path, std::string_view key, fields::Checker& checker) {
  if (path) {
    check_absolute_path(*path, key, checker);
  }
}

void check_optional_guid(const OptionalText& guid, std::string_view key, fields::Checker& checker) {
  if (guid && !guid->empty() && !Uuid::parse(*guid)) {
    checker.error(key, "\"" + printable(*guid) + "\" is no GUID",
                  "8-4-4-4-12 hex digits, as 0fc63daf-8483-4772-8e79-3d69d8477de4");
  }
}

void check_not_negative(const std::optional<std::int64_t>& number, std::string_view key, fields::Checker& checker) {
  if (number && *number < 0) {
    checker.strict(key, "a negative value makes no sense here");
  }
}

void check_mode(const std::optional<std::int64_t>& mode, std::string_view key, fields::Checker& checker) {
  if (mode && (*mode < 0 || *mode > 07777)) {
    checker.error(key, "the mode " + std::to_string(*mode) + " is outside 0 to 4095 (07777)",
                  "JSON has no octal numbers: 0644 is 420");
  } else if (mode && *mode > 0777 && checker.version() < fields::Version{3, 6}) {
    checker.warning(key, "set-id and sticky bits are dropped by specs before 3.6",
                    "if you meant the octal mode " + std::to_string(*mode) + ", write it in decimal");
  }
}

void check_no_empty_items(const std::vector<std::string>& list, std::string_view key, fields::Checker& checker) {
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (list[i].empty()) {
      checker.strict(key, "an empty string makes no sense here", {}, i);
    }
  }
}

}  // namespace provision::spec
