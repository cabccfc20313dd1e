// SPDX-License-Identifier: Apache-2.0
// What the lines look like: passwd(5), shadow(5), group(5), gshadow(5), subuid(5), and by experiment what useradd,
// usermod, userdel, groupadd, groupmod and groupdel of Debian's passwd 4.13 write.
#include "plan/accounts/databases.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "plan/accounts/lines.hpp"

namespace provision::plan {
namespace {

// The places of the fields.
constexpr std::size_t password_at = 1;
constexpr std::size_t shadow_changed_at = 2;
constexpr std::size_t group_gid_at = 2;
constexpr std::size_t members_at = 3;
constexpr std::size_t gshadow_admins_at = 2;
constexpr std::size_t passwd_fields = 7;
constexpr std::size_t shadow_fields = 9;
constexpr std::size_t group_fields = 4;

// Says that the password is in the shadow file.
constexpr std::string_view shadowed = "x";

std::string day(std::int64_t number) { return number < 0 ? std::string{} : std::to_string(number); }

bool is_given(const Contents& password) { return !password.digest.empty(); }
bool is_secret(const Contents& password) { return !password.from.empty(); }

std::optional<Lines> lines_of(const std::optional<std::string>& text) {
  return text ? std::optional<Lines>(*text) : std::nullopt;
}

std::optional<std::string> text_of(const std::optional<Lines>& lines, const std::optional<std::string>& before) {
  const std::optional<std::string> after = lines ? std::optional(lines->text()) : std::nullopt;
  if (after && after->empty() && !before) {
    return std::nullopt;
  }
  // A line break that is missing at the end of a file in which nothing changes is nothing to write it for.
  return after && before && *after == *before + "\n" ? before : after;
}

class Editor {
 public:
  Editor(const Databases& before, const PasswordSource& passwords)
      : before_(before),
        passwords_(passwords),
        passwd_(before.passwd.value_or("")),
        group_(before.group.value_or("")),
        shadow_(lines_of(before.shadow)),
        gshadow_(lines_of(before.gshadow)),
        sub_uid_(lines_of(before.sub_uid)),
        sub_gid_(lines_of(before.sub_gid)) {}

  Result<void> change(const AccountGroup& wanted) {
    if (wanted.absent) {
      group_.remove(wanted.name);
      if (gshadow_) {
        gshadow_->remove(wanted.name);
      }
      return {};
    }
    // A hash never goes into /etc/group, which everybody reads.
    if (!gshadow_ && is_secret(wanted.password)) {
      gshadow_.emplace("");
    }
    Fields line = group_.find(wanted.name);
    if (line.empty()) {
      line = {wanted.name, std::string(shadowed), "", ""};
      if (!gshadow_ && is_given(wanted.password)) {
        line[password_at] = wanted.password.text;
      }
    }
    line.resize(std::max(line.size(), group_fields));
    line[group_gid_at] = std::to_string(wanted.gid);
    const std::string members = with_members(line[members_at], wanted);
    line[members_at] = members;
    group_.put(line);
    return gshadow_ ? change_gshadow(wanted, members) : Result<void>();
  }

  Result<void> change(const AccountUser& wanted) {
    if (wanted.absent) {
      remove(wanted.name);
      return {};
    }
    // A hash never goes into /etc/passwd, which everybody reads; useradd would put it there.
    if (!shadow_ && is_secret(wanted.password)) {
      shadow_.emplace("");
    }
    Fields line = passwd_.find(wanted.name);
    if (line.empty()) {
      const bool plain = !shadow_ && is_given(wanted.password);
      line = {wanted.name, plain ? wanted.password.text : std::string(shadowed)};
    } else if (shadow_ && is_given(wanted.password)) {
      line[password_at] = std::string(shadowed);
    }
    line.resize(std::max(line.size(), passwd_fields));
    const Fields rest{std::to_string(wanted.uid), std::to_string(wanted.gid), wanted.gecos, wanted.home, wanted.shell};
    std::copy(rest.begin(), rest.end(), line.begin() + 2);
    passwd_.put(line);
    add_range(sub_uid_, wanted.name, wanted.sub_uids);
    add_range(sub_gid_, wanted.name, wanted.sub_gids);
    return shadow_ && is_given(wanted.password) ? change_shadow(wanted) : Result<void>();
  }

