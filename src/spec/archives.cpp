// SPDX-License-Identifier: Apache-2.0
// The field table and checks of archives.
#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/config.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

// It becomes a part of file names and of the step's name.
void check_archive_name(const std::string& name, std::string_view key, Checker& checker) {
  if (name.empty()) {
    return;  // The reader has said that it is required.
  }
  if (name.find('/') != std::string::npos || name.starts_with('.') || name.size() > 200) {
    checker.error(key, "\"" + printable(name) + "\" is no name of an archive: it becomes part of the name of a file",
                  "a short name without \"/\" that does not begin with \".\"");
  }
}

void check_directory(const std::string& path, std::string_view key, Checker& checker) {
  check_absolute_path(path, key, checker);
  if (path == "/") {
    checker.error(key, "an archive cannot be unpacked over the whole target",
                  "give the directory that its files belong into, as /etc or /opt/cni/bin");
  }
}

}  // namespace

void cross_check(const Archive& archive, Checker& checker) {
  if (is_empty(archive.contents.source)) {
    checker.error("contents", "an archive needs contents.source: nothing else says where it comes from");
  }
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<Archive> {
  static constexpr auto rows = std::tuple{
      field("name", &Archive::name, "A name for it, by which layers of configs tell archives apart.",
            {.since = {3, 6}, .required = true, .extension = true, .key = true, .check = &check_archive_name}),
      field("path", &Archive::path, "The absolute path of the directory that it is unpacked into.",
            {.since = {3, 6}, .required = true, .extension = true, .check = &check_directory}),
      field("contents", &Archive::contents, "The archive: tar, as it is or packed by gzip or zstd.",
            {.since = {3, 6}, .extension = true}),
      field("stripComponents", &Archive::strip_components,
            "How many parts of each name in the archive are left out, from its beginning; absent: none.",
            {.since = {3, 6}, .extension = true, .check = &check_not_negative}),
      field("overwrite", &Archive::overwrite, "Whether files and links that are there may be replaced.",
            {.since = {3, 6}, .extension = true}),
      field("user", &Archive::user, "The owner of all that is unpacked; absent: root.",
            {.since = {3, 6}, .extension = true}),
      field("group", &Archive::group, "The group; absent: root.", {.since = {3, 6}, .extension = true}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::Archive);
