// SPDX-License-Identifier: Apache-2.0
#include "plan/operations/kept_root.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/operations/parents.hpp"

namespace provision::plan {
namespace {

// How temporaries of ours begin, the copy's too.
constexpr std::string_view own_prefix = ".provision-";
constexpr std::string_view lost_and_found = "lost+found";

std::string copy_in(std::string_view place) { return path::join(place, copy_name); }

bool is_in_memory(const RootFilesystem& keeper) { return keeper.device.path.empty(); }

// How much the copy may take: what there is to be had (Linux: Documentation/filesystems/proc.rst, MemAvailable), and
// some left for the rest of the boot. Half of all memory where the kernel does not tell, which is what tmpfs takes.
std::string memory_limit(host::Files& own) {
  constexpr std::string_view key = "MemAvailable:";
  constexpr std::uint64_t parts = 10;
  constexpr std::uint64_t used = 8;
  const auto text = own.read("/proc/meminfo", 65536);
  for (const auto line : split(text ? *text : std::string(), '\n')) {
    const std::string_view value = line.starts_with(key) ? trim(line.substr(key.size())) : std::string_view();
    std::uint64_t kibibytes = 0;
    if (std::from_chars(value.data(), value.data() + value.size(), kibibytes).ec == std::errc{} && kibibytes != 0) {
      return ",size=" + std::to_string(kibibytes / parts * used) + "k";
    }
  }
  return {};
}

Result<bool> is_mounted(host::Host& host, std::string_view path) {
  const auto mounts = TRY(host.mounts.list());
  return std::any_of(mounts.begin(), mounts.end(), [&](const host::MountEntry& entry) { return entry.target == path; });
}

// mkfs may have made an empty directory of that name.
Result<void> move_into_place(host::Files& own, std::string_view root, const std::string& name) {
  const std::string to = path::join(root, name);
  if (name == lost_and_found) {
    TRY(own.remove_directory(to));
  }
  return own.move(path::join(copy_in(root), name), to);
}

Result<void> take_attributes(host::Files& own, std::string_view root, const std::string& copy) {
  TRY(own.copy_attributes(copy, root));
  const auto wanted = TRY(own.look(copy));
  const auto there = TRY(own.look(root));
  const bool same = wanted && there && wanted->mode == there->mode && wanted->owner == there->owner;
  return same ? Result<void>() : Error(Code::not_satisfied, "nothing failed, yet the root has not its mode and owner");
}

Result<void> mount_memory(host::Host& host) {
  if (TRY(is_mounted(host, keeper_path))) {
    return {};
  }
  TRY(make_real_directories(host.own, std::string(keeper_path)));
  return host.mounts.mount("tmpfs", keeper_path, "tmpfs", "mode=0700" + memory_limit(host.own));
}

}  // namespace

Result<bool> is_there(host::Host& host, const RootFilesystem& filesystem) {
  if (!host.disks.await(filesystem.device, std::chrono::milliseconds(0))) {
    return false;
  }
  const host::Signature seen = TRY(host.disks.probe(filesystem.device));
  return seen.type == filesystem.format && seen.uuid == filesystem.id && !seen.ambivalent;
}

Result<void> with_mounted(host::Host& host, const RootFilesystem& filesystem, std::string_view path,
                          std::string_view options, const std::function<Result<void>()>& work) {
  constexpr std::chrono::seconds patience{30};
  const std::string node = TRY(host.disks.await(filesystem.device, patience));
  TRY(make_real_directories(host.own, std::string(path)));
  if (TRY(is_mounted(host, path))) {
    // An attempt of this boot that could not unmount it.
    TRY(host.mounts.unmount(path));
  }
  TRY(host.mounts.mount(node, path, filesystem.format, options));
  if (!TRY(is_mounted(host, path))) {
    // An empty directory is not to be taken for an empty file system.
    return Error(Code::not_satisfied, "nothing failed, yet " + filesystem.device.path + " is not mounted");
  }
  Result<void> worked = work();
  Result<void> unmounted = host.mounts.unmount(path);
  return worked ? unmounted : worked;
}

Result<RootState> root_state(host::Files& own, std::string_view path) {
  bool any = false;
  for (const auto& name : TRY(own.list(path))) {
    if (name == copy_name) {
      return RootState::copied;
    }
    any = any || !(name.starts_with(own_prefix) || name == lost_and_found);
  }
  return any ? RootState::whole : RootState::empty;
}

Result<void> unpack_copy(host::Files& own, std::string_view root) {
  const std::string copy = copy_in(root);
  for (const auto& name : TRY(own.list(copy))) {
    TRY(move_into_place(own, root, name));
  }
  TRY(take_attributes(own, root, copy));
  TRY(own.sync(root));
  TRY(own.remove_directory(copy));
  return own.sync(root);
}

Result<RootState> root_state_on(host::Host& host, const RootFilesystem& filesystem) {
  if (!TRY(is_there(host, filesystem))) {
    return RootState::empty;
  }
  RootState state = RootState::empty;
  TRY(with_mounted(host, filesystem, new_root_path, "ro", [&]() -> Result<void> {
    state = TRY(root_state(host.own, new_root_path));
    return {};
  }));
  return state;
}

Result<void> with_keeper(host::Host& host, const RootFilesystem& keeper, const std::function<Result<void>()>& work) {
  if (!is_in_memory(keeper)) {
    return with_mounted(host, keeper, keeper_path, "", work);
  }
  TRY(mount_memory(host));
  return work();
}

Result<bool> is_kept(host::Host& host, const RootFilesystem& keeper) {
  if (is_in_memory(keeper)) {
    return TRY(is_mounted(host, keeper_path)) && TRY(host.own.look(copy_in(keeper_path))).has_value();
  }
  bool kept = false;
  TRY(with_mounted(host, keeper, keeper_path, "ro", [&]() -> Result<void> {
    kept = TRY(host.own.look(copy_in(keeper_path))).has_value();
    return {};
  }));
  return kept;
}

Result<void> forget_copy(host::Host& host, const RootFilesystem& keeper) {
  if (is_in_memory(keeper)) {
    return TRY(is_mounted(host, keeper_path)) ? host.mounts.unmount(keeper_path) : Result<void>();
  }
  return with_mounted(host, keeper, keeper_path, "", [&]() -> Result<void> {
    const std::string copy = copy_in(keeper_path);
    if (!TRY(host.own.look(copy))) {
      return {};
    }
    TRY(host.own.make_directory_anew(copy, 0700, {}));
    TRY(host.own.remove_directory(copy));
    return host.own.sync(keeper_path);
  });
}

Result<void> await_name(host::Host& host, const std::string& root, const host::DeviceRef& device) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 2> links{
      {{"LABEL=", "/dev/disk/by-label/"}, {"UUID=", "/dev/disk/by-uuid/"}}};
  constexpr std::chrono::milliseconds patience{10'000};
  constexpr std::chrono::milliseconds step{50};
  const auto* const link =
      std::find_if(links.begin(), links.end(), [&](const auto& l) { return root.starts_with(l.first); });
  if (link == links.end()) {
    return {};
  }
  const host::DeviceRef named{std::string(link->second) + model::udev_encoded(root.substr(link->first.size())), {}, 0};
  const std::string node = TRY(host.disks.await(device, patience));
  for (std::chrono::milliseconds waited{0}; waited < patience; waited += step) {
    const auto there = host.disks.await(named, std::chrono::milliseconds(0));
    if (there && *there == node) {
      return {};
    }
    host.clock.sleep(step);
  }
  return {};
}

Error root_is_lost(const std::string& root) {
  return {Code::conflict, "the files of the root file system, " + printable(root) +
                              ", are nowhere to be found: if the power went while memory kept them, they are lost, and "
                              "the image must be written to the disk again"};
}

}  // namespace provision::plan
