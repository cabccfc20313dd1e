// SPDX-License-Identifier: Apache-2.0
// Mounting, by libmount.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "host/files.hpp"

namespace provision::host {

// One mount as the kernel lists it; `source` is the node as mounted.
struct MountEntry {
  std::string source;
  std::string target;
  std::string type;
  // Of a Btrfs: what of it is mounted, as a path in its top level; empty: the top level itself.
  std::string subvolume{};
  bool operator==(const MountEntry&) const = default;
};

// What a path in the top level of a Btrfs leads to.
enum class SubvolumeKind : std::uint8_t { subvolume, directory, other };

// The words by which each kind is written in inventories.
constexpr auto words(SubvolumeKind /*any*/) {
  using Row = std::pair<SubvolumeKind, std::string_view>;
  return std::array{Row{SubvolumeKind::subvolume, "subvolume"}, Row{SubvolumeKind::directory, "directory"},
                    Row{SubvolumeKind::other, "other"}};
}

struct SubvolumeEntry {
  // Its path in the top level: "home", "@/var".
  std::string name;
  SubvolumeKind kind = SubvolumeKind::subvolume;
  // A mount without the option subvol= shows this one.
  bool is_default = false;
  bool operator==(const SubvolumeEntry&) const = default;
};

struct NewSubvolume {
  std::string name;
  std::uint32_t mode = 0755;
  Owner owner{};
  // Files in it are written in place (FS_NOCOW_FL).
  bool no_copy_on_write = false;
  bool make_default = false;
};

class Mounts {
 public:
  Mounts() = default;
  Mounts(const Mounts&) = delete;
  Mounts& operator=(const Mounts&) = delete;
  Mounts(Mounts&&) = delete;
  Mounts& operator=(Mounts&&) = delete;
  virtual ~Mounts() = default;

  // In the order of mounting.
  virtual Result<std::vector<MountEntry>> list() = 0;
  // `target` is a path of this process's own view (root prefix included) and must be a directory without symbolic links
  // on the way. `options` as in fstab, comma-joined; may be empty.
  virtual Result<void> mount(std::string_view node, std::string_view target, std::string_view type,
                             std::string_view options) = 0;
  // Who uses it for a moment is waited for, two seconds; then Code::device_busy.
  virtual Result<void> unmount(std::string_view target) = 0;

  // Reads one file of the file system on `node`, which nobody sees mounted: it is in no list, and gone when this
  // process is. Nothing is written to the device, not even to replay a journal. Links are followed inside the file
  // system.
  virtual Result<std::string> read_file(std::string_view node, std::string_view type, std::string_view path,
                                        std::size_t max_bytes) = 0;

  // What is there of these names in the Btrfs on `node`, in their order; mounted and unwritten as by read_file.
  virtual Result<std::vector<SubvolumeEntry>> subvolumes(std::string_view node,
                                                         const std::vector<std::string>& names) = 0;
  // Whether the Btrfs on `node` has any subvolume beside its top level, snapshots too; mounted and unwritten as by
  // read_file.
  virtual Result<bool> has_subvolumes(std::string_view node) = 0;
  // Makes a subvolume, durably. It has its name when it has all else; one that is there already stays as it is, but for
  // being the default. What it lies in must be there. Code::conflict, with nothing changed: the name is something
  // else's. Nobody sees the mount; it is gone when this returns, or the process ends.
  virtual Result<void> make_subvolume(std::string_view node, const NewSubvolume& subvolume) = 0;
};

}  // namespace provision::host
