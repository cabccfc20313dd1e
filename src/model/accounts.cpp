// SPDX-License-Identifier: Apache-2.0
#include "model/accounts.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <map>

#include "base/path.hpp"
#include "base/text.hpp"

namespace provision::model {
namespace {

constexpr std::int64_t largest_id = 4'294'967'294;

std::optional<std::int64_t> number_of(std::string_view text) {
  std::int64_t number = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = !text.empty() && parsed.ec == std::errc{} && parsed.ptr == text.data() + text.size();
  return whole ? std::optional(number) : std::nullopt;
}

std::optional<std::int64_t> id_of(std::string_view text) {
  const auto id = number_of(text);
  return id && *id >= 0 && *id <= largest_id ? id : std::nullopt;
}

// Without leading blanks; empty for what is no entry.
std::string_view entry_text(std::string_view line) {
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) {
    line.remove_prefix(1);
  }
  const bool is_entry = !line.empty() && line.front() != '#' && line.front() != '+' && line.front() != '-';
  return is_entry ? line : std::string_view{};
}

std::string field_at(const std::vector<std::string_view>& fields, std::size_t index) {
  return index < fields.size() ? std::string(fields[index]) : std::string{};
}

// The file's text; nothing if it is not there.
Result<std::optional<std::string>> text_of(host::Files& files, const std::string& path) {
  if (!TRY(files.look(path))) {
    return std::optional<std::string>{};
  }
  return std::optional(TRY(files.read(path, max_database_bytes)));
}

// The names in the line of nsswitch.conf for `database`: "files altfiles"; without a line, the files in /etc alone.
std::vector<std::string> sources_of(std::string_view nsswitch, std::string_view database) {
  for (std::string_view line : split(nsswitch, '\n')) {
    line = trim(line.substr(0, line.find('#')));
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos || trim(line.substr(0, colon)) != database) {
      continue;
    }
    std::vector<std::string> names;
    std::string rest(line.substr(colon + 1));
    std::replace(rest.begin(), rest.end(), '\t', ' ');
    for (const auto word : split(rest, ' ')) {
      if (!word.empty() && word.front() != '[') {
        names.emplace_back(word);
      }
    }
    return names;
  }
  return {"files"};
}

// The files of one database in the order in which names are looked up. /etc always counts: that is where accounts are
// written, whatever the order says.
std::vector<std::string> paths_of(std::string_view nsswitch, std::string_view database) {
  std::vector<std::string> paths;
  for (const auto& source : sources_of(nsswitch, database)) {
    const std::string path = database_path(source, database);
    if (!path.empty() && std::find(paths.begin(), paths.end(), path) == paths.end()) {
      paths.push_back(path);
    }
  }
  const std::string own = database_path("files", database);
  if (std::find(paths.begin(), paths.end(), own) == paths.end()) {
    paths.insert(paths.begin(), own);
  }
  return paths;
}

template <class View>
Result<std::vector<View>> views_of(host::Files& files, const std::vector<std::string>& paths,
                                   std::optional<View> (*parse)(std::string_view)) {
  std::vector<View> views;
  for (const auto& path : paths) {
    const std::string text = TRY(text_of(files, path)).value_or("");
    for (const auto line : split(text, '\n')) {
      if (auto view = parse(line)) {
        view->in_etc = path::parent(path) == "/etc";
        views.push_back(*std::move(view));
      }
    }
  }
  return views;
}

// Numbers in login.defs may be octal or hexadecimal, as in C.
std::optional<std::int64_t> c_number(const std::string& text) {
  char* end = nullptr;
  const long long value = std::strtoll(text.c_str(), &end, 0);
  return !text.empty() && *end == '\0' ? std::optional<std::int64_t>(value) : std::nullopt;
}

struct NumberRow {
  std::string_view name;
  std::int64_t AccountRules::*member;
};
constexpr std::array number_rows{
    NumberRow{"UID_MIN", &AccountRules::uid_min},
    NumberRow{"UID_MAX", &AccountRules::uid_max},
    NumberRow{"SYS_UID_MIN", &AccountRules::sys_uid_min},
    NumberRow{"SYS_UID_MAX", &AccountRules::sys_uid_max},
    NumberRow{"GID_MIN", &AccountRules::gid_min},
    NumberRow{"GID_MAX", &AccountRules::gid_max},
    NumberRow{"SYS_GID_MIN", &AccountRules::sys_gid_min},
    NumberRow{"SYS_GID_MAX", &AccountRules::sys_gid_max},
    NumberRow{"SUB_UID_MIN", &AccountRules::sub_uid_min},
    NumberRow{"SUB_UID_MAX", &AccountRules::sub_uid_max},
    NumberRow{"SUB_UID_COUNT", &AccountRules::sub_uid_count},
    NumberRow{"SUB_GID_MIN", &AccountRules::sub_gid_min},
    NumberRow{"SUB_GID_MAX", &AccountRules::sub_gid_max},
    NumberRow{"SUB_GID_COUNT", &AccountRules::sub_gid_count},
    NumberRow{"PASS_MIN_DAYS", &AccountRules::pass_min_days},
    NumberRow{"PASS_MAX_DAYS", &AccountRules::pass_max_days},
    NumberRow{"PASS_WARN_AGE", &AccountRules::pass_warn_age},
    NumberRow{"UMASK", &AccountRules::umask},
    NumberRow{"HOME_MODE", &AccountRules::home_mode},
};

