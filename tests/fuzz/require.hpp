// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <cstdlib>

// A property that holds for every input; the fuzzer reports the input for which it does not.
#define REQUIRE_ALWAYS(property)                                                                \
  do {                                                                                          \
    if (!(property)) {                                                                          \
      std::fprintf(stderr, "ERROR: %s:%d: does not hold: %s\n", __FILE__, __LINE__, #property); \
      std::abort();                                                                             \
    }                                                                                           \
  } while (false)
