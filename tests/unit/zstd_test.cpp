// SPDX-License-Identifier: Apache-2.0
#include "base/zstd.hpp"

#include <doctest/doctest.h>

#include <string>

using namespace provision;

namespace {

std::string bytes(std::string_view hex) {
  std::string raw;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    raw += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return raw;
}

// printf 'hello, provision\n' | zstd
const std::string hello = bytes("28b52ffd045889000068656c6c6f2c2070726f766973696f6e0afeb3aba7");
// A frame to be skipped, of four bytes (RFC 8878, 3.1.2), as pzstd writes one before each of its own.
const std::string skipped = bytes(
    "5e2a4d18"
    "04000000"
    "01020304");
const std::string magic = bytes("28b52ffd");

// 128 KiB of one byte in each of so many blocks, without a size in front and without a checksum.
std::string bomb(int blocks) {
  std::string frame = magic + bytes("0038");
  for (int i = 1; i <= blocks; ++i) {
    frame += bytes(i < blocks ? "02001000" : "03001000");
  }
  return frame;
}

std::string error_of(const std::string& packed, std::uint64_t max_bytes = 100) {
  const auto result = unzstd(packed, max_bytes);
  if (result) {
    return "no error: " + *result;
  }
  CHECK(result.error().code == Code::bad_contents);
  return result.error().what;
}

}  // namespace

TEST_SUITE_BEGIN("unit zstd");

TEST_CASE("one frame, several, and frames to be skipped") {
  CHECK(*unzstd(hello, 100) == "hello, provision\n");
  CHECK(*unzstd(hello + hello, 100) == "hello, provision\nhello, provision\n");
  const std::string zeros(600, '\0');
  CHECK(*unzstd(hello + zeros, 100, Behind::zeros) == "hello, provision\n");
  CHECK_FALSE(unzstd(hello + zeros, 100));
  CHECK_FALSE(unzstd(hello + zeros + "x", 100, Behind::zeros));
  CHECK_FALSE(unzstd(zeros, 100, Behind::zeros));
  CHECK(*unzstd(skipped + hello + skipped, 100) == "hello, provision\n");
  CHECK(unzstd(skipped, 100)->empty());
  CHECK(is_zstd(hello));
  CHECK(is_zstd(skipped));
  for (const std::string& other :
       {std::string(), std::string("{}"), bytes("4e2a4d18"), bytes("5e2a4d"), bytes("28b52f")}) {
    CHECK_FALSE(is_zstd(other));
  }
}

TEST_CASE("wherever it ends too early, that is said") {
  for (const std::string& whole : {hello, skipped, hello + hello}) {
    for (std::size_t size = 4; size < whole.size(); ++size) {
      const std::string error = error_of(whole.substr(0, size));
      CAPTURE(size);
      if (size == hello.size() && whole.size() > hello.size()) {
        CHECK(error == "no error: hello, provision\n");
      } else if (whole.size() > hello.size() && size > hello.size() && size < hello.size() + 4) {
        CHECK(error == "behind the zstd frames, at byte " + std::to_string(hello.size()) + ", stands something else");
      } else {
        CHECK(error == "the zstd bytes end too early");
      }
    }
  }
}

TEST_CASE("what is no zstd, is damaged, has something behind it, or wants what is not there") {
  CHECK(error_of("") == "the bytes are not zstd");
  CHECK(error_of("hello") == "the bytes are not zstd");
  CHECK(error_of(hello + "x") == "behind the zstd frames, at byte 30, stands something else");
  // The format of version 0.7.
  CHECK(error_of(bytes("27b52ffd000000")) == "the bytes are not zstd");
  CHECK(error_of(hello + bytes("27b52ffd000000")) == "behind the zstd frames, at byte 30, stands something else");
  CHECK(error_of(std::string(hello).replace(12, 1, "!")) ==
        "the zstd bytes cannot be unpacked: Restored data doesn't match checksum");
  CHECK(error_of(magic + bytes("0100"
                               "07"
                               "010000")) == "the zstd bytes cannot be unpacked: Dictionary mismatch");
  // A window of 256 MiB.
  CHECK(error_of(magic + bytes("0090"
                               "010000")) ==
        "the zstd bytes cannot be unpacked: Frame requires too much memory for decoding");
  CHECK(error_of(magic + bytes("0000"
                               "070000")) == "the zstd bytes cannot be unpacked: Data corruption detected");
}

TEST_CASE("the limit is of the unpacked bytes, whatever the frame says") {
  CHECK(unzstd(hello, 17));
  CHECK(error_of(hello, 16) == "it unpacks to more than 16 bytes");
  CHECK(error_of(hello + hello, 33) == "it unpacks to more than 33 bytes");
  constexpr std::uint64_t limit = std::uint64_t{16} << 20U;
  CHECK(unzstd(bomb(128), limit)->size() == limit);
  CHECK(error_of(bomb(129), limit) == "it unpacks to more than 16777216 bytes");
  CHECK(error_of(bomb(1 << 20), limit) == "it unpacks to more than 16777216 bytes");
}

TEST_SUITE_END();
