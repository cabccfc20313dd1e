// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "host/linux/gpt_copies.hpp"

using namespace provision;

TEST_SUITE_BEGIN("native gpt");

TEST_CASE("the checksum is the one of IEEE 802.3") {
  CHECK(host::crc32("") == 0);
  CHECK(host::crc32("123456789") == 0xCBF43926U);
}

TEST_CASE("entries of a new table take 16 KiB") {
  CHECK(host::default_entry_sectors(512) == 32);
  CHECK(host::default_entry_sectors(4096) == 4);
}

TEST_SUITE_END();
