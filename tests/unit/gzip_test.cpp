// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "base/gzip.hpp"

using namespace provision;

namespace {

// printf 'hello, provision\n' | gzip -n
const std::string hello(
    "\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xcb\x48\xcd\xc9\xc9\xd7\x51\x28\x28\xca\x2f\xcb\x2c\xce\xcc\xcf\xe3"
    "\x02\x00\x99\x3b\x2d\x2d\x11\x00\x00\x00",
    37);

}  // namespace

TEST_SUITE_BEGIN("unit gzip");

TEST_CASE("one member, two members, and bytes that come one by one") {
  CHECK(*gunzip(hello, 100) == "hello, provision\n");
  CHECK(*gunzip(hello + hello, 100) == "hello, provision\nhello, provision\n");
  // As on a device.
  const std::string zeros(600, '\0');
  CHECK(*gunzip(hello + zeros, 100, Behind::zeros) == "hello, provision\n");
  CHECK_FALSE(gunzip(hello + zeros, 100));
  CHECK_FALSE(gunzip(hello + zeros + "x", 100, Behind::zeros));
  CHECK_FALSE(gunzip(zeros, 100, Behind::zeros));
  CHECK_FALSE(gunzip(hello.substr(0, hello.size() - 6) + zeros, 100, Behind::zeros));
  Gunzip unpacker;
  std::string got;
  const auto take = [&](std::string_view piece) -> Result<void> {
    got += piece;
    return {};
  };
  for (int round = 0; round < 2; ++round) {
    got.clear();
    for (const char byte : hello + hello) {
      REQUIRE(unpacker.add(std::string_view(&byte, 1), take));
    }
    CHECK(unpacker.finish());
    CHECK(got == "hello, provision\nhello, provision\n");
    unpacker.restart();
  }
}

TEST_CASE("what is no gzip, is damaged, ends early or has something behind it") {
  for (const std::string& bytes : {std::string(), std::string("hello"), hello.substr(0, 20), hello.substr(0, 36),
                                   hello + "x", hello + hello.substr(0, 5), std::string(hello).replace(30, 1, "!")}) {
    const auto result = gunzip(bytes, 100);
    REQUIRE(!result);
    CHECK(result.error().code == Code::bad_contents);
  }
}

TEST_CASE("the limit is of the unpacked bytes, and the taker can stop it") {
  CHECK(gunzip(hello, 17));
  CHECK(gunzip(hello, 16).error().code == Code::bad_contents);
  Gunzip unpacker;
  const auto full = [](std::string_view) -> Result<void> { return Error(Code::io, "no space"); };
  CHECK(unpacker.add(hello, full).error().code == Code::io);
}

TEST_SUITE_END();
