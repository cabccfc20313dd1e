// SPDX-License-Identifier: Apache-2.0
// The users and groups of the target, as its own name service reads them: the files in /etc first, then those further
// databases that /etc/nsswitch.conf names (altfiles: /usr/lib/passwd, /usr/lib/group; Flatcar: /usr/share/baselayout).
// No password is in here, only whether there is one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "host/files.hpp"

namespace provision::model {

struct UserView {
  std::string name;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::string gecos;
  std::string home;
  std::string shell;
  // Its line is in /etc/passwd; otherwise in a read-only database behind it.
  bool in_etc = true;
  bool operator==(const UserView&) const = default;
};

struct GroupView {
  std::string name;
  std::int64_t gid = 0;
  std::vector<std::string> members;
  bool in_etc = true;
  bool operator==(const GroupView&) const = default;
};

struct Accounts {
  std::vector<UserView> users;
  std::vector<GroupView> groups;
  bool operator==(const Accounts&) const = default;

  // The first of that name, as getpwnam and getgrnam find it.
  [[nodiscard]] const UserView* user(std::string_view name) const;
  [[nodiscard]] const GroupView* group(std::string_view name) const;
};

Result<Accounts> read_accounts(host::Files& target);

}  // namespace provision::model