// Name and value of one line: "NAME  value" or "NAME=value", the value perhaps in double quotes.
std::pair<std::string, std::string> setting_of(std::string_view line, bool with_equals) {
  line = trim(line);
  if (line.empty() || line.front() == '#') {
    return {};
  }
  const std::size_t end = with_equals ? line.find('=') : line.find_first_of(" \t");
  if (end == std::string_view::npos) {
    return {std::string(line), ""};
  }
  std::string_view value = trim(line.substr(end + 1));
  if (value.size() >= 2 && value.front() == '"') {
    value = value.substr(1, value.find('"', 1) - 1);
  }
  return {std::string(line.substr(0, end)), std::string(value)};
}

std::vector<SubRange> ranges_of(const std::string& text) {
  std::vector<SubRange> ranges;
  for (const auto line : split(text, '\n')) {
    if (auto range = sub_range_of(line)) {
      ranges.push_back(*std::move(range));
    }
  }
  return ranges;
}

// The digests of the second fields of the lines of those names; the first line of a name counts.
std::vector<PasswordView> passwords_of(const std::string& text, const std::vector<std::string>& names) {
  std::map<std::string_view, std::string_view> found;
  for (const auto line : split(text, '\n')) {
    const auto fields = split(line, ':');
    if (fields.size() > 1) {
      found.try_emplace(fields[0], fields[1]);
    }
  }
  std::vector<PasswordView> views;
  for (const auto& name : names) {
    if (const auto at = found.find(name); at != found.end()) {
      views.push_back({name, Digest::sha256(at->second)});
    }
  }
  return views;
}

const Digest* password_in(const std::vector<PasswordView>& views, std::string_view name) {
  const auto found = std::find_if(views.begin(), views.end(), [&](const auto& view) { return view.name == name; });
  return found == views.end() ? nullptr : &found->digest;
}

template <class View>
const View* named(const std::vector<View>& views, std::string_view name) {
  const auto found = std::find_if(views.begin(), views.end(), [&](const View& view) { return view.name == name; });
  return found == views.end() ? nullptr : &*found;
}

}  // namespace

const UserView* Accounts::user(std::string_view name) const { return named(users, name); }
const GroupView* Accounts::group(std::string_view name) const { return named(groups, name); }

const Digest* AccountFiles::user_password(std::string_view name) const { return password_in(user_passwords, name); }
const Digest* AccountFiles::group_password(std::string_view name) const { return password_in(group_passwords, name); }

std::optional<std::int64_t> day_of(std::string_view date) {
  if (date.size() < 10 || date[4] != '-' || date[7] != '-') {
    return std::nullopt;
  }
  const auto year = number_of(date.substr(0, 4));
  const auto month = number_of(date.substr(5, 2));
  const auto day = number_of(date.substr(8, 2));
  if (!year || !month || !day) {
    return std::nullopt;
  }
  const std::chrono::year_month_day when{std::chrono::year(static_cast<int>(*year)),
                                         std::chrono::month(static_cast<unsigned>(*month)),
                                         std::chrono::day(static_cast<unsigned>(*day))};
  return when.ok() ? std::optional<std::int64_t>(std::chrono::sys_days(when).time_since_epoch().count()) : std::nullopt;
}

std::optional<UserView> user_of(std::string_view line) {
  const auto fields = split(entry_text(line), ':');
  const auto uid = fields.size() > 3 ? id_of(fields[2]) : std::nullopt;
  const auto gid = fields.size() > 3 ? id_of(fields[3]) : std::nullopt;
  if (!uid || !gid) {
    return std::nullopt;
  }
  return UserView{std::string(fields[0]), *uid, *gid, field_at(fields, 4), field_at(fields, 5),
                  field_at(fields, 6),    true};
}

