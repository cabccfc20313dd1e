// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>

#include "base/path.hpp"
#include "base/text.hpp"
#include "host/sim/seams.hpp"

namespace provision::host::sim {
namespace {

Error failed(std::string_view doing, std::string_view target, int number) {
  return {Code::io, "cannot " + std::string(doing) + " " + std::string(target), number};
}

// The path of what is mounted: the subvolume that the options name, or the default one. Nothing: there is none.
std::optional<std::string> shown_by(const Tree& tree, std::string_view options) {
  constexpr std::string_view key = "subvol=";
  for (const auto option : split(options, ',')) {
    if (option.starts_with(key)) {
      const auto found = tree.find(path::clean("/" + std::string(option.substr(key.size()))));
      const bool is_one = found != tree.end() && (found->second.is_subvolume || found->first == "/");
      return is_one ? std::optional(found->first) : std::nullopt;
    }
  }
  for (const auto& [path, entry] : tree) {
    if (entry.is_default) {
      return path;
    }
  }
  return "/";
}

}  // namespace

Result<std::vector<MountEntry>> SimMounts::list() {
  std::vector<MountEntry> entries;
  for (const auto& point : world_.mounts()) {
    entries.push_back(point.entry);
  }
  return entries;
}

// A directory, and no link on the way: the path that is resolved is the path that was given.
Result<void> SimMounts::check_target(std::string_view target) {
  const Place place = TRY(world_.place("/", target));
  const Entry* const found = world_.entry(place);
  if (found == nullptr) {
    return failed("mount on", target, ENOENT);
  }
  if (found->node.kind != NodeKind::directory) {
    return failed("mount on", target, ENOTDIR);
  }
  if (place.full != target) {
    return Error(Code::conflict, std::string(target) + " lies behind a symbolic link");
  }
  return {};
}

Result<void> SimMounts::attach(std::string_view node, std::string_view target, std::string_view type,
                               std::string_view options) {
  TRY(check_target(target));
  if (type == "tmpfs") {
    world_.mount_memory(std::string(target));
    return {};
  }
  const auto device = world_.find(node);
  if (!device) {
    return failed("mount", node, type == "virtiofs" ? EINVAL : ENOENT);
  }
  const Signature held = world_.disk(*device).probe(device->start);
  if (held.ambivalent || held.type.empty() || held.type != type) {
    return failed("mount", node, EINVAL);
  }
  MountPoint point{{device->node, std::string(target), std::string(type)}, device, has_option(options, "ro")};
  if (type == "btrfs") {
    const auto shown = shown_by(world_.disk(*device).area(device->start)->now.files.now(), options);
    if (!shown) {
      return failed("mount", node, ENOENT);
    }
    point.shows = *shown;
    point.entry.subvolume = shown->substr(1);
  }
  world_.mount(std::move(point));
  world_.touch(std::string(target));
  return {};
}

// A mount has no half: it is there or it is not, and after a cut it is gone in any case.
Result<void> SimMounts::mount(std::string_view node, std::string_view target, std::string_view type,
                              std::string_view options) {
  const auto device = world_.find(node);
  return mutate(
      world_, "mount", device ? device->node : node, [&] { return attach(node, target, type, options); }, [] {});
}

std::optional<std::size_t> SimMounts::topmost(std::string_view target) {
  const auto& points = world_.mounts();
  for (std::size_t i = points.size(); i > 0; --i) {
    if (points[i - 1].entry.target == target) {
      return i - 1;
    }
  }
  return std::nullopt;
}

Result<void> SimMounts::detach(std::string_view target) {
  const auto index = topmost(target);
  if (!index) {
    return failed("unmount", target, EINVAL);
  }
  const auto& points = world_.mounts();
  const bool busy = std::any_of(points.begin() + static_cast<std::ptrdiff_t>(*index) + 1, points.end(),
                                [&](const MountPoint& point) { return path::is_within(point.entry.target, target); });
  if (busy) {
    return Error(Code::device_busy, "cannot unmount " + std::string(target), EBUSY);
  }
  world_.unmount(*index);
  return {};
}

// What was not synced stays so: unmounting promises nothing here.
Result<void> SimMounts::unmount(std::string_view target) {
  const auto index = topmost(target);
  const std::string node = index ? world_.mounts()[*index].entry.source : std::string(target);
  return mutate(
      world_, "unmount", node, [&] { return detach(target); }, [] {});
}

// Mounted for a moment where no path leads.
Result<std::string> SimMounts::read_file(std::string_view node, std::string_view type, std::string_view path,
                                         std::size_t max_bytes) {
  const auto device = world_.find(node);
  if (!device) {
    return failed("mount", node, ENOENT);
  }
  const Signature held = world_.disk(*device).probe(device->start);
  if (held.type.empty() || held.type != type) {
    return failed("mount", node, EINVAL);
  }
  const std::string nowhere = "(detached)";
  world_.mount(MountPoint{MountEntry{device->node, nowhere, std::string(type)}, device, true});
  auto bytes = SimFiles(world_, nowhere).read(path, max_bytes);
  world_.unmount(world_.mounts().size() - 1);
  return bytes;
}

}  // namespace provision::host::sim
