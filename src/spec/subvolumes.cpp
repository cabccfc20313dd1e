// SPDX-License-Identifier: Apache-2.0
// The field table and checks of subvolumes.
#include "spec/subvolumes.hpp"

#include <algorithm>
#include <map>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/references.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

// BTRFS_NAME_LEN (linux/btrfs_tree.h).
constexpr std::size_t longest_component = 255;
// How our own temporaries begin.
constexpr std::string_view own_prefix = ".provision-";

bool is_component(std::string_view part) {
  // The name becomes a mount option, where a comma, a quote or a backslash would mean something else.
  const bool plain = std::all_of(part.begin(), part.end(), [](char c) {
    return static_cast<unsigned char>(c) >= ' ' && c != '\x7f' && c != ',' && c != '"' && c != '\\';
  });
  return plain && !part.empty() && part != "." && part != ".." && part.size() <= longest_component &&
         !part.starts_with(own_prefix);
}

void check_name(const std::string& name, std::string_view key, Checker& checker) {
  const auto parts = split(name, '/');
  if (!name.empty() && !std::all_of(parts.begin(), parts.end(), is_component)) {
    checker.error(key, "\"" + printable(name) + "\" can be no subvolume's name",
                  "it is a path in the top level of the file system, as \"home\" or \"@/var\": it has no \"/\" at its "
                  "ends, no \".\" and \"..\", no comma, quote, backslash or control character, and no part that begins "
                  "with \"" +
                      std::string(own_prefix) + "\" or has more than " + std::to_string(longest_component) + " bytes");
  }
}

// Each element may be several options, as in fstab.
void check_mount_options(const std::vector<std::string>& options, std::string_view key, Checker& checker) {
  for (std::size_t i = 0; i < options.size(); ++i) {
    for (const auto option : split(options[i], ',')) {
      if (option.starts_with("subvol=") || option.starts_with("subvolid=")) {
        checker.error(key,
                      "\"" + printable(std::string(option)) + "\" is not for here: the name says which subvolume it is",
                      "leave it out", i);
      }
    }
  }
}

void refuse_owner_name(const NodeOwner& owner, std::string_view key, Checker& checker) {
  if (!is_empty(owner.name)) {
    const fields::Within here(checker, owner.place, {key});
    checker.error("name", "names of users and groups are not known when subvolumes are made",
                  "give the \"id\", or the directory that it is mounted at this owner in storage.directories");
  }
}

// What of the config is mounted at each path, and where it says so.
std::map<std::string, Origin> filesystem_paths(const Config& config, Checker& checker) {
  std::map<std::string, Origin> paths;
  const fields::Within here(checker, config.storage.place, {"storage"});
  for (std::size_t i = 0; i < config.storage.filesystems.size(); ++i) {
    if (const auto& path = config.storage.filesystems[i].path; !is_empty(path)) {
      paths.emplace(*path, checker.origin("filesystems", i));
    }
  }
  return paths;
}

}  // namespace

void cross_check(const Subvolume& subvolume, Checker& checker) {
  if (is_empty(subvolume.path) && !subvolume.mount_options.empty()) {
    checker.error("mountOptions", "these have no meaning: the subvolume is not mounted", "give it a \"path\"");
  }
  refuse_owner_name(subvolume.user, "user", checker);
  refuse_owner_name(subvolume.group, "group", checker);
}

std::string parent_subvolume(const std::string& name) {
  const std::size_t slash = name.rfind('/');
  return slash == std::string::npos ? std::string() : name.substr(0, slash);
}

std::vector<const Subvolume*> subvolumes_of(const Config& config, std::string_view device) {
  std::vector<const Subvolume*> found;
  for (const auto& subvolume : config.provision.subvolumes) {
    if (subvolume.device == device) {
      found.push_back(&subvolume);
    }
  }
  return found;
}

