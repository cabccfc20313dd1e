// SPDX-License-Identifier: Apache-2.0
// Superblocks of md as its header describes them; those that mdadm writes are in tests/vm/raid.
#include <doctest/doctest.h>

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <string>

#include "host/linux/array_member.hpp"
#include "host/linux/disks.hpp"
#include "loop_disk.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::host;

namespace {

void put(std::string& bytes, std::size_t offset, std::uint64_t value, std::size_t size) {
  for (std::size_t i = 0; i < size; ++i) {
    bytes[offset + i] = static_cast<char>(value >> (8 * i) & 0xFFU);
  }
}

// The sum that super_1_load makes, of 32-bit words, folded once.
void sign(std::string& bytes) {
  put(bytes, 216, 0, 4);
  std::uint64_t sum = 0;
  for (std::size_t at = 0; at < 256 + 2 * 384; at += 4) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      word |= std::uint32_t{static_cast<unsigned char>(bytes[at + i])} << (8 * i);
    }
    sum += word;
  }
  put(bytes, 216, (sum & 0xFFFFFFFFU) + (sum >> 32U), 4);
}

std::string superblock(std::uint64_t sector, std::int32_t level, const std::string& name) {
  std::string bytes(1024, '\0');
  put(bytes, 0, 0xa92b4efc, 4);
  put(bytes, 4, 1, 4);
  for (std::size_t i = 0; i < 16; ++i) {
    bytes[16 + i] = static_cast<char>(0x10 + i);
  }
  bytes.replace(32, name.size(), name);
  put(bytes, 72, static_cast<std::uint32_t>(level), 4);
  put(bytes, 80, 2048, 8);
  put(bytes, 92, 3, 4);
  put(bytes, 144, sector, 8);
  put(bytes, 200, 19, 8);
  put(bytes, 220, 384, 4);
  put(bytes, 256, 0xFFFF, 2);
  sign(bytes);
  return bytes;
}

}  // namespace

TEST_SUITE_BEGIN("native arrays");

TEST_CASE("a whole superblock of an array is read, and no other") {
  const std::string good = superblock(8, 5, "any:data");
  const auto member = parse_array_superblock(good, 8);
  REQUIRE(member);
  CHECK(member->array.text() == "10111213-1415-1617-1819-1a1b1c1d1e1f");
  CHECK(member->name == "data");
  CHECK(member->level == "raid5");
  CHECK(member->devices == 3);
  CHECK(member->events == 19);
  CHECK(parse_array_superblock(superblock(0, -1, "0"), 0)->level == "linear");
  CHECK(parse_array_superblock(superblock(0, 10, "host:a:b"), 0)->name == "a:b");
  CHECK(parse_array_superblock(superblock(0, 99, "a"), 0)->level == "level 99");
  CHECK_FALSE(parse_array_superblock(good, 0));
  CHECK_FALSE(parse_array_superblock(good.substr(0, 1000), 8));
  for (const std::size_t at : {std::size_t{0}, std::size_t{5}, std::size_t{40}, std::size_t{200}, std::size_t{216},
                               std::size_t{222}, std::size_t{256 + 700}}) {
    CAPTURE(at);
    std::string other = good;
    other[at] = static_cast<char>(other[at] ^ 1);
    CHECK_FALSE(parse_array_superblock(other, 8));
  }
}

TEST_CASE("a member of an array is known by each place of its superblock; nothing else is one") {
  NEED_LOOPS();
  test::LoopDisk disk(64, 512);
  LinuxDisks disks;
  const DeviceRef ref = disk.ref();
  REQUIRE(disks.array_member(ref));
  CHECK(disks.array_member(ref)->array.empty());
  const std::uint64_t end = 64 * 2048 - 16;
  for (const std::uint64_t sector : {std::uint64_t{0}, std::uint64_t{8}, end}) {
    CAPTURE(sector);
    const auto file = open_device(disk.node(), O_RDWR);
    REQUIRE(file);
    const std::string bytes = superblock(sector, 1, "any:data");
    REQUIRE(::pwrite(file->get(), bytes.data(), bytes.size(), static_cast<off_t>(sector * 512)) == 1024);
    const auto member = disks.array_member(ref);
    REQUIRE(member);
    CHECK(member->name == "data");
    CHECK(member->level == "raid1");
    CHECK(member->node.empty());
    CHECK_FALSE(member->running);
    REQUIRE(disks.wipe_signatures(ref));
    CHECK(disks.array_member(ref)->array.empty());
  }
}

TEST_SUITE_END();
