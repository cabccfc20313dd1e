// SPDX-License-Identifier: Apache-2.0
// The assertions of libstdc++ 12 without the names of the functions that they are in: those of templates are long, and
// were a hundredth of the static program. File, line and condition are still told. The build includes it before all
// else.
#pragma once

#include <cstddef>  // the smallest of the headers that bring the macros

#if defined(_GLIBCXX_VERBOSE_ASSERT) && defined(__glibcxx_assert_impl)
#undef __glibcxx_assert_impl
#define __glibcxx_assert_impl(condition)                                     \
  if (__builtin_expect(!bool(condition), false)) {                           \
    __glibcxx_constexpr_assert(false);                                       \
    std::__glibcxx_assert_fail(__FILE__, __LINE__, "libstdc++", #condition); \
  }
#endif
