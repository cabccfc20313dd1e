// SPDX-License-Identifier: Apache-2.0
#include "host/linux/filesystem_growth.hpp"

#include <fcntl.h>
#include <linux/btrfs.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "host/filesystem_size.hpp"
#include "host/linux/mounts.hpp"
#include "host/linux/signatures.hpp"

namespace provision::host {
namespace {

// The interfaces of ext4 and XFS are in no header of the C library. Kernel: include/uapi/linux/ext4.h, and
// fs/xfs/libxfs/xfs_fs.h for xfs_fsop_geom_v1 and xfs_growfs_data.
struct XfsGeometry {
  std::uint32_t block_bytes;
  std::uint32_t realtime_extent_blocks;
  std::uint32_t group_blocks;
  std::uint32_t groups;
  std::uint32_t log_blocks;
  std::uint32_t sector_bytes;
  std::uint32_t inode_bytes;
  std::uint32_t inode_percent;
  std::uint64_t blocks;
  std::array<std::uint64_t, 3> realtime_and_log;
  std::array<std::uint8_t, 16> uuid;
  std::array<std::uint32_t, 7> others;
};
static_assert(sizeof(XfsGeometry) == 112);

struct XfsGrowth {
  std::uint64_t blocks;
  std::uint32_t inode_percent;
};
static_assert(sizeof(XfsGrowth) == 16);

const unsigned long ext4_resize = _IOW('f', 16, std::uint64_t);
const unsigned long xfs_geometry = _IOR('X', 100, XfsGeometry);
const unsigned long xfs_grow = _IOW('X', 110, XfsGrowth);

Error cannot_grow(const BlockDevice& device, int saved) {
  if (saved == EPERM) {
    return io_error("cannot grow the file system on " + device.node +
                        ": the kernel finds it in no state for that (fsck can mend it)",
                    saved);
  }
  return io_error("cannot grow the file system on " + device.node, saved);
}

bool grow_ext4(int root, std::uint64_t device_bytes, std::uint64_t block_bytes) {
  const std::uint64_t blocks = device_bytes / block_bytes;
  return ::ioctl(root, ext4_resize, &blocks) == 0;
}

// The share of the space that inodes may take stays.
bool grow_xfs(int root, std::uint64_t device_bytes) {
  XfsGeometry geometry{};
  if (::ioctl(root, xfs_geometry, &geometry) != 0) {
    return false;
  }
  const XfsGrowth wanted{device_bytes / geometry.block_bytes, geometry.inode_percent};
  return ::ioctl(root, xfs_grow, &wanted) == 0;
}

bool grow_btrfs(int root, std::uint64_t device_id) {
  btrfs_ioctl_vol_args wanted{};
  const std::string text = std::to_string(device_id) + ":max";
  std::copy(text.begin(), text.end(), std::begin(wanted.name));
  return ::ioctl(root, BTRFS_IOC_RESIZE, &wanted) == 0;
}

Result<std::uint64_t> bytes_of(int fd, const BlockDevice& device) {
  std::uint64_t bytes = 0;
  if (::ioctl(fd, BLKGETSIZE64, &bytes) != 0) {
    return io_error("cannot tell the size of " + device.node);
  }
  return bytes;
}

// What is read here of a device.
struct Seen {
  std::string type;
  // Its first superblock_bytes.
  std::string beginning;
  std::uint64_t device_bytes = 0;
};

Result<Seen> look_at(const BlockDevice& device) {
  const Descriptor file = TRY(open_device(device.node, O_RDONLY));
  Seen seen;
  seen.type = TRY(probe_signature(file.get(), device.node)).type;
  seen.device_bytes = TRY(bytes_of(file.get(), device));
  if (can_grow(seen.type) && seen.device_bytes >= superblock_bytes) {
    seen.beginning = TRY(read_at(file.get(), 0, superblock_bytes, device.node));
  }
  if (!filesystem_bytes(seen.beginning)) {
    return Error(Code::io, device.node + " has no file system that tells its size");
  }
  return seen;
}

}  // namespace

Result<FilesystemSize> size_of_filesystem(const BlockDevice& device) {
  const Seen seen = TRY(look_at(device));
  return FilesystemSize{filesystem_bytes(seen.beginning).value_or(0), static_cast<std::int64_t>(seen.device_bytes)};
}

Result<void> grow_filesystem_on(const BlockDevice& device) {
  const Seen seen = TRY(look_at(device));
  {
    const Descriptor mount = TRY(detached_mount(device.node, seen.type, "rw"));
    const Descriptor root(
        uninterrupted([&] { return ::openat(mount.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC); }));
    if (!root.valid()) {
      return io_error("cannot open the file system on " + device.node);
    }
    const bool grown = seen.type == "ext4"  ? grow_ext4(root.get(), seen.device_bytes, ext4_block_bytes(seen.beginning))
                       : seen.type == "xfs" ? grow_xfs(root.get(), seen.device_bytes)
                                            : grow_btrfs(root.get(), btrfs_device_id(seen.beginning).value_or(1));
    if (!grown) {
      return cannot_grow(device, errno);
    }
    if (::syncfs(root.get()) != 0) {
      return io_error("cannot make the new size of the file system on " + device.node + " durable");
    }
  }
  return {};
}

}  // namespace provision::host
