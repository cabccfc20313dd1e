// SPDX-License-Identifier: Apache-2.0
#include "support/boot_record.hpp"

#include <doctest/doctest.h>

using namespace provision;
using model::boot_record_entries;
using model::BootRecordEntry;
using test::boot_record_with;

TEST_SUITE_BEGIN("boot record");

TEST_CASE("what is neither empty nor protective is named, with its place in the table") {
  const BootRecordEntry fat{2, 0x0C, 2048, 4096};
  const BootRecordEntry last{4, 0x83, 0xFFFFFFFE, 0xFFFFFFFF};
  const auto found =
      boot_record_entries(boot_record_with({{1, test::protective_type, 1, 2047}, fat, {3, 0x83, 9000, 0}, last}));
  REQUIRE(found.size() == 2);
  CHECK((found[0] == fat));
  CHECK((found[1] == last));
  // As sfdisk writes it: a Linux partition of 2048 sectors from sector 2048 on, with its old-style addresses.
  std::string sector(model::boot_record_bytes, 'c');
  sector.replace(
      446, 64,
      std::string("\x80\x20\x21\x00\x83\x41\x01\x00\x00\x08\x00\x00\x00\x08\x00\x00", 16) + std::string(48, '\0'));
  sector.replace(510, 2, "\x55\xaa");
  REQUIRE(boot_record_entries(sector).size() == 1);
  CHECK((boot_record_entries(sector)[0] == BootRecordEntry{1, 0x83, 2048, 2048}));
}

TEST_CASE("a protective boot record, one without its mark, and less than a sector name nothing") {
  CHECK(boot_record_entries(boot_record_with({{1, test::protective_type, 1, 0xFFFFFFFF}})).empty());
  const std::string sector = boot_record_with({{1, 0x83, 1, 2}});
  REQUIRE(boot_record_entries(sector).size() == 1);
  CHECK(boot_record_entries(sector.substr(0, 511)).empty());
  CHECK(boot_record_entries(sector.substr(0, 511) + '\0').empty());
  CHECK(boot_record_entries("").empty());
}

TEST_SUITE_END();
