// SPDX-License-Identifier: Apache-2.0
// Result<T>: a value or an Error; it cannot be dropped unseen.
#pragma once

#include <tl/expected.hpp>
#include <utility>

#include "base/error.hpp"

namespace provision {

// A class of its own, not an alias, because an alias of tl::expected would give no warning when it is discarded.
template <class T>
class [[nodiscard]] Result : public tl::expected<T, Error> {
 public:
  using tl::expected<T, Error>::expected;
  Result(Error error) : tl::expected<T, Error>(tl::unexpected<Error>(std::move(error))) {}
};

namespace detail {
template <class T>
T take(Result<T>&& result) {
  if constexpr (!std::is_void_v<T>) {
    return std::move(*result);
  }
}
}  // namespace detail

}  // namespace provision

#define PROVISION_JOIN_(a, b) a##b
#define PROVISION_JOIN(a, b) PROVISION_JOIN_(a, b)

#define PROVISION_TRY_(expression, name)        \
  ({                                            \
    auto name = (expression);                   \
    if (!name) {                                \
      return std::move(name).error();           \
    }                                           \
    ::provision::detail::take(std::move(name)); \
  })

#define PROVISION_TRY_WHILE_(expression, doing, name) \
  ({                                                  \
    auto name = (expression);                         \
    if (!name) {                                      \
      return std::move(name).error().while_(doing);   \
    }                                                 \
    ::provision::detail::take(std::move(name));       \
  })

// The value of `expression`, or return its error to the caller.
#define TRY(expression) PROVISION_TRY_(expression, PROVISION_JOIN(try_result_, __COUNTER__))
// The same, and the error says what was being done: "…, while <doing>".
#define TRY_WHILE(expression, doing) PROVISION_TRY_WHILE_(expression, doing, PROVISION_JOIN(try_result_, __COUNTER__))
