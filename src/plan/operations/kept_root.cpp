// SPDX-License-Identifier: Apache-2.0
#include "plan/operations/kept_root.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <set>
#include <utility>

#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/operations/moved_journal.hpp"
#include "plan/operations/parents.hpp"

namespace provision::plan {
namespace {

// How temporaries of ours begin, the copy's too.
constexpr std::string_view own_prefix = ".provision-";
constexpr std::string_view lost_and_found = "lost+found";

bool is_in_memory(const RootFilesystem& keeper) { return keeper.device.path.empty(); }

// The longest file of a FAT, and the longest name on one.
constexpr std::uint64_t longest_fat_file = 0xffffffff;
constexpr std::size_t longest_fat_name = 255;

// Without `quiet` a FAT fails a change of owner. Names are UTF-8 with or without the kernel's tables for it.
std::string mount_options(std::string_view format, std::string_view options) {
  std::string all(options);
  return format == "vfat" ? all + (all.empty() ? "" : ",") + "utf8=1,quiet" : all;
}

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
Result<void> move_into_place(host::Files& own, std::string_view root, const std::string& copy,
                             const std::string& name) {
  const std::string to = path::join(root, name);
  if (name == lost_and_found) {
    TRY(own.remove_directory(to));
  }
  return own.move(path::join(copy, name), to);
}

Result<void> take_attributes(host::Files& own, std::string_view root, const std::string& copy) {
  TRY(own.copy_attributes(copy, root));
  const auto wanted = TRY(own.look(copy));
  const auto there = TRY(own.look(root));
  const bool same = wanted && there && wanted->mode == there->mode && wanted->owner == there->owner;
  return same || (there && there->attributes_fixed)
             ? Result<void>()
             : Error(Code::not_satisfied, "nothing failed, yet the new file system has not its mode and owner");
}

Result<void> mount_memory(host::Host& host, const std::string& place) {
  if (TRY(is_mounted(host, place))) {
    return {};
  }
  TRY(make_real_directories(host.own, place));
  return host.mounts.mount("tmpfs", place, "tmpfs", "mode=0700" + memory_limit(host.own));
}

// What is kept. It is empty while it is being forgotten.
enum class Copy : std::uint8_t { none, empty, whole };

Result<Copy> copy_at(host::Files& own, const std::string& copy) {
  if (!TRY(own.look(copy))) {
    return Copy::none;
  }
  return TRY(own.list(copy)).empty() ? Copy::empty : Copy::whole;
}

Result<Copy> copy_kept(host::Host& host, const RootFilesystem& keeper, const Places& places) {
  const std::string copy = path::join(places.keeper, places.copy);
  if (is_in_memory(keeper)) {
    return TRY(is_mounted(host, places.keeper)) ? copy_at(host.own, copy) : Copy::none;
  }
  Copy kept = Copy::none;
  TRY(with_mounted(host, keeper, places.keeper, "ro", [&]() -> Result<void> {
    kept = TRY(copy_at(host.own, copy));
    return {};
  }));
  return kept;
}

// Why a FAT cannot hold a thing of this name and kind; empty: it can. Microsoft's "FAT: General Overview of On-Disk
// Format" has the characters; a dot or a space at the end is dropped.
std::string fat_fault(const std::string& name, const host::Node& node) {
  if (node.kind != host::NodeKind::regular && node.kind != host::NodeKind::directory) {
    return "is neither a file nor a directory";
  }
  if (node.size > longest_fat_file) {
    return "is too long";
  }
  const bool is_fit = std::all_of(name.begin(), name.end(), [](char c) {
    constexpr std::string_view refused = "\"*/:<>?\\|";
    return c >= ' ' && c <= '~' && refused.find(c) == std::string_view::npos;
  });
  const bool is_cut = name.ends_with('.') || name.ends_with(' ');
  return is_fit && !is_cut && name.size() <= longest_fat_name ? "" : "has a name that it cannot have";
}

// What the files of an old file system take, and whether they can be in the new one.
class Measure {
 public:
  Measure(host::Files& own, const SaveRoot& operation) : own_(own), operation_(operation) {}

