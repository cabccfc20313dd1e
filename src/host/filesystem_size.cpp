// SPDX-License-Identifier: Apache-2.0
#include "host/filesystem_size.hpp"

#include <algorithm>
#include <array>
#include <limits>

namespace provision::host {
namespace {

constexpr std::array<std::string_view, 3> growing{"ext4", "xfs", "btrfs"};

enum class Order : std::uint8_t { little, big };

std::uint64_t number_at(std::string_view bytes, std::size_t offset, std::size_t size, Order order) {
  std::uint64_t number = 0;
  for (std::size_t i = 0; i < size; ++i) {
    const std::size_t at = offset + (order == Order::big ? i : size - 1 - i);
    number = number << 8U | static_cast<unsigned char>(bytes[at]);
  }
  return number;
}

// What no device can have is what no file system has either.
std::optional<std::int64_t> product(std::uint64_t blocks, std::uint64_t block_bytes) {
  constexpr auto most = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
  const bool possible = blocks != 0 && block_bytes != 0 && blocks <= most / block_bytes;
  return possible ? std::optional(static_cast<std::int64_t>(blocks * block_bytes)) : std::nullopt;
}

std::uint64_t ext4_field(std::string_view bytes, std::size_t offset, std::size_t size) {
  return number_at(bytes, 1024 + offset, size, Order::little);
}

std::optional<std::int64_t> ext4_bytes(std::string_view bytes) {
  constexpr std::uint64_t incompat_64bit = 0x80;
  constexpr std::uint64_t largest_shift = 6;
  if (ext4_field(bytes, 0x38, 2) != 0xef53 || ext4_field(bytes, 0x18, 4) > largest_shift) {
    return std::nullopt;
  }
  const std::uint64_t high = (ext4_field(bytes, 0x60, 4) & incompat_64bit) != 0 ? ext4_field(bytes, 0x150, 4) : 0;
  return product(high << 32U | ext4_field(bytes, 0x4, 4), ext4_block_bytes(bytes));
}

std::optional<std::int64_t> xfs_bytes(std::string_view bytes) {
  if (!bytes.starts_with("XFSB")) {
    return std::nullopt;
  }
  return product(number_at(bytes, 8, 8, Order::big), number_at(bytes, 4, 4, Order::big));
}

constexpr std::size_t btrfs_offset = std::size_t{64} * 1024;
// struct btrfs_dev_item in the superblock.
constexpr std::size_t btrfs_device = 0xc9;

std::optional<std::string_view> btrfs_superblock(std::string_view bytes) {
  const std::string_view super = bytes.substr(btrfs_offset);
  return super.substr(0x40).starts_with("_BHRfS_M") ? std::optional(super) : std::nullopt;
}

std::optional<std::int64_t> btrfs_bytes(std::string_view bytes) {
  const auto super = btrfs_superblock(bytes);
  return super ? product(number_at(*super, btrfs_device + 8, 8, Order::little), 1) : std::nullopt;
}

}  // namespace

bool can_grow(std::string_view format) { return std::find(growing.begin(), growing.end(), format) != growing.end(); }

std::optional<std::int64_t> filesystem_bytes(std::string_view beginning) {
  if (beginning.size() < superblock_bytes) {
    return std::nullopt;
  }
  if (auto bytes = xfs_bytes(beginning)) {
    return bytes;
  }
  auto bytes = btrfs_bytes(beginning);
  return bytes ? bytes : ext4_bytes(beginning);
}

std::uint64_t ext4_block_bytes(std::string_view beginning) {
  return std::uint64_t{1024} << ext4_field(beginning, 0x18, 4);
}

std::optional<std::uint64_t> btrfs_device_id(std::string_view beginning) {
  const auto super = beginning.size() < superblock_bytes ? std::nullopt : btrfs_superblock(beginning);
  return super ? std::optional(number_at(*super, btrfs_device, 8, Order::little)) : std::nullopt;
}

}  // namespace provision::host
