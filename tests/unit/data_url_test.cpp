// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "base/text.hpp"
#include "spec/data_url.hpp"

using provision::spec::decode_data_url;

TEST_CASE("data URLs that are taken, with their bytes") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"data:,", ""},
      {"data:,a%20b%00", std::string("a b\0", 4)},
      {"data:;base64,", ""},
      {"data:;base64,Zg==", "f"},
      {"data:;base64,Zm8=", "fo"},
      {"data:;base64,Zm9v\nZm9v", "foofoo"},
      {"data:text/plain,x", "x"},
      {"data:text/plain;charset=utf-8;base64,Zm9v", "foo"},
      {"data:;charset=\"a,b\",x", "x"},
      {"data:x-own/type,x", "x"},
      {"data:,a,b;base64,c", "a,b;base64,c"},
  };
  for (const auto& one : cases) {
    const auto& url = one.first;
    const auto& bytes = one.second;
    CAPTURE(url);
    const auto decoded = decode_data_url(url);
    REQUIRE(decoded);
    CHECK(*decoded == bytes);
  }
}

TEST_CASE("data URLs that are refused") {
  for (const char* url : {"data:",
                          "DATA:,x",
                          "data:x",
                          "data:,a b",
                          "data:,\xC3\xA9",
                          "data:,a%2",
                          "data:,a%zz",
                          "data:,<x>",
                          "data:,a#b",
                          "data:;base64,Zg",
                          "data:;base64,Zg=",
                          "data:;base64,Z===",
                          "data:;base64,Zg==Zg==",
                          "data:;base64,Zm9-",
                          "data:;base64,Zg%3D%3D",
                          "data:;BASE64,Zg==",
                          "data:;base64;charset=x,Zg==",
                          "data:nonsense,x",
                          "data:foo/bar,x",
                          "data:;x,y",
                          "http://x"}) {
    CAPTURE(url);
    CHECK_FALSE(decode_data_url(url));
  }
}

TEST_CASE("a data URL's error never quotes the data") {
  const auto decoded = decode_data_url("data:;base64,c2VjcmV0*");
  REQUIRE_FALSE(decoded);
  CHECK(decoded.error().what.find("c2Vj") == std::string::npos);
}

TEST_CASE("base64 of any bytes comes back") {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    bytes += static_cast<char>(i * 7);
    CHECK(*decode_data_url("data:;base64," + provision::base64_encode(bytes)) == bytes);
  }
}
