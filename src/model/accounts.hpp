// SPDX-License-Identifier: Apache-2.0
// The users and groups of the target, as its own name service reads them: the files in /etc first, then those further
// databases that /etc/nsswitch.conf names (altfiles: /usr/lib/passwd, /usr/lib/group; Flatcar: /usr/share/baselayout).
// No password is in here, only whether there is one.
//
// Sources: passwd(5), group(5), shadow(5), subuid(5), login.defs(5), useradd(8), nsswitch.conf(5), and what glibc and
// Debian's passwd 4.13 were seen to do with such files.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
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

// What the target's /etc/login.defs and /etc/default/useradd say about new accounts; the values here hold where they
// are silent, as Debian's useradd has them. -1 stands for a field that stays empty.
struct AccountRules {
  std::int64_t uid_min = 1000;
  std::int64_t uid_max = 60000;
  std::int64_t sys_uid_min = 101;
  std::int64_t sys_uid_max = 999;
  std::int64_t gid_min = 1000;
  std::int64_t gid_max = 60000;
  std::int64_t sys_gid_min = 101;
  std::int64_t sys_gid_max = 999;
  std::int64_t sub_uid_min = 100'000;
  std::int64_t sub_uid_max = 600'100'000;
  std::int64_t sub_uid_count = 65536;
  std::int64_t sub_gid_min = 100'000;
  std::int64_t sub_gid_max = 600'100'000;
  std::int64_t sub_gid_count = 65536;
  std::int64_t pass_min_days = -1;
  std::int64_t pass_max_days = -1;
  std::int64_t pass_warn_age = -1;
  std::int64_t umask = 022;
  std::int64_t home_mode = -1;
  bool user_groups = false;
  std::string mail_dir;
  // Of /etc/default/useradd.
  std::string group = "100";
  std::string home = "/home";
  std::string skel = "/etc/skel";
  std::string shell = "/bin/bash";
  bool mail_spool = false;
  std::int64_t inactive = -1;
  // A day since 1970.
  std::int64_t expire = -1;
  bool operator==(const AccountRules&) const = default;
};

// Applies the lines of a text in the form of login.defs or of /etc/default/useradd.
void read_login_defs(std::string_view text, AccountRules& into);
void read_useradd_defaults(std::string_view text, AccountRules& into);

// A line of /etc/subuid or /etc/subgid.
struct SubRange {
  std::string owner;
  std::int64_t start = 0;
  std::int64_t count = 0;
  bool operator==(const SubRange&) const = default;
};

// The digest of the password field of one account that the config names, or of the group that has such a user's name:
// enough to see that it is the config's already.
struct PasswordView {
  std::string name;
  Digest digest;
  bool operator==(const PasswordView&) const = default;
};

// What the planner of accounts must know besides the accounts.
struct AccountFiles {
  bool shadow = false;
  bool gshadow = false;
  bool sub_uid = false;
  bool sub_gid = false;
  std::vector<SubRange> sub_uids;
  std::vector<SubRange> sub_gids;
  std::vector<PasswordView> user_passwords;
  std::vector<PasswordView> group_passwords;
  AccountRules rules;
  // Today, as a day since 1970.
  std::int64_t today = 0;
  bool operator==(const AccountFiles&) const = default;

  [[nodiscard]] const Digest* user_password(std::string_view name) const;
  [[nodiscard]] const Digest* group_password(std::string_view name) const;
};

inline constexpr std::size_t max_database_bytes = 64U << 20U;

// "2026-11-24T…" as a day since 1970; nothing if it is no date.
std::optional<std::int64_t> day_of(std::string_view date);

// One line of passwd or group; nothing where glibc would skip it (comments, "+" and "-", numbers that are none).
std::optional<UserView> user_of(std::string_view line);
std::optional<GroupView> group_of(std::string_view line);
std::optional<SubRange> sub_range_of(std::string_view line);

// The path of a user's or a group's database that nsswitch.conf calls by this name: "altfiles", "passwd" is
// "/usr/lib/passwd"; empty for one that is no file.
std::string database_path(std::string_view source, std::string_view database);

Result<Accounts> read_accounts(host::Files& target);
// The passwords are those of the users and groups named.
Result<AccountFiles> read_account_files(host::Files& target, const std::vector<std::string>& users,
                                        const std::vector<std::string>& groups);

}  // namespace provision::model
