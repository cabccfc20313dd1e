// SPDX-License-Identifier: Apache-2.0
#include <cerrno>

#include "base/path.hpp"
#include "host/sim/seams.hpp"

namespace provision::host::sim {
namespace {

const Entry* entry_at(const Tree& tree, const std::string& path) {
  const auto found = tree.find(path);
  return found == tree.end() ? nullptr : &found->second;
}

// As host/linux makes it: under a name of its own until it has all else. What that name has already is taken.
std::vector<Mutation> making_steps(const Tree& tree, const std::string& path, const NewSubvolume& wanted) {
  const std::string name(path::name(path));
  const std::string fresh = path::join(path::parent(path), ".provision-" + Digest::sha256(name).hex().substr(0, 16));
  std::vector<Mutation> steps;
  if (entry_at(tree, fresh) == nullptr) {
    Entry made = subvolume();
    made.no_copy_on_write = wanted.no_copy_on_write;
    steps.emplace_back(Put{fresh, std::move(made)});
  }
  steps.emplace_back(Attributes{fresh, wanted.mode, wanted.owner});
  steps.emplace_back(Rename{fresh, path});
  return steps;
}

Result<std::vector<Mutation>> steps_of(const Tree& tree, const NewSubvolume& wanted) {
  const std::string path = "/" + wanted.name;
  const Entry* const parent = entry_at(tree, path::parent(path));
  const Entry* const there = entry_at(tree, path);
  if (parent == nullptr || parent->node.kind != NodeKind::directory) {
    return Error(Code::conflict, "there is nothing for the subvolume " + wanted.name + " to lie in", ENOENT);
  }
  if (there != nullptr && !there->is_subvolume) {
    return Error(Code::conflict, wanted.name + " is no subvolume");
  }
  auto steps = there == nullptr ? making_steps(tree, path, wanted) : std::vector<Mutation>{};
  if (wanted.make_default) {
    steps.emplace_back(SetDefault{path});
  }
  return steps;
}

SubvolumeKind kind_of(const Entry& entry) {
  return entry.is_subvolume                       ? SubvolumeKind::subvolume
         : entry.node.kind == NodeKind::directory ? SubvolumeKind::directory
                                                  : SubvolumeKind::other;
}

}  // namespace

Result<FileSystem*> SimMounts::btrfs_on(std::string_view node) {
  const auto device = world_.find(node);
  const Signature held = device ? world_.disk(*device).probe(device->start) : Signature{};
  if (held.type != "btrfs" || held.ambivalent) {
    return Error(Code::io, "cannot mount " + std::string(node), device ? EINVAL : ENOENT);
  }
  return &world_.disk(*device).area(device->start)->now.files;
}

Result<std::vector<SubvolumeEntry>> SimMounts::subvolumes(std::string_view node,
                                                          const std::vector<std::string>& names) {
  const FileSystem* const files = TRY(btrfs_on(node));
  std::vector<SubvolumeEntry> entries;
  for (const auto& name : names) {
    if (const Entry* const found = entry_at(files->now(), "/" + name)) {
      entries.push_back({name, kind_of(*found), found->is_default});
    }
  }
  return entries;
}

Result<bool> SimMounts::has_subvolumes(std::string_view node) {
  const Tree& tree = TRY(btrfs_on(node))->now();
  return std::any_of(tree.begin(), tree.end(), [](const auto& entry) { return entry.second.is_subvolume; });
}

// Midway all but the last change has been made, of which the power may take anything.
Result<void> SimMounts::make_subvolume(std::string_view node, const NewSubvolume& subvolume) {
  const auto device = world_.find(node);
  const auto run = [&](bool whole) -> Result<void> {
    FileSystem* const files = TRY(btrfs_on(node));
    auto steps = TRY(steps_of(files->now(), subvolume));
    if (!whole && !steps.empty()) {
      steps.pop_back();
    }
    for (auto& step : steps) {
      files->change(std::move(step));
    }
    world_.touch(device->node);
    if (whole) {
      files->settle();
      world_.disk(*device).flush(device->start);
    }
    return {};
  };
  return mutate(
      world_, "make_subvolume", device ? device->node : node, [&] { return run(true); },
      [&] { static_cast<void>(run(false)); });
}

}  // namespace provision::host::sim
