// SPDX-License-Identifier: Apache-2.0
// The field tables and checks of `passwd`. The spec checks nothing here; what would break the files is a strict note.
#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/config.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

// What a line of /etc/passwd or /etc/group cannot hold.
bool breaks_a_line(const std::string& text) { return text.find_first_of(":\n") != std::string::npos; }

void check_account_name(const std::string& name, std::string_view key, Checker& checker) {
  if (name.find_first_of(": \t\n,/") != std::string::npos || name.starts_with('-')) {
    checker.strict(key, "\"" + printable(name) + "\" cannot be the name of a user or group");
  }
}

void check_account_field(const OptionalText& text, std::string_view key, Checker& checker) {
  if (text && breaks_a_line(*text)) {
    checker.strict(key, "a \":\" or a line break cannot stand here: it would break the line of the account");
  }
}

}  // namespace
}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<User> {
  static constexpr auto rows = std::tuple{
      field("name", &User::name, "The user's name.",
            {.required = true, .lenient = true, .key = true, .check = &check_account_name}),
      field("passwordHash", &User::password_hash, "The hash of the password; absent: a new user has none.",
            {.secret = true, .check = &check_account_field}),
      field("sshAuthorizedKeys", &User::ssh_authorized_keys, "Public keys that may log in as the user.",
            {.secret = true}),
      field("uid", &User::uid, "The user's number; absent: the next free one.", {.check = &check_not_negative}),
      field("gecos", &User::gecos, "The user's full name and the like.", {.check = &check_account_field}),
      field("homeDir", &User::home_dir, "The home directory.", {.check = &check_account_field}),
      field("noCreateHome", &User::no_create_home, "Whether a new user gets no home directory."),
      field("primaryGroup", &User::primary_group, "The user's own group, by name or number."),
      field("groups", &User::groups, "Further groups that the user is in."),
      field("noUserGroup", &User::no_user_group, "Whether a new user gets no group of the same name."),
      field("noLogInit", &User::no_log_init, "Whether a new user is not entered in lastlog and faillog."),
      field("shell", &User::shell, "The login shell.", {.check = &check_account_field}),
      field("shouldExist", &User::should_exist, "Whether the user shall exist; absent: yes.", {.since = {3, 2}}),
      field("system", &User::system, "Whether a new user is a system account."),
  };
};

template <>
struct Table<Group> {
  static constexpr auto rows = std::tuple{
      field("name", &Group::name, "The group's name.",
            {.required = true, .lenient = true, .key = true, .check = &check_account_name}),
      field("gid", &Group::gid, "The group's number; absent: the next free one.", {.check = &check_not_negative}),
      field("passwordHash", &Group::password_hash, "The hash of the group's password.",
            {.secret = true, .check = &check_account_field}),
      field("shouldExist", &Group::should_exist, "Whether the group shall exist; absent: yes.", {.since = {3, 2}}),
      field("system", &Group::system, "Whether a new group is a system group."),
  };
};

template <>
struct Table<Passwd> {
  static constexpr auto rows = std::tuple{
      field("users", &Passwd::users, "Users."),
      field("groups", &Passwd::groups, "Groups."),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::User);
PROVISION_INSTANTIATE_RECORD(provision::spec::Group);
PROVISION_INSTANTIATE_RECORD(provision::spec::Passwd);
