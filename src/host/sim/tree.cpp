// SPDX-License-Identifier: Apache-2.0
#include "host/sim/tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/assert.hpp"
#include "base/path.hpp"

namespace provision::host::sim {
namespace {

void settle_content(Tree& tree) {
  for (auto& [path, entry] : tree) {
    entry.settled = entry.content.size();
  }
}

Entry& existing(Tree& tree, const std::string& path) {
  const auto found = tree.find(path);
  INVARIANT(found != tree.end());
  return found->second;
}

void apply_to(Tree& tree, const Put& change) { tree.insert_or_assign(change.path, change.entry); }

// The entry and all other names of the same file.
template <class Change>
void for_file(Tree& tree, const std::string& path, Change change) {
  const std::uint64_t inode = existing(tree, path).inode;
  change(existing(tree, path));
  for (auto& [other, entry] : tree) {
    if (inode != 0 && entry.inode == inode && other != path) {
      change(entry);
    }
  }
}

// Takes a path, with what is below it, out of the tree; the names are those below the path.
std::vector<std::pair<std::string, Entry>> extract(Tree& tree, const std::string& path) {
  std::vector<std::pair<std::string, Entry>> taken;
  for (auto next = tree.lower_bound(path); next != tree.end() && next->first.starts_with(path);) {
    const auto here = next++;
    if (path::is_within(here->first, path)) {
      taken.emplace_back(here->first.substr(path.size()), std::move(here->second));
      tree.erase(here);
    }
  }
  return taken;
}

void insert(Tree& tree, const std::string& path, std::vector<std::pair<std::string, Entry>>&& taken) {
  for (auto& [rest, entry] : taken) {
    tree.insert_or_assign(path + rest, std::move(entry));
  }
}

void apply_to(Tree& tree, const Grow& change) {
  for_file(tree, change.path, [&](Entry& entry) { entry.content += change.bytes; });
}

void apply_to(Tree& tree, const Rename& change) {
  INVARIANT(tree.contains(change.from));
  insert(tree, change.to, extract(tree, change.from));
}

void apply_to(Tree& tree, const Exchange& change) {
  auto one = extract(tree, change.one);
  auto other = extract(tree, change.other);
  insert(tree, change.one, std::move(other));
  insert(tree, change.other, std::move(one));
}

void apply_to(Tree& tree, const Join& change) {
  Entry& target = existing(tree, change.target);
  if (target.inode == 0) {
    for (const auto& [path, entry] : tree) {
      target.inode = std::max(target.inode, entry.inode + 1);
    }
  }
  tree.insert_or_assign(change.path, Entry(target));
}

void apply_to(Tree& tree, const Attributes& change) {
  for_file(tree, change.path, [&](Entry& entry) {
    entry.node.mode = change.mode;
    entry.node.owner = change.owner;
  });
}

void apply_to(Tree& tree, const Erase& change) { extract(tree, change.path); }

void apply_to(Tree& tree, const SetDefault& change) {
  for (auto& [path, entry] : tree) {
    entry.is_default = path == change.path;
  }
}

// How long a file is after the cut. Whole, empty and cut short are equally likely: each is a case of its own.
std::size_t surviving_length(const Entry& entry, Loss loss, Random& random) {
  const std::size_t fresh = entry.content.size() - entry.settled;
  if (fresh == 0 || loss == Loss::none) {
    return entry.content.size();
  }
  if (loss == Loss::data) {
    return entry.settled;
  }
  switch (random.below(3)) {
    case 0:
      return entry.content.size();
    case 1:
      return entry.settled;
    default:
      return entry.settled + random.below(fresh);
  }
}

std::string kind_name(NodeKind kind) {
  switch (kind) {
    case NodeKind::regular:
      return "file";
    case NodeKind::directory:
      return "directory";
    case NodeKind::symlink:
      return "link";
    case NodeKind::other:
      break;
  }
  return "other";
}

}  // namespace

Entry regular(std::string content, std::uint32_t mode, Owner owner) {
  Entry entry;
  entry.node.kind = NodeKind::regular;
  entry.node.mode = mode;
  entry.node.owner = owner;
  entry.content = std::move(content);
  return entry;
}

Entry directory(std::uint32_t mode, Owner owner) {
  Entry entry;
  entry.node.kind = NodeKind::directory;
  entry.node.mode = mode;
  entry.node.owner = owner;
  return entry;
}

Entry subvolume(std::uint32_t mode, Owner owner) {
  Entry entry = directory(mode, owner);
  entry.is_subvolume = true;
  return entry;
}

Entry symlink(std::string target, Owner owner) {
  Entry entry;
  entry.node.kind = NodeKind::symlink;
  entry.node.mode = 0777;
  entry.node.owner = owner;
  entry.node.target = std::move(target);
  return entry;
}

Tree tree(const std::map<std::string, Entry>& entries) {
  Tree made;
  made.emplace("/", directory());
  for (const auto& [name, entry] : entries) {
    for (std::string above = path::parent(name); above != "/"; above = path::parent(above)) {
      made.try_emplace(above, directory());
    }
    made.insert_or_assign(name, entry);
  }
  settle_content(made);
  return made;
}

std::string describe(const Entry& entry) {
  std::string text = fmt::format("{} {:04o} {}:{}{}{}", entry.is_subvolume ? "subvolume" : kind_name(entry.node.kind),
                                 entry.node.mode, entry.node.owner.uid, entry.node.owner.gid,
                                 entry.no_copy_on_write ? " in place" : "", entry.is_default ? " default" : "");
  if (entry.node.kind == NodeKind::regular) {
    text += fmt::format(" {} bytes {}{}", entry.content.size(), Digest::sha256(entry.content).text(),
                        entry.inode != 0 ? " linked" : "");
  } else if (entry.node.kind == NodeKind::symlink) {
    text += " -> " + entry.node.target;
  }
  return text;
}

void change(Tree& tree, const Mutation& mutation) {
  std::visit([&tree](const auto& one) { apply_to(tree, one); }, mutation);
}

FileSystem::FileSystem(Tree content) : durable_(std::move(content)), now_(durable_) {
  INVARIANT(durable_.contains("/"));
}

void FileSystem::change(Mutation mutation) {
  sim::change(now_, mutation);
  log_.push_back(std::move(mutation));
}

void FileSystem::settle() {
  settle_content(now_);
  durable_ = now_;
  log_.clear();
}

void FileSystem::settle_first(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    sim::change(durable_, log_[i]);
  }
  log_.erase(log_.begin(), log_.begin() + static_cast<std::ptrdiff_t>(count));
}

// The names of the first changes are settled, their contents not yet: a later cut decides about those.
void FileSystem::settle_some(Random& random) { settle_first(random.below(log_.size() + 1)); }

void FileSystem::lose(Loss loss, Random& random) {
  if (loss == Loss::any) {
    settle_some(random);
  } else if (loss != Loss::all) {
    settle_first(log_.size());
  }
  std::map<std::uint64_t, std::size_t> lengths;
  for (auto& [path, entry] : durable_) {
    const auto known = lengths.find(entry.inode);
    const std::size_t length =
        entry.inode != 0 && known != lengths.end() ? known->second : surviving_length(entry, loss, random);
    lengths[entry.inode] = length;
    entry.content.resize(length);
  }
  now_ = durable_;
  settle();
}

}  // namespace provision::host::sim