  // Of the directory `path`, which is mounted, or in what is; `shown` is its path there.
  Result<void> add(const std::string& path, const std::string& shown) {
    std::set<std::string> names;
    for (const auto& name : TRY(own_.list(path))) {
      const auto node = TRY(own_.look(path::join(path, name)));
      if (!node) {
        continue;
      }
      const std::string inner = path::join(shown, name);
      if (!names.insert(lower_ascii(name)).second && operation_.plain) {
        return unfit(inner, "has the name of another, but for capital letters");
      }
      TRY(add_one(path::join(path, name), inner, name, *node));
    }
    return {};
  }

  [[nodiscard]] std::uint64_t bytes() const { return bytes_; }

 private:
  Result<void> add_one(const std::string& path, const std::string& shown, const std::string& name,
                       const host::Node& node) {
    // The FAT has none, and needs none.
    if (shown == path::join("/", lost_and_found)) {
      return {};
    }
    if (const std::string fault = operation_.plain ? fat_fault(name, node) : ""; !fault.empty()) {
      return unfit(shown, fault);
    }
    bytes_ += node.kind == host::NodeKind::regular ? node.size : 0;
    return node.kind == host::NodeKind::directory ? add(path, shown) : Result<void>();
  }

  [[nodiscard]] Error unfit(const std::string& shown, const std::string& fault) const {
    return {Code::conflict, kept_words(operation_.kept, operation_.root) +
                                " must be kept, and the vfat that is to take its place cannot hold what it has: " +
                                printable(shown) + " " + fault + ". Give it another format"};
  }

