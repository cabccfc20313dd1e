// SPDX-License-Identifier: Apache-2.0
#include "host/linux/array_member.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/path.hpp"
#include "base/text.hpp"
#include "host/linux/descriptor.hpp"
#include "host/linux/signatures.hpp"

namespace provision::host {
namespace {

constexpr std::uint64_t sector_bytes = 512;

std::uint64_t little_endian(std::string_view bytes, std::size_t offset, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i > 0; --i) {
    value = value << 8U | static_cast<unsigned char>(bytes[offset + i - 1]);
  }
  return value;
}

// Where the fields of mdp_superblock_1 begin.
enum Field : std::size_t {
  magic = 0,
  major_version = 4,
  set_uuid = 16,
  set_name = 32,
  level = 72,
  raid_disks = 92,
  super_offset = 144,
  events = 200,
  checksum = 216,
  max_devices = 220,
  roles = 256,
};

// super_1_load: calc_sb_1_csum, over the superblock with its roles, and 0 for the sum itself.
std::uint32_t sum_of(std::string_view bytes, std::size_t size) {
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at + 4 <= size; at += 4) {
    sum += at == checksum ? 0 : little_endian(bytes, at, 4);
  }
  sum += size % 4 == 2 ? little_endian(bytes, size - 2, 2) : 0;
  return static_cast<std::uint32_t>((sum & 0xFFFFFFFFU) + (sum >> 32U));
}

std::string uuid_text(std::string_view bytes) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    text += i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "";
    text += hex[byte >> 4U];
    text += hex[byte & 0xFU];
  }
  return text;
}

std::string level_words(std::uint64_t level) {
  constexpr std::array<std::pair<std::uint64_t, std::string_view>, 7> names{{
      {0xFFFFFFFFU, "linear"},
      {0, "raid0"},
      {1, "raid1"},
      {4, "raid4"},
      {5, "raid5"},
      {6, "raid6"},
      {10, "raid10"},
  }};
  for (const auto& [number, name] : names) {
    if (number == level) {
      return std::string(name);
    }
  }
  return "level " + std::to_string(level);
}

// "host:name"; of an array for any host "any:name".
std::string name_words(std::string_view bytes) {
  const std::string_view text = bytes.substr(0, bytes.find('\0'));
  const std::size_t colon = text.find(':');
  return printable(colon == std::string_view::npos ? text : text.substr(colon + 1));
}

// The sectors where format 1.1, 1.2 and 1.0 have it.
std::array<std::uint64_t, 3> places(std::uint64_t bytes) {
  const std::uint64_t sectors = bytes / sector_bytes;
  return {0, 8, sectors < 16 ? 0 : (sectors - 16) & ~std::uint64_t{7}};
}

// Which array has the device, by its holders in sysfs.
void see_holder(const BlockDevice& device, ArrayMember& member) {
  for (const auto& holder : holders_of(device)) {
    const std::string folder = path::join(device.sysfs, "holders/" + holder + "/md");
    const std::string state(trim(kernel_text(path::join(folder, "array_state"))));
    if (!state.empty()) {
      member.node = "/dev/" + holder;
      member.running = state != "clear" && state != "inactive";
    }
  }
}

}  // namespace

std::optional<ArrayMember> parse_array_superblock(std::string_view bytes, std::uint64_t sector) {
  constexpr std::uint64_t magic_number = 0xa92b4efc;
  if (bytes.size() < array_superblock_bytes || little_endian(bytes, magic, 4) != magic_number ||
      little_endian(bytes, major_version, 4) != 1 || little_endian(bytes, super_offset, 8) != sector) {
    return std::nullopt;
  }
  const std::uint64_t count = little_endian(bytes, max_devices, 4);
  const std::uint64_t most = (array_superblock_bytes - roles) / 2;
  if (count > most || little_endian(bytes, checksum, 4) != sum_of(bytes, roles + count * 2)) {
    return std::nullopt;
  }
  ArrayMember member;
  member.array = Uuid::parse(uuid_text(bytes.substr(set_uuid, 16))).value_or(Uuid{});
  member.name = name_words(bytes.substr(set_name, 32));
  member.level = level_words(little_endian(bytes, level, 4));
  member.devices = static_cast<std::int64_t>(little_endian(bytes, raid_disks, 4));
  member.events = static_cast<std::int64_t>(little_endian(bytes, events, 8) & 0x7FFFFFFFFFFFFFFFU);
  return member;
}

Result<ArrayMember> read_array_member(int fd, const BlockDevice& device) {
  const Signature signature = TRY(probe_signature(fd, device.node));
  if (signature.type != "linux_raid_member") {
    return ArrayMember{};
  }
  const off_t end = ::lseek(fd, 0, SEEK_END);
  if (end < 0) {
    return io_error("cannot tell the size of " + device.node);
  }
  ArrayMember member;
  // Of the old format.
  member.array = Uuid::parse(signature.uuid).value_or(Uuid{});
  member.events = 1;
  for (const std::uint64_t sector : places(static_cast<std::uint64_t>(end))) {
    const std::string bytes = TRY(read_at(fd, sector * sector_bytes, array_superblock_bytes, device.node));
    if (auto parsed = parse_array_superblock(bytes, sector)) {
      member = *std::move(parsed);
      break;
    }
  }
  see_holder(device, member);
  return member;
}

}  // namespace provision::host
