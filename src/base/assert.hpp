// SPDX-License-Identifier: Apache-2.0
// Our own invariants. They stay on in release builds and are never used on input.
#pragma once

namespace provision::detail {
[[noreturn]] void invariant_broken(const char* expression, const char* file, int line);
}

#define INVARIANT(expression)                                                 \
  do {                                                                        \
    if (!(expression)) {                                                      \
      ::provision::detail::invariant_broken(#expression, __FILE__, __LINE__); \
    }                                                                         \
  } while (false)
