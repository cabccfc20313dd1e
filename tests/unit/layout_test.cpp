// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "plan/layout.hpp"

using namespace provision;
using plan::Block;

namespace {

// A disk of 100 MiB with 512-byte sectors; partitions of 10 MiB at 1 and 30 MiB.
host::Table table() {
  host::Table made;
  made.kind = host::TableKind::gpt;
  made.first = 34;
  made.last = 204800 - 34;
  made.partitions.resize(2);
  made.partitions[0] = {1, 2048, 20480, {}, {}, "a"};
  made.partitions[1] = {3, 61440, 20480, {}, {}, "b"};
  return made;
}

constexpr std::int64_t mib = 2048;

std::string error_of(const Result<Block>& block) { return block ? "" : block.error().what; }

}  // namespace

TEST_CASE("layout: the largest free block, aligned to MiB") {
  CHECK(*plan::place(table(), 512, {}, {}) == Block{40 * mib, 59 * mib});
  CHECK(*plan::place(table(), 512, {}, 5 * mib) == Block{40 * mib, 5 * mib});
  CHECK(*plan::place(table(), 512, 0, 0) == Block{40 * mib, 59 * mib});
}

TEST_CASE("layout: a given start fills its free block") {
  CHECK(*plan::place(table(), 512, 11 * mib, {}) == Block{11 * mib, 19 * mib});
  CHECK(*plan::place(table(), 512, 12 * mib, 2 * mib) == Block{12 * mib, 2 * mib});
}

TEST_CASE("layout: what does not fit says why") {
  CHECK(error_of(plan::place(table(), 512, 5 * mib, 1 * mib)).find("overlap partition 1") != std::string::npos);
  CHECK(error_of(plan::place(table(), 512, 20 * mib, 20 * mib)).find("overlap partition 3") != std::string::npos);
  CHECK(error_of(plan::place(table(), 512, {}, 60 * mib)).find("59 MiB") != std::string::npos);
  CHECK(error_of(plan::place(table(), 512, 200 * mib, 1 * mib)).find("does not fit") != std::string::npos);
}

TEST_CASE("layout: a start at the very end") {
  CHECK(error_of(plan::place(table(), 512, 100 * mib, {})).find("no free space at 100 MiB") != std::string::npos);
}

TEST_CASE("layout: a full disk") {
  host::Table full = table();
  full.partitions = {{1, 34, 204800 - 67, {}, {}, ""}};
  CHECK(error_of(plan::place(full, 512, {}, {})).find("no free space") != std::string::npos);
}

TEST_CASE("layout: 4096-byte sectors have the same grain in bytes") {
  host::Table blank;
  blank.first = 6;
  blank.last = 25600 - 6;
  CHECK(*plan::place(blank, 4096, {}, {}) == Block{256, 98 * 256});
}

TEST_CASE("layout: the lowest free number") {
  CHECK(plan::free_number(table()) == 2);
  host::Table many;
  for (std::int64_t i = 1; i <= 128; ++i) {
    many.partitions.push_back({i, i, 1, {}, {}, ""});
  }
  CHECK_FALSE(plan::free_number(many).has_value());
}
