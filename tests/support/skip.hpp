// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace provision::test {

// Says that the running test case can't be run here, and what is missing. The case counts as skipped.
void note_skip(std::string what_is_missing);

}  // namespace provision::test

// Leaves the test case: SKIP_TEST("mkfs.ext4");
#define SKIP_TEST(what_is_missing)                 \
  do {                                             \
    ::provision::test::note_skip(what_is_missing); \
    return;                                        \
  } while (false)
