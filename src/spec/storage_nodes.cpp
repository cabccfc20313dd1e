// SPDX-License-Identifier: Apache-2.0
// The field tables and checks of files, directories and links.
#include "base/path.hpp"
#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/config.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

void check_target(const OptionalText& target, std::string_view key, Checker& checker) {
  if (!is_empty(target)) {
    return;
  }
  // Specs before 3.3 let it pass; no such link can be made.
  if (checker.version() < fields::Version{3, 3}) {
    checker.strict(key, "\"target\" is missing or empty: a link cannot lead nowhere");
  } else {
    checker.error(key, "\"target\" is required here and must not be empty");
  }
}

}  // namespace

void cross_check(const NodeOwner& owner, Checker& checker) {
  if (owner.id && !is_empty(owner.name)) {
    checker.error("id", "give the owner's id or its name, not both");
  }
}

void cross_check(const File& file, Checker& checker) {
  if (is_true(file.overwrite) && !file.contents.source) {
    checker.error("overwrite", "overwrite needs contents.source: there would be nothing to put in its place");
  }
}

void cross_check(const Link& link, Checker& checker) {
  const bool owned = link.user.id || !is_empty(link.user.name) || link.group.id || !is_empty(link.group.name);
  if (is_true(link.hard) && owned) {
    checker.warning(link.user.id || !is_empty(link.user.name) ? "user" : "group",
                    "a hard link has the owner of its target: what is given here is not used");
  }
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

namespace {
constexpr auto path_row(const char* doc) {
  return field("path", &Node::path, doc, {.required = true, .key = true, .check = &check_absolute_path});
}
constexpr auto overwrite_row(const char* doc) { return field("overwrite", &Node::overwrite, doc); }
constexpr auto user_row() { return field("user", &Node::user, "The owner; absent: root, or who owns what is there."); }
constexpr auto group_row() {
  return field("group", &Node::group, "The group; absent: root, or the group of what is there.");
}
}  // namespace

template <>
struct Table<NodeOwner> {
  static constexpr auto rows = std::tuple{
      field("id", &NodeOwner::id, "The numeric id.", {.check = &check_not_negative}),
      field("name", &NodeOwner::name, "The name, looked up in the target."),
  };
};

template <>
struct Table<File> {
  static constexpr auto rows = std::tuple{
      path_row("The absolute path of the file."),
      overwrite_row("Whether what is at the path may be replaced."),
      user_row(),
      group_row(),
      field("contents", &File::contents, "What the file holds; absent: it is made empty, or keeps what it has."),
      field("append", &File::append, "What is added at its end, in this order.", {.repeats = true}),
      field("mode", &File::mode,
            "The permission bits, decimal; absent: 420 (0644) for a new file. Set-id and sticky bits from 3.6 on.",
            {.check = &check_mode}),
  };
};

template <>
struct Table<Directory> {
  static constexpr auto rows = std::tuple{
      path_row("The absolute path of the directory."),
      overwrite_row("Whether what is at the path may be replaced."),
      user_row(),
      group_row(),
      field("mode", &Directory::mode,
            "The permission bits, decimal; absent: 493 (0755) for a new directory. Set-id and sticky bits from 3.6 on.",
            {.check = &check_mode}),
  };
};

template <>
struct Table<Link> {
  static constexpr auto rows = std::tuple{
      path_row("The absolute path of the link."),
      overwrite_row("Whether what is at the path may be replaced."),
      user_row(),
      group_row(),
      field("target", &Link::target, "What the link leads to.", {.check = &check_target}),
      field("hard", &Link::hard, "Whether it is a hard link; absent: a symbolic one."),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::NodeOwner);
PROVISION_INSTANTIATE_RECORD(provision::spec::File);
PROVISION_INSTANTIATE_RECORD(provision::spec::Directory);
PROVISION_INSTANTIATE_RECORD(provision::spec::Link);