std::optional<GroupView> group_of(std::string_view line) {
  const auto fields = split(entry_text(line), ':');
  const auto gid = fields.size() > 2 ? id_of(fields[2]) : std::nullopt;
  if (!gid) {
    return std::nullopt;
  }
  GroupView view{std::string(fields[0]), *gid, {}, true};
  for (const auto member : split(fields.size() > 3 ? fields[3] : std::string_view{}, ',')) {
    if (!trim(member).empty()) {
      view.members.emplace_back(trim(member));
    }
  }
  return view;
}

std::optional<SubRange> sub_range_of(std::string_view line) {
  const auto fields = split(entry_text(line), ':');
  const auto start = fields.size() == 3 ? number_of(fields[1]) : std::nullopt;
  const auto count = fields.size() == 3 ? number_of(fields[2]) : std::nullopt;
  if (!start || !count) {
    return std::nullopt;
  }
  return SubRange{std::string(fields[0]), *start, *count};
}

void read_login_defs(std::string_view text, AccountRules& into) {
  bool sys_uid_max = false;
  bool sys_gid_max = false;
  for (const auto line : split(text, '\n')) {
    const auto [name, value] = setting_of(line, false);
    for (const auto& row : number_rows) {
      const auto number = row.name == name ? c_number(value) : std::nullopt;
      if (number) {
        into.*row.member = *number;
        sys_uid_max = sys_uid_max || name == "SYS_UID_MAX";
        sys_gid_max = sys_gid_max || name == "SYS_GID_MAX";
      }
    }
    if (name == "USERGROUPS_ENAB") {
      into.user_groups = lower_ascii(value) == "yes";
    } else if (name == "MAIL_DIR") {
      into.mail_dir = value;
    }
  }
  into.sys_uid_max = sys_uid_max ? into.sys_uid_max : into.uid_min - 1;
  into.sys_gid_max = sys_gid_max ? into.sys_gid_max : into.gid_min - 1;
}

void read_useradd_defaults(std::string_view text, AccountRules& into) {
  std::map<std::string, std::string> settings;
  for (const auto line : split(text, '\n')) {
    auto [name, value] = setting_of(line, true);
    settings[name] = value;
  }
  const auto take = [&](const char* name, std::string& member) {
    if (const auto found = settings.find(name); found != settings.end()) {
      member = found->second;
    }
  };
  take("GROUP", into.group);
  take("HOME", into.home);
  take("SKEL", into.skel);
  take("SHELL", into.shell);
  into.skel = into.skel.empty() ? "/etc/skel" : into.skel;
  into.mail_spool = lower_ascii(settings["CREATE_MAIL_SPOOL"]) == "yes";
  into.inactive = c_number(settings["INACTIVE"]).value_or(-1);
  into.expire = day_of(settings["EXPIRE"]).value_or(-1);
}

std::string database_path(std::string_view source, std::string_view database) {
  if (source == "files" || source == "compat") {
    return "/etc/" + std::string(database);
  }
  if (source == "altfiles") {
    return "/usr/lib/" + std::string(database);
  }
  if (source == "usrfiles") {
    return "/usr/share/baselayout/" + std::string(database);
  }
  return {};
}

Result<Accounts> read_accounts(host::Files& target) {
  const std::string nsswitch = TRY(text_of(target, "/etc/nsswitch.conf")).value_or("");
  Accounts accounts;
  accounts.users =
      TRY_WHILE(views_of<UserView>(target, paths_of(nsswitch, "passwd"), &user_of), "reading the users of the target");
  accounts.groups = TRY_WHILE(views_of<GroupView>(target, paths_of(nsswitch, "group"), &group_of),
                              "reading the groups of the target");
  return accounts;
}

Result<AccountFiles> read_account_files(host::Files& target, const std::vector<std::string>& users,
                                        const std::vector<std::string>& groups) {
  AccountFiles files;
  const auto shadow = TRY(text_of(target, "/etc/shadow"));
  const auto gshadow = TRY(text_of(target, "/etc/gshadow"));
  const auto sub_uid = TRY(text_of(target, "/etc/subuid"));
  const auto sub_gid = TRY(text_of(target, "/etc/subgid"));
  files.shadow = shadow.has_value();
  files.gshadow = gshadow.has_value();
  files.sub_uid = sub_uid.has_value();
  files.sub_gid = sub_gid.has_value();
  files.sub_uids = ranges_of(sub_uid.value_or(""));
  files.sub_gids = ranges_of(sub_gid.value_or(""));
  files.user_passwords = passwords_of(shadow.value_or(""), users);
  files.group_passwords = passwords_of(gshadow.value_or(""), groups);
  read_login_defs(TRY(text_of(target, "/etc/login.defs")).value_or(""), files.rules);
  read_useradd_defaults(TRY(text_of(target, "/etc/default/useradd")).value_or(""), files.rules);
  return files;
}

}  // namespace provision::model
