// SPDX-License-Identifier: Apache-2.0
// Subvolumes of a Btrfs, by the ioctls of linux/btrfs.h, on a mount that nobody sees.
#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>

#include "base/digest.hpp"
#include "host/linux/mounts.hpp"
#include "host/linux/trees.hpp"

namespace provision::host {
namespace {

// The root directory of each subvolume has this inode number (BTRFS_FIRST_FREE_OBJECTID).
constexpr ino_t subvolume_inode = 256;
// What a mount shows that asks for no subvolume is the default one; this is the top level (BTRFS_FS_TREE_OBJECTID).
constexpr std::string_view top_level = "subvolid=5";
constexpr std::uint64_t below = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;

std::string words_of(SubvolumeKind kind) {
  return kind == SubvolumeKind::subvolume ? "a subvolume" : kind == SubvolumeKind::directory ? "a directory" : "a file";
}

std::string shown(std::string_view name, std::string_view node) {
  return std::string(name) + " of the Btrfs on " + std::string(node);
}

// The root directory of what a mount with these options shows.
Result<Descriptor> open_root(std::string_view node, const std::string& options) {
  const Descriptor mount = TRY(detached_mount(std::string(node), "btrfs", options));
  Descriptor root(uninterrupted([&] { return ::openat(mount.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
  return root.valid() ? Result<Descriptor>(std::move(root)) : io_error("cannot open the Btrfs on " + std::string(node));
}

// What `name` below the directory is; nothing: it is not there.
Result<std::optional<SubvolumeKind>> kind_at(int directory, const std::string& name, std::string_view node) {
  const Descriptor found(open_resolved(directory, name, O_PATH | O_NOFOLLOW, below));
  if (!found.valid() && (errno == ENOENT || errno == ENOTDIR)) {
    return std::optional<SubvolumeKind>();
  }
  struct stat status {};
  if (!found.valid() || ::fstat(found.get(), &status) != 0) {
    return io_error("cannot look at " + shown(name, node));
  }
  if (!S_ISDIR(status.st_mode)) {
    return std::optional(SubvolumeKind::other);
  }
  return std::optional(status.st_ino == subvolume_inode ? SubvolumeKind::subvolume : SubvolumeKind::directory);
}

Result<Descriptor> open_directory(int directory, const std::string& name, std::string_view node) {
  Descriptor opened(open_resolved(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, below));
  return opened.valid() ? Result<Descriptor>(std::move(opened)) : io_error("cannot open " + shown(name, node));
}

// The number of the subvolume that the directory is the root of.
Result<std::uint64_t> subvolume_number(int root, std::string_view node) {
  btrfs_ioctl_ino_lookup_args lookup{};
  lookup.objectid = subvolume_inode;
  if (::ioctl(root, BTRFS_IOC_INO_LOOKUP, &lookup) != 0) {
    return io_error("cannot number the subvolumes of the Btrfs on " + std::string(node));
  }
  return std::uint64_t{lookup.treeid};
}

Result<void> set_no_copy_on_write(int directory, bool wanted) {
  int flags = 0;
  if (::ioctl(directory, FS_IOC_GETFLAGS, &flags) != 0) {
    return io_error("cannot read its flags");
  }
  const int changed = wanted ? flags | FS_NOCOW_FL : flags & ~FS_NOCOW_FL;
  return changed == flags || ::ioctl(directory, FS_IOC_SETFLAGS, &changed) == 0 ? Result<void>()
                                                                                : io_error("cannot set its flags");
}

// chown before chmod: it clears set-id bits.
Result<void> dress(int root, const NewSubvolume& wanted) {
  TRY(set_no_copy_on_write(root, wanted.no_copy_on_write));
  if (::fchown(root, static_cast<uid_t>(wanted.owner.uid), static_cast<gid_t>(wanted.owner.gid)) != 0) {
    return io_error("cannot give it its owner");
  }
  return ::fchmod(root, wanted.mode) == 0 ? Result<void>() : io_error("cannot give it its mode");
}

// What an interrupted attempt has left under the temporary name is empty, and taken.
Result<void> create(int parent, const std::string& name, std::string_view node) {
  const auto there = TRY(kind_at(parent, name, node));
  if (there == SubvolumeKind::subvolume) {
    return {};
  }
  btrfs_ioctl_vol_args arguments{};
  std::memcpy(arguments.name, name.data(), std::min(name.size(), sizeof arguments.name - 1));
  return ::ioctl(parent, BTRFS_IOC_SUBVOL_CREATE, &arguments) == 0 ? Result<void>() : io_error("cannot create it");
}

// All that is done before the file system is synced is in one of its transactions or an earlier one, so that what has
// the name is whole after a power cut.
Result<void> create_whole(int parent, const std::string& name, const NewSubvolume& wanted, std::string_view node) {
  const std::string fresh = ".provision-" + Digest::sha256(name).hex().substr(0, 16);
  TRY(create(parent, fresh, node));
  {
    const Descriptor root = TRY(open_directory(parent, fresh, node));
    TRY(dress(root.get(), wanted));
  }
  return ::renameat2(parent, fresh.c_str(), parent, name.c_str(), RENAME_NOREPLACE) == 0
             ? Result<void>()
             : io_error("cannot give it its name");
}

Result<void> make_at(int top, const NewSubvolume& wanted, std::string_view node) {
  const std::size_t slash = wanted.name.rfind('/');
  const std::string above = slash == std::string::npos ? "." : wanted.name.substr(0, slash);
  const auto holder = TRY(kind_at(top, above, node));
  if (!holder) {
    return Error(Code::conflict,
                 "there is no " + shown(above, node) + " for it to lie in: list that as a subvolume too");
  }
  const Descriptor parent = TRY(open_directory(top, above, node));
  const std::string name = slash == std::string::npos ? wanted.name : wanted.name.substr(slash + 1);
  const auto there = TRY(kind_at(parent.get(), name, node));
  if (there && *there != SubvolumeKind::subvolume) {
    return Error(Code::conflict, shown(wanted.name, node) + " is " + words_of(*there));
  }
  return there ? Result<void>() : create_whole(parent.get(), name, wanted, node);
}

Result<void> make_default(int top, const std::string& name, std::string_view node) {
  const Descriptor root = TRY(open_directory(top, name, node));
  std::uint64_t number = TRY(subvolume_number(root.get(), node));
  return ::ioctl(top, BTRFS_IOC_DEFAULT_SUBVOL, &number) == 0 ? Result<void>() : io_error("cannot make it the default");
}

}  // namespace

Result<std::vector<SubvolumeEntry>> LinuxMounts::subvolumes(std::string_view node,
                                                            const std::vector<std::string>& names) {
  const std::string options = read_only_options("btrfs");
  const Descriptor top = TRY(open_root(node, options + "," + std::string(top_level)));
  const Descriptor shown_by_default = TRY(open_root(node, options));
  const std::uint64_t number = TRY(subvolume_number(shown_by_default.get(), node));
  std::vector<SubvolumeEntry> entries;
  for (const auto& name : names) {
    const auto kind = TRY(kind_at(top.get(), name, node));
    if (!kind) {
      continue;
    }
    SubvolumeEntry entry{name, *kind, false};
    if (*kind == SubvolumeKind::subvolume) {
      const Descriptor root = TRY(open_directory(top.get(), name, node));
      entry.is_default = TRY(subvolume_number(root.get(), node)) == number;
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

// Each subvolume lies in another one or in the top level: where the top level has none, there is none.
Result<bool> LinuxMounts::has_subvolumes(std::string_view node) {
  const Descriptor top = TRY(open_root(node, read_only_options("btrfs") + "," + std::string(top_level)));
  btrfs_ioctl_get_subvol_rootref_args held{};
  // EOVERFLOW: there are more than can be told at once.
  if (::ioctl(top.get(), BTRFS_IOC_GET_SUBVOL_ROOTREF, &held) != 0 && errno != EOVERFLOW) {
    return io_error("cannot tell whether the Btrfs on " + std::string(node) + " has subvolumes");
  }
  return held.num_items != 0;
}

Result<void> LinuxMounts::make_subvolume(std::string_view node, const NewSubvolume& subvolume) {
  const Descriptor top = TRY(open_root(node, std::string(top_level)));
  TRY(make_at(top.get(), subvolume, node));
  if (subvolume.make_default) {
    TRY(make_default(top.get(), subvolume.name, node));
  }
  return ::syncfs(top.get()) == 0 ? Result<void>()
                                  : io_error("cannot make the Btrfs on " + std::string(node) + " durable");
}

}  // namespace provision::host
