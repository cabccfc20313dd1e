// SPDX-License-Identifier: Apache-2.0
// How large a file system is, by what its superblock says. Pure.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "host/disks.hpp"

namespace provision::host {

// The kinds of file systems that the kernel can let grow while they are mounted, and of which the size can be read.
bool can_grow(std::string_view format);

// So many bytes of a device hold the superblocks, or all that is needed of them.
inline constexpr std::size_t superblock_bytes = std::size_t{68} * 1024;

// In bytes, from the first superblock_bytes of the device; nothing if no ext4, XFS or Btrfs begins there. Kernel:
// fs/ext4/ext4.h (ext4_super_block), fs/xfs/libxfs/xfs_format.h (xfs_dsb), include/uapi/linux/btrfs_tree.h
// (btrfs_super_block).
std::optional<std::int64_t> filesystem_bytes(std::string_view beginning);
// The size of a block of an ext4.
std::uint64_t ext4_block_bytes(std::string_view beginning);
// The number that a Btrfs gives to the device whose superblock this is.
std::optional<std::uint64_t> btrfs_device_id(std::string_view beginning);

// Whether nothing is left that is worth growing into: at the end of its device a file system may leave what is too
// small for a group of its own, of which the tables of inodes are the larger part.
inline constexpr std::int64_t spare_bytes = std::int64_t{16} * 1024 * 1024;
inline bool fills_device(const FilesystemSize& size) { return size.bytes > size.device_bytes - spare_bytes; }

}  // namespace provision::host