  [[nodiscard]] Databases finish() const {
    return {text_of(passwd_, before_.passwd),   text_of(shadow_, before_.shadow),   text_of(group_, before_.group),
            text_of(gshadow_, before_.gshadow), text_of(sub_uid_, before_.sub_uid), text_of(sub_gid_, before_.sub_gid)};
  }

 private:
  // Members keep their order; new ones come last.
  static std::string with_members(std::string_view list, const AccountGroup& wanted) {
    std::vector<std::string> members = list_of(list);
    const std::size_t before = members.size();
    for (const auto& name : wanted.remove) {
      std::erase(members, name);
    }
    bool changed = members.size() != before;
    for (const auto& name : wanted.add) {
      if (std::find(members.begin(), members.end(), name) == members.end()) {
        members.push_back(name);
        changed = true;
      }
    }
    return changed ? join(members, ",") : std::string(list);
  }

  // What is there if it is the one wanted, else the wanted one.
  Result<std::string> password(const std::string& there, const Contents& wanted) {
    if (digest_of(wanted.digest.function(), there) == wanted.digest) {
      return there;
    }
    return passwords_(wanted);
  }

  Result<void> change_gshadow(const AccountGroup& wanted, const std::string& members) {
    Fields line = gshadow_->find(wanted.name);
    if (line.empty()) {
      if (!is_given(wanted.password)) {
        return {};
      }
      line = {wanted.name, "", "", members};
    }
    line.resize(std::max(line.size(), group_fields));
    line[members_at] = with_members(line[members_at], wanted);
    if (is_given(wanted.password)) {
      line[password_at] = TRY(password(line[password_at], wanted.password));
    }
    gshadow_->put(line);
    return {};
  }

  Result<void> change_shadow(const AccountUser& wanted) {
    const Fields there = shadow_->find(wanted.name);
    if (!there.empty() && !wanted.made) {
      return change_password(there, wanted);
    }
    const std::string old = there.size() > password_at ? there[password_at] : std::string{};
    shadow_->put({wanted.name, TRY(password(old, wanted.password)), day(wanted.changed), day(wanted.min_days),
                  day(wanted.max_days), day(wanted.warn_days), day(wanted.inactive), day(wanted.expire), ""});
    return {};
  }

  // The day changes with the password alone, so that doing it again another day changes nothing.
  Result<void> change_password(Fields line, const AccountUser& wanted) {
    line.resize(std::max(line.size(), shadow_fields));
    const std::string next = TRY(password(line[password_at], wanted.password));
    if (next != line[password_at]) {
      line[password_at] = next;
      line[shadow_changed_at] = day(wanted.changed);
    }
    shadow_->put(line);
    return {};
  }

  // A range that the name has is kept: it may be of the run that was interrupted.
  static void add_range(std::optional<Lines>& lines, const std::string& name, const IdRange& range) {
    if (lines && range.count > 0 && lines->find(name).empty()) {
      lines->put({name, std::to_string(range.start), std::to_string(range.count)});
    }
  }

  void remove(const std::string& name) {
    passwd_.remove(name);
    for (auto* lines : {&shadow_, &sub_uid_, &sub_gid_}) {
      if (*lines) {
        (*lines)->remove(name);
      }
    }
    group_.remove_from_lists(name, members_at);
    if (gshadow_) {
      gshadow_->remove_from_lists(name, gshadow_admins_at);
      gshadow_->remove_from_lists(name, members_at);
    }
  }

  const Databases& before_;
  const PasswordSource& passwords_;
  Lines passwd_;
  Lines group_;
  std::optional<Lines> shadow_;
  std::optional<Lines> gshadow_;
  std::optional<Lines> sub_uid_;
  std::optional<Lines> sub_gid_;
};

}  // namespace

Result<Databases> with_accounts(const Databases& before, const WriteAccounts& wanted, const PasswordSource& passwords) {
  Editor editor(before, passwords);
  for (const auto& group : wanted.groups) {
    TRY(editor.change(group));
  }
  for (const auto& user : wanted.users) {
    TRY(editor.change(user));
  }
  return editor.finish();
}

}  // namespace provision::plan