std::vector<std::string> mount_paths(const Config& config) {
  std::vector<std::string> paths;
  const auto add = [&paths](const auto& list) {
    for (const auto& one : list) {
      if (!is_empty(one.path)) {
        paths.push_back(*one.path);
      }
    }
  };
  add(config.storage.filesystems);
  add(config.provision.subvolumes);
  return paths;
}

void check_subvolumes(const Config& config, Checker& checker) {
  const auto& all = config.provision.subvolumes;
  if (all.empty()) {
    return;
  }
  auto paths = filesystem_paths(config, checker);
  std::map<std::string, Origin> defaults;
  const fields::Within here(checker, config.provision.place, {"provision"});
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Origin place = checker.origin("subvolumes", i);
    if (is_true(all[i].is_default)) {
      if (const auto [other, fresh] = defaults.emplace(all[i].device, place); !fresh) {
        checker.duplicate("subvolumes", printable(all[i].device) + " can have one default subvolume, and has two", i,
                          other->second);
      }
    }
    if (!is_empty(all[i].path)) {
      if (const auto [other, fresh] = paths.emplace(*all[i].path, place); !fresh) {
        checker.duplicate("subvolumes", "two things would be mounted at \"" + printable(*all[i].path) + "\"", i,
                          other->second);
      }
    }
  }
}

fields::Notes subvolume_notes(const Parsed& parsed) {
  fields::Notes notes;
  const Config& config = *parsed.config;
  if (refers_to_others(config)) {
    return notes;
  }
  for (std::size_t i = 0; i < config.provision.subvolumes.size(); ++i) {
    const Subvolume& subvolume = config.provision.subvolumes[i];
    const Filesystem* const filesystem = filesystem_on(config, subvolume.device);
    if (filesystem != nullptr && filesystem->format == btrfs) {
      continue;
    }
    const std::string device = printable(subvolume.device);
    const std::string what = filesystem == nullptr
                                 ? "the config has no file system on " + device
                                 : "the file system on " + device + " is no btrfs, which alone has subvolumes";
    notes.add(
        {fields::Severity::error,
         parsed.sources.origin(subvolume.place, "$.provision.subvolumes." + std::to_string(i) + ".device", "device"),
         what, "list it in $.storage.filesystems with just this device and the format btrfs"});
  }
  return notes;
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<Subvolume> {
  static constexpr auto rows = std::tuple{
      field("device", &Subvolume::device, "The device of the Btrfs, as its entry in storage.filesystems has it.",
            {.since = {3, 6}, .required = true, .extension = true, .key = true, .check = &check_absolute_path}),
      field("name", &Subvolume::name, "Its path in the top level of the file system, as home or @/var.",
            {.since = {3, 6}, .required = true, .extension = true, .key = true, .check = &check_name}),
      field("path", &Subvolume::path, "Where it is mounted while files are written; absent: it is only made.",
            {.since = {3, 6}, .extension = true, .check = &check_optional_absolute_path}),
      field("mountOptions", &Subvolume::mount_options, "Options of the mount.",
            {.since = {3, 6}, .extension = true, .repeats = true, .check = &check_mount_options}),
      field("default", &Subvolume::is_default,
            "Whether it is what a mount without the option subvol= shows; one of a file system.",
            {.since = {3, 6}, .extension = true}),
      field("noCopyOnWrite", &Subvolume::no_copy_on_write,
            "Whether new files in it are written in place (chattr +C), where it is made.",
            {.since = {3, 6}, .extension = true}),
      field("user", &Subvolume::user, "The owner, by its id, where it is made; absent: root.",
            {.since = {3, 6}, .extension = true}),
      field("group", &Subvolume::group, "The group, by its id, where it is made; absent: root.",
            {.since = {3, 6}, .extension = true}),
      field("mode", &Subvolume::mode, "The permission bits, decimal, where it is made; absent: 493 (0755).",
            {.since = {3, 6}, .extension = true, .check = &check_mode}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::Subvolume);
