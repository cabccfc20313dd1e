// SPDX-License-Identifier: Apache-2.0
// How large a file system is by its superblock, and which ones of a config may grow.
#include <doctest/doctest.h>

#include "host/filesystem_size.hpp"
#include "spec/references.hpp"

using namespace provision;

namespace {

void put(std::string& bytes, std::size_t at, std::uint64_t number, std::size_t size, bool big = false) {
  for (std::size_t i = 0; i < size; ++i) {
    bytes[at + (big ? size - 1 - i : i)] = static_cast<char>(number >> (8U * i) & 0xffU);
  }
}

std::string blank() { return std::string(host::superblock_bytes, '\0'); }

// `blocks` of 1024 << shift bytes.
std::string ext4(std::uint64_t blocks, std::uint64_t shift, bool wide) {
  std::string bytes = blank();
  put(bytes, 1024 + 0x4, blocks & 0xffffffffU, 4);
  put(bytes, 1024 + 0x18, shift, 4);
  put(bytes, 1024 + 0x38, 0xef53, 2);
  put(bytes, 1024 + 0x60, wide ? 0x82 : 0x2, 4);
  put(bytes, 1024 + 0x150, blocks >> 32U, 4);
  return bytes;
}

std::string btrfs(std::uint64_t size, std::uint64_t id) {
  std::string bytes = blank();
  bytes.replace(0x10040, 8, "_BHRfS_M");
  put(bytes, 0x100c9, id, 8);
  put(bytes, 0x100c9 + 8, size, 8);
  return bytes;
}

std::string notes_on(const std::string& filesystem, const std::string& grown, const std::string& more = {}) {
  spec::Parsed parsed = spec::parse("c", R"({"ignition": {"version": "3.6.0+provision.1")" + more +
                                             "},\n\"storage\": {\"filesystems\": [" + filesystem +
                                             "]},\n\"provision\": {\"growFilesystems\": [" + grown + "]}}");
  REQUIRE(parsed.config);
  spec::add_reference_notes(parsed);
  CHECK(parsed.config.has_value() == !parsed.notes.has_errors());
  std::string all;
  for (const auto& note : parsed.notes.all) {
    all += std::to_string(note.origin.line) + " " + note.text + " (" + note.hint + ")\n";
  }
  return all;
}

}  // namespace

TEST_CASE("growth: an ext4's blocks, also more than 32 bits count") {
  CHECK(host::filesystem_bytes(ext4(1000, 0, false)).value_or(0) == 1024000);
  CHECK(host::filesystem_bytes(ext4(1000, 2, false)).value_or(0) == 4096000);
  CHECK(host::filesystem_bytes(ext4((std::uint64_t{5} << 32U) + 7, 2, true)).value_or(0) ==
        ((std::int64_t{5} << 32U) + 7) * 4096);
  // Without the feature that place is something else's.
  CHECK(host::filesystem_bytes(ext4((std::uint64_t{5} << 32U) + 7, 2, false)).value_or(0) == 7 * 4096);
  CHECK(host::ext4_block_bytes(ext4(1, 2, false)) == 4096);
}

TEST_CASE("growth: an XFS's blocks, in its own order of bytes") {
  std::string bytes = blank();
  bytes.replace(0, 4, "XFSB");
  put(bytes, 4, 4096, 4, true);
  put(bytes, 8, 77777, 8, true);
  CHECK(host::filesystem_bytes(bytes).value_or(0) == std::int64_t{77777} * 4096);
}

TEST_CASE("growth: a Btrfs says how much of just this device it has") {
  const std::string bytes = btrfs(std::uint64_t{3} << 30U, 4);
  CHECK(host::filesystem_bytes(bytes).value_or(0) == std::int64_t{3} << 30U);
  CHECK(host::btrfs_device_id(bytes).value_or(0) == 4);
  CHECK_FALSE(host::btrfs_device_id(ext4(1, 0, false)).has_value());
}

TEST_CASE("growth: what is no such file system has no size") {
  CHECK_FALSE(host::filesystem_bytes(blank()).has_value());
  CHECK_FALSE(host::filesystem_bytes("XFSB").has_value());
  CHECK_FALSE(host::filesystem_bytes(ext4(0, 0, false)).has_value());
  // A block of 1024 << 7 bytes there is not.
  CHECK_FALSE(host::filesystem_bytes(ext4(1000, 7, false)).has_value());
  // No device has so many bytes.
  CHECK_FALSE(host::filesystem_bytes(ext4(~std::uint64_t{0}, 2, true)).has_value());
}

TEST_CASE("growth: what is left for no group of its own does not count") {
  const std::int64_t gib = std::int64_t{1} << 30U;
  CHECK(host::fills_device({gib, gib}));
  CHECK(host::fills_device({gib - host::spare_bytes + 1, gib}));
  CHECK_FALSE(host::fills_device({gib - host::spare_bytes, gib}));
}

TEST_CASE("growth: file systems of the config that can grow") {
  CHECK(notes_on(R"({"device": "/dev/b", "format": "xfs"})", R"({"device": "/dev/b"})") == "");
  CHECK(notes_on(R"({"device": "/dev/b", "format": "xfs"})", R"({"device": "/dev/c"})") ==
        "3 the config has no file system on /dev/c (list it in $.storage.filesystems, by the same name and with its "
        "format)\n");
  CHECK(notes_on(R"({"device": "/dev/b", "format": "vfat"})", R"({"device": "/dev/b"})") ==
        "3 a file system of kind vfat cannot grow (ext4, xfs and btrfs can)\n");
  CHECK(notes_on(R"({"device": "/dev/b"})", R"({"device": "/dev/b"})") ==
        "3 the file system on /dev/b has no format (ext4, xfs and btrfs can)\n");
}

TEST_CASE("growth: a document that refers to others may get the file system from them") {
  CHECK(notes_on("", R"({"device": "/dev/c"})", R"(, "config": {"merge": [{"source": "https://x/y"}]})") == "");
}
