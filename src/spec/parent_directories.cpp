// SPDX-License-Identifier: Apache-2.0
#include "spec/parent_directories.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "base/path.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/spelled_out.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

template <class Kind>
void add_paths(const std::vector<Kind>& nodes, std::vector<std::string>& paths) {
  for (const auto& node : nodes) {
    paths.push_back(path::clean(node.path));
  }
}

std::vector<std::string> named_paths(const Config& config) {
  std::vector<std::string> paths;
  add_paths(config.storage.files, paths);
  add_paths(config.storage.directories, paths);
  add_paths(config.storage.links, paths);
  // The directory of an archive is on the way to what is in it.
  for (const auto& archive : config.provision.archives) {
    paths.push_back(path::join(path::clean(archive.path), archive.name));
  }
  return paths;
}

// The nearest one at or above the path.
const ParentDirectory* rule_for(const std::vector<ParentDirectory>& rules, const std::string& directory) {
  const ParentDirectory* nearest = nullptr;
  for (const auto& rule : rules) {
    const bool is_nearer = nearest == nullptr || path::depth(rule.path) > path::depth(nearest->path);
    if (is_nearer && path::is_within(directory, path::clean(rule.path))) {
      nearest = &rule;
    }
  }
  return nearest;
}

Directory directory_of(const ParentDirectory& rule, const std::string& at) {
  Directory directory;
  directory.place = rule.place;
  directory.path = at;
  directory.user = rule.user;
  directory.group = rule.group;
  directory.mode = rule.mode;
  return directory;
}

void check_path(const std::string& path, std::string_view key, Checker& checker) {
  check_absolute_path(path, key, checker);
  if (path == "/") {
    checker.error(key, "the root directory is on the way to everything",
                  "give the directory below which it is to hold");
  }
}

}  // namespace

void spell_out_parent_directories(Config& config) {
  auto& rules = config.provision.parent_directories;
  const std::vector<std::string> paths = named_paths(config);
  std::set<std::string> named(paths.begin(), paths.end());
  for (const auto& path : paths) {
    std::vector<Directory> missing;
    for (std::string at = path::parent(path); const ParentDirectory* const rule = rule_for(rules, at);
         at = path::parent(at)) {
      if (named.insert(at).second) {
        missing.push_back(directory_of(*rule, at));
      }
    }
    // Outermost first, as a person writes them.
    std::for_each(missing.rbegin(), missing.rend(), [&](Directory& directory) {
      add_spelled_out(config.storage.place, "directories", config.storage.directories, config.provision.place,
                      std::move(directory));
    });
  }
  rules.clear();
}

void cross_check(const ParentDirectory& rule, Checker& checker) {
  const auto is_given = [](const NodeOwner& owner) { return owner.id || !is_empty(owner.name); };
  if (!is_given(rule.user) && !is_given(rule.group) && !rule.mode) {
    checker.error("path", "this says nothing of the directories on the way",
                  "give them a \"user\", a \"group\" or a \"mode\"");
  }
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<ParentDirectory> {
  static constexpr auto rows = std::tuple{
      field("path", &ParentDirectory::path,
            "The absolute path from which on it holds: of this directory, and of those between it and what the config "
            "puts below it.",
            {.since = {3, 6}, .required = true, .extension = true, .key = true, .check = &check_path}),
      field("user", &ParentDirectory::user, "The owner; absent: root, or who owns what is there.",
            {.since = {3, 6}, .extension = true}),
      field("group", &ParentDirectory::group, "The group; absent: root, or the group of what is there.",
            {.since = {3, 6}, .extension = true}),
      field("mode", &ParentDirectory::mode,
            "The permission bits, decimal; absent: 493 (0755) for a new directory, and what is there keeps its own.",
            {.since = {3, 6}, .extension = true, .check = &check_mode}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::ParentDirectory);
