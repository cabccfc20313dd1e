// SPDX-License-Identifier: Apache-2.0
// The field table of `storage`, and the checks across its lists.
#include <unordered_map>
#include <unordered_set>

#include "base/path.hpp"
#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/config.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

// Files, directories and links share one namespace: their paths.
class NodePaths {
 public:
  NodePaths(const Storage& storage, Checker& checker) : storage_(storage), checker_(checker) {
    collect(storage.links, links_);
    collect(storage.directories, directories_);
  }

  void check() {
    each(storage_.files, "files");
    each(storage_.directories, "directories");
    each(storage_.links, "links");
    for (std::size_t i = 0; i < storage_.links.size(); ++i) {
      check_hard_link(storage_.links[i], i);
    }
  }

 private:
  struct Place {
    std::string_view list;
    std::size_t index;
  };

  template <class Kind>
  static void collect(const std::vector<Kind>& nodes, std::unordered_map<std::string, std::size_t>& paths) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      paths.emplace(nodes[i].path, i);
    }
  }

  template <class Kind>
  void each(const std::vector<Kind>& nodes, std::string_view list) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const std::string& path = nodes[i].path;
      const auto [other, fresh] = seen_.emplace(path, Place{list, i});
      if (!fresh && other->second.list != list) {
        checker_.duplicate(
            list,
            "\"" + printable(path) + "\" is given twice: it is one of the " + std::string(other->second.list) + " too",
            i, checker_.origin(other->second.list, other->second.index));
      }
      check_above(path, list, i);
    }
  }

  void check_above(const std::string& path, std::string_view list, std::size_t index) {
    if (links_.empty() || !path.starts_with('/')) {
      return;
    }
    for (std::string above = path::parent(path); above != "/"; above = path::parent(above)) {
      if (const auto link = links_.find(above); link != links_.end()) {
        checker_.duplicate(list, "\"" + printable(path) + "\" lies below a link of this config", index,
                           checker_.origin("links", link->second));
        return;
      }
    }
  }

  void check_hard_link(const Link& link, std::size_t index) {
    if (!is_true(link.hard)) {
      return;
    }
    const std::string target = link.target.value_or("");
    const std::string resolved = target.starts_with('/') ? path::clean(target) : path::clean(link.path + "/" + target);
    if (const auto directory = directories_.find(resolved); directory != directories_.end()) {
      checker_.duplicate("links", "a hard link cannot lead to a directory", index,
                         checker_.origin("directories", directory->second));
    }
  }

  const Storage& storage_;
  Checker& checker_;
  std::unordered_map<std::string, std::size_t> links_;
  std::unordered_map<std::string, std::size_t> directories_;
  std::unordered_map<std::string, Place> seen_;
};

// A file system on a whole disk that the config also partitions or clears.
void check_devices(const Storage& storage, Checker& checker) {
  std::unordered_map<std::string, const Disk*> disks;
  for (const auto& disk : storage.disks) {
    disks.emplace(disk.device, &disk);
  }
  for (std::size_t i = 0; i < storage.filesystems.size(); ++i) {
    const Filesystem& filesystem = storage.filesystems[i];
    const auto disk = disks.find(filesystem.device);
    if (disk == disks.end()) {
      continue;
    }
    const fields::Within here(checker, filesystem.place, {"filesystems", i});
    if (!disk->second->partitions.empty()) {
      checker.warning("device", "the file system would be on a whole disk that the config partitions");
    } else if (is_true(disk->second->wipe_table) && !is_true(filesystem.wipe_filesystem)) {
      checker.warning("device", "the disk's table is wiped, but wipeFilesystem is not set for what is on the disk");
    }
  }
}

template <class Kind>
void drop(std::vector<Kind>& nodes, const std::unordered_set<std::string>& gone, std::string_view key, Located& place) {
  fields::erase_elements(nodes, key, place, [&](const Kind& node) { return gone.contains(node.path); });
}

template <class Kind>
void add_paths(const std::vector<Kind>& nodes, std::unordered_set<std::string>& paths) {
  for (const auto& node : nodes) {
    paths.insert(node.path);
  }
}

}  // namespace

void cross_check(const Storage& storage, Checker& checker) {
  NodePaths(storage, checker).check();
  check_devices(storage, checker);
}

// What the child makes of another kind takes the place of the parent's.
void displace(Storage& parent, const Storage& child) {
  std::unordered_set<std::string> files;
  std::unordered_set<std::string> directories;
  std::unordered_set<std::string> links;
  add_paths(child.directories, files);
  add_paths(child.links, files);
  add_paths(child.files, directories);
  add_paths(child.links, directories);
  add_paths(child.files, links);
  add_paths(child.directories, links);
  drop(parent.files, files, "files", parent.place);
  drop(parent.directories, directories, "directories", parent.place);
  drop(parent.links, links, "links", parent.place);
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<Storage> {
  static constexpr auto rows = std::tuple{
      field("disks", &Storage::disks, "Disks and their partitions."),
      field("raid", &Storage::raid, "RAID arrays."),
      field("luks", &Storage::luks, "Encrypted volumes.", {.since = {3, 2}}),
      field("filesystems", &Storage::filesystems, "File systems."),
      field("files", &Storage::files, "Files."),
      field("directories", &Storage::directories, "Directories."),
      field("links", &Storage::links, "Links."),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::Storage);
