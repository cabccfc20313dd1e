// SPDX-License-Identifier: Apache-2.0
// The six account databases as texts, and what WriteAccounts makes of them. Pure, and its own inverse of being done: a
// second application changes nothing.
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "plan/operation.hpp"

namespace provision::plan {

// Nothing where there is no such file.
struct Databases {
  std::optional<std::string> passwd;
  std::optional<std::string> shadow;
  std::optional<std::string> group;
  std::optional<std::string> gshadow;
  std::optional<std::string> sub_uid;
  std::optional<std::string> sub_gid;
  bool operator==(const Databases&) const = default;
};

// Gives the bytes of a password field; asked only where what is there has another digest.
using PasswordSource = std::function<Result<std::string>(const Contents&)>;

Result<Databases> with_accounts(const Databases& before, const WriteAccounts& wanted, const PasswordSource& passwords);

}  // namespace provision::plan