  host::Files& own_;
  const SaveRoot& operation_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

Result<void> remove_tree(host::Files& own, const std::string& path) {
  const auto node = TRY(own.look(path));
  if (!node || node->kind != host::NodeKind::directory) {
    return node ? own.remove(path) : Result<void>();
  }
  TRY(own.make_directory_anew(path, 0700, {}));
  return own.remove_directory(path);
}

Places places_of(const std::string& kept) {
  const std::string name = kept.empty() ? "root" : kept;
  const std::string place = "/run/provision/" + name;
  return {place + "/old", place + "/new", place + "/keeper", std::string(own_prefix) + name};
}

RootFilesystem keeper_of(const SaveRoot& operation) { return {operation.keeper, operation.keeper_format}; }

RootFilesystem keeper_of(const RestoreRoot& operation) { return {operation.keeper, operation.keeper_format}; }

std::string kept_words(const std::string& kept, const std::string& name) {
  return kept.empty()    ? "the root file system, " + printable(name) + ","
         : name == "esp" ? "the EFI system partition"
                         : "the file system " + printable(name);
}

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
  TRY(host.mounts.mount(node, path, filesystem.format, mount_options(filesystem.format, options)));
  if (!TRY(is_mounted(host, path))) {
    // An empty directory is not to be taken for an empty file system.
    return Error(Code::not_satisfied, "nothing failed, yet " + filesystem.device.path + " is not mounted");
  }
  Result<void> worked = work();
  Result<void> unmounted = host.mounts.unmount(path);
  return worked ? unmounted : worked;
}

Result<void> with_readable(host::Host& host, const RootFilesystem& filesystem, const std::string& path,
                           const model::JournalPlace& journal,
                           const std::function<Result<void>(const std::string& path)>& work) {
  if (TRY(is_journal_on(host, journal, filesystem))) {
    return work(journal.mount);
  }
  return with_mounted(host, filesystem, path, "ro", [&] { return work(path); });
}

Result<RootState> root_state(host::Files& own, std::string_view path, std::string_view copy,
                             const model::JournalPlace& journal) {
  bool any = false;
  for (const auto& name : TRY(own.list(path))) {
    if (name == copy) {
      return RootState::copied;
    }
    any = any || !(name.starts_with(own_prefix) || name == lost_and_found || name == journal.directory);
  }
  return any ? RootState::whole : RootState::empty;
}

Result<void> unpack_copy(host::Files& own, std::string_view root, std::string_view copy_name,
                         const model::JournalPlace& journal) {
  const std::string copy = path::join(root, copy_name);
  auto names = TRY(own.list(copy));
  std::stable_partition(names.begin(), names.end(), [&](const std::string& name) {
    return name == journal.stamp.substr(0, journal.stamp.find('/'));
  });
  for (const auto& name : names) {
    if (name == journal.directory || name.starts_with(own_prefix)) {
      TRY(remove_tree(own, path::join(copy, name)));
    } else {
      TRY(move_into_place(own, root, copy, name));
    }
  }
  TRY(take_attributes(own, root, copy));
  TRY(own.sync(root));
  TRY(own.remove_directory(copy));
  return own.sync(root);
}

Result<RootState> root_state_on(host::Host& host, const RootFilesystem& filesystem, const Places& places,
                                const model::JournalPlace& journal) {
  if (!TRY(is_there(host, filesystem))) {
    return RootState::empty;
  }
  RootState state = RootState::empty;
  TRY(with_readable(host, filesystem, places.after, journal, [&](const std::string& path) -> Result<void> {
    state = TRY(root_state(host.own, path, places.copy, journal));
    return {};
  }));
  return state;
}

Result<void> check_fits(host::Files& own, std::string_view path, const SaveRoot& operation) {
  // A tenth is for what a file system needs itself.
  constexpr std::int64_t parts = 10;
  if (!operation.plain && operation.room == 0) {
    return {};
  }
  Measure measure(own, operation);
  TRY(measure.add(std::string(path), "/"));
  const std::int64_t room = operation.room - operation.room / parts;
  if (operation.room != 0 && measure.bytes() > static_cast<std::uint64_t>(room)) {
    return Error(Code::conflict, kept_words(operation.kept, operation.root) + " must be kept, and its files, " +
                                     std::to_string(measure.bytes()) +
                                     " bytes, do not fit into what is to take its place: make that larger");
  }
  return {};
}

Result<void> with_keeper(host::Host& host, const RootFilesystem& keeper, const Places& places,
                         const std::function<Result<void>()>& work) {
  if (!is_in_memory(keeper)) {
    return with_mounted(host, keeper, places.keeper, "", work);
  }
  TRY(mount_memory(host, places.keeper));
  return work();
}

Result<bool> is_kept(host::Host& host, const RootFilesystem& keeper, const Places& places) {
  return TRY(copy_kept(host, keeper, places)) != Copy::none;
}

Result<bool> has_files(host::Host& host, const RootFilesystem& keeper, const Places& places) {
  return TRY(copy_kept(host, keeper, places)) == Copy::whole;
}

Result<void> forget_copy(host::Host& host, const RootFilesystem& keeper, const Places& places) {
  if (is_in_memory(keeper)) {
    return TRY(is_mounted(host, places.keeper)) ? host.mounts.unmount(places.keeper) : Result<void>();
  }
  return with_mounted(host, keeper, places.keeper, "", [&]() -> Result<void> {
    const std::string copy = path::join(places.keeper, places.copy);
    if (!TRY(host.own.look(copy))) {
      return {};
    }
    TRY(host.own.make_directory_anew(copy, 0700, {}));
    TRY(host.own.remove_directory(copy));
    return host.own.sync(places.keeper);
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

Error root_is_lost(const std::string& kept, const std::string& name) {
  return {Code::conflict, "the files of " + kept_words(kept, name) +
                              " are nowhere to be found: if the power went while memory kept them, they are lost, and "
                              "the image must be written to the disk again"};
}

}  // namespace provision::plan
