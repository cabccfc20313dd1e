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

void apply_to(Tree& tree, const Grow& change) { existing(tree, change.path).content += change.bytes; }

void apply_to(Tree& tree, const Rename& change) {
  auto moved = tree.extract(change.from);
  INVARIANT(!moved.empty());
  tree.insert_or_assign(change.to, std::move(moved.mapped()));
  // What is in a directory goes with it, at once.
  const std::string below = change.from + "/";
  for (auto next = tree.lower_bound(below); next != tree.end() && next->first.starts_with(below);) {
    auto child = tree.extract(next++);
    child.key() = change.to + "/" + child.key().substr(below.size());
    tree.insert(std::move(child));
  }
}

void apply_to(Tree& tree, const Attributes& change) {
  Entry& entry = existing(tree, change.path);
  entry.node.mode = change.mode;
  entry.node.owner = change.owner;
}

void apply_to(Tree& tree, const Erase& change) { tree.erase(change.path); }

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

Entry symlink(std::string target) {
  Entry entry;
  entry.node.kind = NodeKind::symlink;
  entry.node.mode = 0777;
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
  std::string text = fmt::format("{} {:04o} {}:{}", kind_name(entry.node.kind), entry.node.mode, entry.node.owner.uid,
                                 entry.node.owner.gid);
  if (entry.node.kind == NodeKind::regular) {
    text += fmt::format(" {} bytes {}", entry.content.size(), Digest::sha256(entry.content).text());
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
  for (auto& [path, entry] : durable_) {
    entry.content.resize(surviving_length(entry, loss, random));
  }
  now_ = durable_;
  settle();
}

}  // namespace provision::host::sim
