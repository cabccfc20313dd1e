// SPDX-License-Identifier: Apache-2.0
// The planner of users and groups: groups before users, in the config's order (Ignition's rule), with the numbers that
// Debian's useradd and groupadd would choose.
//
// Where Ignition's own steps would stop or lose something, this decides:
// - A user or group that is only in a read-only database (nss-altfiles' /usr/lib, Flatcar's /usr/share/baselayout) is
//   changed in a copy of its line in /etc, which is looked up first. That is what Fedora CoreOS tells its users to do
//   by hand; usermod and gpasswd refuse.
// - A group with the new user's name that nobody is in, and that is nobody's primary group, becomes the user's own,
// where
//   useradd refuses: it may be the config's own, or what an interrupted run left.
// - A group that the config wants is not removed with the user of its name.
// - A group that is there keeps its password if the config gives none, where Ignition would lock it.
#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/path.hpp"
#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/accounts/ids.hpp"
#include "plan/planners.hpp"
#include "spec/subvolumes.hpp"

namespace provision::plan {
namespace {

constexpr std::string_view accounts_id = "accounts";
constexpr std::size_t longest_name = 32;
constexpr std::int64_t largest_id = 4'294'967'294;
constexpr std::int64_t fallback_group = 100;
constexpr std::int64_t keys_mode = 0600;
constexpr std::int64_t made_directory_mode = 0755;

bool is_given(const std::optional<std::string>& text) { return text && !text->empty(); }

bool breaks_a_line(const std::string& text) { return text.find_first_of(":\n") != std::string::npos; }

// What Debian's useradd refuses, and what is no component of a path.
bool is_name(const std::string& name) {
  const bool control =
      std::any_of(name.begin(), name.end(), [](char c) { return static_cast<unsigned char>(c) < ' '; });
  return !name.empty() && name.size() <= longest_name && name != "." && name != ".." && !control &&
         name.find_first_of(": ,/\x7f") == std::string::npos && name.find_first_of("-+~") != 0;
}

std::optional<std::int64_t> number_of(const std::string& text) {
  const bool digits = !text.empty() && text.size() <= 10 &&
                      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  return digits ? std::optional<std::int64_t>(std::stoll(text)) : std::nullopt;
}

// A hash by its place in the config. Its length is nobody's business either.
Contents password_at(std::string path, const std::string& hash) {
  Contents password;
  password.from = std::move(path);
  password.digest = Digest::sha256(hash);
  return password;
}

// Nobody can log in by it.
Contents no_password() { return generated("*"); }

// A group without a password, as useradd makes the group of a user.
Contents locked_password() { return generated("!"); }

// Nothing where the field is to stay: it is so already, or nothing is wanted.
Contents changed_password(const std::optional<std::string>& hash, const std::string& path, const Digest* there) {
  if (!hash) {
    return {};
  }
  Contents wanted = hash->empty() ? no_password() : password_at(path, *hash);
  return there != nullptr && *there == wanted.digest ? Contents{} : wanted;
}

// The accounts while they are planned: what will be there, and the lines that lead to it.
class Draft {
 public:
  explicit Draft(const Question& question) : question_(question), state_(question.inventory) {
    for (const auto& user : users()) {
      uids_.take(user.uid);
    }
    for (const auto& group : groups()) {
      gids_.take(group.gid);
    }
  }

  Result<void> run() {
    const auto& passwd = question_.config().passwd;
    for (std::size_t i = 0; i < passwd.groups.size(); ++i) {
      TRY(group(passwd.groups[i], "$.passwd.groups." + std::to_string(i)));
    }
    for (std::size_t i = 0; i < passwd.users.size(); ++i) {
      TRY(user(passwd.users[i], "$.passwd.users." + std::to_string(i)));
    }
    return {};
  }

  [[nodiscard]] WriteAccounts operation() const { return {in_order(group_lines_), in_order(user_lines_)}; }

 private:
  template <class Line>
  struct Numbered {
    std::size_t order = 0;
    Line line;
  };
  template <class Line>
  using Lines = std::map<std::string, Numbered<Line>>;

  std::vector<model::UserView>& users() { return state_.accounts.users; }
  std::vector<model::GroupView>& groups() { return state_.accounts.groups; }
  [[nodiscard]] const model::AccountRules& rules() const { return state_.account_files.rules; }
  [[nodiscard]] const model::AccountFiles& files() const { return state_.account_files; }

  template <class Line>
  static std::vector<Line> in_order(const Lines<Line>& lines) {
    std::vector<const Numbered<Line>*> sorted;
    for (const auto& [name, line] : lines) {
      sorted.push_back(&line);
    }
    std::sort(sorted.begin(), sorted.end(), [](const auto* a, const auto* b) { return a->order < b->order; });
    std::vector<Line> made;
    made.reserve(sorted.size());
    for (const auto* line : sorted) {
      made.push_back(line->line);
    }
    return made;
  }

  template <class Record>
  [[nodiscard]] Error wrong(const Record& record, const std::string& path, std::string_view key,
                            const std::string& what, Code code = Code::bad_config) const {
    return Error(code, what).at(question_.origin(record.place, path + "." + std::string(key), key));
  }

  // --- Lines

  AccountGroup& line_of(const model::GroupView& view) {
    const auto [found, fresh] = group_lines_.try_emplace(view.name);
    if (fresh) {
      found->second.order = group_lines_.size();
      found->second.line.name = view.name;
      if (!view.in_etc) {
        found->second.line.made = true;
        found->second.line.add = view.members;
      }
    }
    found->second.line.absent = false;
    found->second.line.gid = view.gid;
    return found->second.line;
  }

  AccountUser& line_of(const model::UserView& view) {
    const auto [found, fresh] = user_lines_.try_emplace(view.name);
    AccountUser& line = found->second.line;
    if (fresh) {
      found->second.order = user_lines_.size();
      line.name = view.name;
    }
    line.uid = view.uid;
    line.gid = view.gid;
    line.gecos = view.gecos;
    line.home = view.home;
    line.shell = view.shell;
    return line;
  }

  model::GroupView* find_group(std::string_view name) {
    return const_cast<model::GroupView*>(state_.accounts.group(name));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  }
  model::UserView* find_user(std::string_view name) {
    return const_cast<model::UserView*>(state_.accounts.user(name));  // NOLINT(cppcoreguidelines-pro-type-const-cast)
  }

  // By number if it is one, as useradd's --gid and --groups.
  model::GroupView* find_group_or_number(const std::string& text) {
    if (const auto number = number_of(text)) {
      const auto found =
          std::find_if(groups().begin(), groups().end(), [&](const auto& it) { return it.gid == *number; });
      return found == groups().end() ? nullptr : &*found;
    }
    return find_group(text);
  }

  void add_group_view(model::GroupView view) {
    gids_.take(view.gid);
    groups().push_back(std::move(view));
  }

  void join(model::GroupView& group, const std::string& user) {
    if (std::find(group.members.begin(), group.members.end(), user) != group.members.end()) {
      return;
    }
    AccountGroup& line = line_of(group);
    group.members.push_back(user);
    std::erase(line.remove, user);
    line.add.push_back(user);
  }

  // A membership that a read-only database gives cannot be taken away.
  void leave(model::GroupView& group, const std::string& user) {
    if (!group.in_etc || std::erase(group.members, user) == 0) {
      return;
    }
    AccountGroup& line = line_of(group);
    std::erase(line.add, user);
    line.remove.push_back(user);
  }

  // --- Groups

  Result<void> group(const spec::Group& wanted, const std::string& path) {
    model::GroupView* there = find_group(wanted.name);
    if (!wanted.should_exist.value_or(true)) {
      return there == nullptr ? Result<void>() : remove_group(wanted, path, *there);
    }
    if (wanted.password_hash && breaks_a_line(*wanted.password_hash)) {
      return wrong(wanted, path, "passwordHash", "the hash has a \":\" or a line break, which a line cannot hold");
    }
    if (wanted.gid && (*wanted.gid < 0 || *wanted.gid > largest_id)) {
      return wrong(wanted, path, "gid", std::to_string(*wanted.gid) + " cannot be the number of a group");
    }
    if (wanted.gid && gids_.is_taken(*wanted.gid) && (there == nullptr || there->gid != *wanted.gid)) {
      return wrong(wanted, path, "gid",
                   "the group number " + std::to_string(*wanted.gid) + " is taken by the group " +
                       printable(find_group_or_number(std::to_string(*wanted.gid))->name));
    }
    return there == nullptr ? add_group(wanted, path) : change_group(wanted, path, *there);
  }

  Result<void> add_group(const spec::Group& wanted, const std::string& path) {
    if (!is_name(wanted.name)) {
      return wrong(wanted, path, "name", "\"" + printable(wanted.name) + "\" cannot be the name of a group");
    }
    const auto gid = wanted.gid ? wanted.gid : free_gid(wanted.system.value_or(false), std::nullopt);
    if (!gid) {
      return wrong(wanted, path, "name", "no group number is free in the range that /etc/login.defs gives");
    }
    const model::GroupView view{wanted.name, *gid, {}, true};
    AccountGroup& line = line_of(view);
    line.made = true;
    line.password =
        is_given(wanted.password_hash) ? password_at(path + ".passwordHash", *wanted.password_hash) : no_password();
    add_group_view(view);
    return {};
  }

  Result<void> change_group(const spec::Group& wanted, const std::string& path, model::GroupView& there) {
    const Contents password =
        changed_password(wanted.password_hash, path + ".passwordHash", files().group_password(wanted.name));
    const bool moves = wanted.gid && *wanted.gid != there.gid;
    if (!moves && password.digest.empty()) {
      return {};
    }
    const std::int64_t old = there.gid;
    if (moves) {
      gids_.release(old);
      gids_.take(*wanted.gid);
      there.gid = *wanted.gid;
      // As groupmod does: whose primary group it is, follows.
      for (auto& user : users()) {
        if (user.gid == old) {
          user.gid = there.gid;
          line_of(user);
        }
      }
    }
    line_of(there).password = password;
    return {};
  }

  Result<void> remove_group(const spec::Group& wanted, const std::string& path, const model::GroupView& there) {
    if (!there.in_etc) {
      return wrong(
          wanted, path, "shouldExist",
          "the group " + printable(wanted.name) + " is in a read-only part of the system and cannot be removed",
          Code::conflict);
    }
    for (const auto& user : users()) {
      if (user.gid == there.gid && !is_to_go(user.name)) {
        return wrong(
            wanted, path, "shouldExist",
            "the group " + printable(wanted.name) + " is the primary group of the user " + printable(user.name),
            Code::conflict);
      }
    }
    drop_group(there.name);
    return {};
  }

  [[nodiscard]] bool is_to_go(const std::string& user) const {
    const auto& wanted = question_.config().passwd.users;
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const auto& it) { return it.name == user && !it.should_exist.value_or(true); });
  }

  [[nodiscard]] bool is_group_wanted(const std::string& name) const {
    const auto& wanted = question_.config().passwd.groups;
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const auto& it) { return it.name == name && it.should_exist.value_or(true); });
  }

  void drop_group(const std::string& name) {
    model::GroupView* there = find_group(name);
    AccountGroup& line = line_of(*there);
    line.absent = true;
    gids_.release(there->gid);
    std::erase_if(groups(), [&](const auto& it) { return it.in_etc && it.name == line.name; });
  }

  std::optional<std::int64_t> free_gid(bool system, std::optional<std::int64_t> preferred) const {
    const std::int64_t min = system ? 1 : rules().gid_min;
    const std::int64_t max = system ? rules().sys_gid_max : rules().gid_max;
    if (preferred && *preferred >= min && *preferred <= max && !gids_.is_taken(*preferred)) {
      return preferred;
    }
    return system ? gids_.next_system(rules().sys_gid_min, max) : gids_.next(min, max);
  }

  // --- Users

  Result<void> user(const spec::User& wanted, const std::string& path) {
    model::UserView* there = find_user(wanted.name);
    if (!wanted.should_exist.value_or(true)) {
      return there == nullptr ? Result<void>() : remove_user(wanted, path, *there);
    }
    TRY(check_user(wanted, path, there));
    return there == nullptr ? add_user(wanted, path) : change_user(wanted, path, *there);
  }

  Result<void> check_user(const spec::User& wanted, const std::string& path, const model::UserView* there) {
    if (there == nullptr && !is_name(wanted.name)) {
      return wrong(wanted, path, "name", "\"" + printable(wanted.name) + "\" cannot be the name of a user");
    }
    using Text = std::pair<std::string_view, const std::optional<std::string>*>;
    const std::array texts{Text{"passwordHash", &wanted.password_hash}, Text{"gecos", &wanted.gecos},
                           Text{"homeDir", &wanted.home_dir}, Text{"shell", &wanted.shell}};
    for (const auto& [key, text] : texts) {
      if (*text && breaks_a_line(**text)) {
        return wrong(wanted, path, key, "a \":\" or a line break cannot stand here: it would break the user's line");
      }
    }
    if (is_given(wanted.home_dir) && !wanted.home_dir->starts_with('/')) {
      return wrong(wanted, path, "homeDir", "the home directory is no absolute path");
    }
    if (is_given(wanted.shell) && !wanted.shell->starts_with('/')) {
      return wrong(wanted, path, "shell", "the shell is no absolute path");
    }
    if (wanted.uid && (*wanted.uid < 0 || *wanted.uid > largest_id)) {
      return wrong(wanted, path, "uid", std::to_string(*wanted.uid) + " cannot be the number of a user");
    }
    if (wanted.uid && uids_.is_taken(*wanted.uid) && (there == nullptr || there->uid != *wanted.uid)) {
      return wrong(wanted, path, "uid",
                   "the user number " + std::to_string(*wanted.uid) + " is taken by the user " +
                       printable(user_with(*wanted.uid)));
    }
    if (is_given(wanted.primary_group) && find_group_or_number(*wanted.primary_group) == nullptr) {
      return wrong(wanted, path, "primaryGroup",
                   "there is no group \"" + printable(*wanted.primary_group) + "\" in the target or before in passwd");
    }
    for (const auto& group : wanted.groups) {
      if (find_group_or_number(group) == nullptr) {
        return wrong(wanted, path, "groups",
                     "there is no group \"" + printable(group) + "\" in the target or in passwd");
      }
    }
    return {};
  }

  std::string user_with(std::int64_t uid) {
    const auto found = std::find_if(users().begin(), users().end(), [&](const auto& it) { return it.uid == uid; });
    return found == users().end() ? std::string{} : found->name;
  }

  Result<void> add_user(const spec::User& wanted, const std::string& path) {
    const bool system = wanted.system.value_or(false);
    const auto uid = wanted.uid ? wanted.uid
                     : system   ? uids_.next_system(rules().sys_uid_min, rules().sys_uid_max)
                                : uids_.next(rules().uid_min, rules().uid_max);
    if (!uid) {
      return wrong(wanted, path, "name", "no user number is free in the range that /etc/login.defs gives");
    }
    model::UserView view;
    view.name = wanted.name;
    view.uid = *uid;
    view.gid = TRY(primary_group(wanted, path, *uid));
    view.gecos = wanted.gecos.value_or("");
    view.home = is_given(wanted.home_dir) ? *wanted.home_dir : rules().home + "/" + wanted.name;
    view.shell = is_given(wanted.shell) ? *wanted.shell : rules().shell;
    for (const auto& group : wanted.groups) {
      join(*find_group_or_number(group), wanted.name);
    }
    AccountUser& line = line_of(view);
    line.made = true;
    line.password =
        is_given(wanted.password_hash) ? password_at(path + ".passwordHash", *wanted.password_hash) : no_password();
    line.reset_logs = !wanted.no_log_init.value_or(false);
    line.changed = files().today;
    if (!system) {
      set_aging(line);
      TRY(set_sub_ids(wanted, path, line));
    }
    uids_.take(view.uid);
    users().push_back(std::move(view));
    return {};
  }

  // System accounts have none of it, as with useradd.
  void set_aging(AccountUser& line) const {
    line.min_days = rules().pass_min_days;
    line.max_days = rules().pass_max_days;
    line.warn_days = rules().pass_warn_age;
    line.inactive = rules().inactive;
    line.expire = rules().expire;
  }

  Result<void> set_sub_ids(const spec::User& wanted, const std::string& path, AccountUser& line) {
    if (line.uid < rules().uid_min || line.uid > rules().uid_max) {
      return {};
    }
    auto& state = state_.account_files;
    const auto choose = [&](bool there, std::vector<model::SubRange>& ranges, std::int64_t min, std::int64_t max,
                            std::int64_t count) -> Result<IdRange> {
      const bool has_one =
          std::any_of(ranges.begin(), ranges.end(), [&](const auto& it) { return it.owner == line.name; });
      if (!there || has_one) {
        return IdRange{};
      }
      const auto range = free_range(ranges, min, max, count);
      if (!range) {
        return wrong(wanted, path, "name", "no range of subordinate ids is free");
      }
      if (range->count > 0) {
        ranges.push_back({line.name, range->start, range->count});
      }
      return *range;
    };
    line.sub_uids =
        TRY(choose(state.sub_uid, state.sub_uids, rules().sub_uid_min, rules().sub_uid_max, rules().sub_uid_count));
    line.sub_gids =
        TRY(choose(state.sub_gid, state.sub_gids, rules().sub_gid_min, rules().sub_gid_max, rules().sub_gid_count));
    return {};
  }

  Result<std::int64_t> primary_group(const spec::User& wanted, const std::string& path, std::int64_t uid) {
    if (is_given(wanted.primary_group)) {
      return find_group_or_number(*wanted.primary_group)->gid;
    }
    if (wanted.no_user_group.value_or(false) || !rules().user_groups) {
      const auto* group = find_group_or_number(rules().group);
      return group != nullptr ? group->gid : fallback_group;
    }
    if (const auto* there = find_group(wanted.name)) {
      const bool is_anybodys =
          std::any_of(users().begin(), users().end(), [&](const auto& it) { return it.gid == there->gid; });
      if (is_anybodys || !there->members.empty()) {
        return wrong(wanted, path, "name",
                     "there is a group " + printable(wanted.name) +
                         " with other members: to put the user into it, give it as primaryGroup");
      }
      return there->gid;
    }
    const auto gid = free_gid(wanted.system.value_or(false), uid);
    if (!gid) {
      return wrong(wanted, path, "name", "no group number is free in the range that /etc/login.defs gives");
    }
    const model::GroupView view{wanted.name, *gid, {}, true};
    AccountGroup& line = line_of(view);
    line.made = true;
    line.password = locked_password();
    add_group_view(view);
    return *gid;
  }

  Result<void> change_user(const spec::User& wanted, const std::string& path, model::UserView& there) {
    const model::UserView before = there;
    there.uid = wanted.uid.value_or(there.uid);
    there.gid = is_given(wanted.primary_group) ? find_group_or_number(*wanted.primary_group)->gid : there.gid;
    there.gecos = is_given(wanted.gecos) ? *wanted.gecos : there.gecos;
    there.home = is_given(wanted.home_dir) ? *wanted.home_dir : there.home;
    there.shell = is_given(wanted.shell) ? *wanted.shell : there.shell;
    uids_.release(before.uid);
    uids_.take(there.uid);
    set_groups(wanted);
    Contents password =
        changed_password(wanted.password_hash, path + ".passwordHash", files().user_password(wanted.name));
    if (!files().shadow && password.from.empty()) {
      password = {};  // there is no place to say that it is locked, and no password to be locked
    }
    if (there == before && password.digest.empty()) {
      return {};
    }
    AccountUser& line = line_of(there);
    line.password = password;
    line.changed = files().today;
    // Used only if it has no line in /etc/shadow.
    line.min_days = rules().pass_min_days;
    line.max_days = rules().pass_max_days;
    line.warn_days = rules().pass_warn_age;
    return {};
  }

  // The list is the whole list, as for usermod's --groups; none given changes nothing.
  void set_groups(const spec::User& wanted) {
    if (wanted.groups.empty()) {
      return;
    }
    std::set<std::string> names;
    for (const auto& group : wanted.groups) {
      names.insert(find_group_or_number(group)->name);
    }
    for (auto& group : groups()) {
      if (names.contains(group.name)) {
        // Only the first of a name is looked up.
        if (&group == find_group(group.name)) {
          join(group, wanted.name);
        }
      } else {
        leave(group, wanted.name);
      }
    }
  }

  Result<void> remove_user(const spec::User& wanted, const std::string& path, const model::UserView& there) {
    if (!there.in_etc) {
      return wrong(wanted, path, "shouldExist",
                   "the user " + printable(wanted.name) + " is in a read-only part of the system and cannot be removed",
                   Code::conflict);
    }
    const model::UserView gone = there;
    line_of(there).absent = true;
    uids_.release(gone.uid);
    std::erase_if(users(), [&](const auto& it) { return it.in_etc && it.name == gone.name; });
    for (auto& group : groups()) {
      if (group.in_etc) {
        std::erase(group.members, gone.name);
      }
    }
    remove_own_group(gone);
    auto& state = state_.account_files;
    std::erase_if(state.sub_uids, [&](const auto& range) { return range.owner == gone.name; });
    std::erase_if(state.sub_gids, [&](const auto& range) { return range.owner == gone.name; });
    return {};
  }

  // As userdel: the group of the user's name, if it was the user's primary group and nobody else's.
  void remove_own_group(const model::UserView& gone) {
    const model::GroupView* group = find_group(gone.name);
    if (!rules().user_groups || group == nullptr || !group->in_etc || group->gid != gone.gid ||
        !group->members.empty() || is_group_wanted(gone.name)) {
      return;
    }
    const bool is_anybodys =
        std::any_of(users().begin(), users().end(), [&](const auto& it) { return it.gid == group->gid; });
    if (!is_anybodys) {
      drop_group(gone.name);
    }
  }

  const Question& question_;
  model::Inventory state_;
  Ids uids_;
  Ids gids_;
  Lines<AccountGroup> group_lines_;
  Lines<AccountUser> user_lines_;
};

// --- Homes, spools and keys

// Plans what a user has on the file system.
class Belongings {
 public:
  // `after`: as accounts and the belongings of the users before leave it; this user's are added.
  Belongings(const Question& question, model::Inventory& after, std::size_t index, Plan& plan)
      : question_(question),
        wanted_(question.config().passwd.users[index]),
        path_("$.passwd.users." + std::to_string(index)),
        before_(question.inventory.accounts.user(wanted_.name)),
        after_(after.accounts.user(wanted_.name)),
        inventory_(after),
        plan_(plan) {}

  // Home and mail spool.
  Result<void> settle() {
    if (!wanted_.should_exist.value_or(true)) {
      if (before_ != nullptr) {
        remove_home();
      }
      return {};
    }
    home_ = model::home_of(wanted_, question_.inventory.accounts, rules());
    if (home_.empty() || home_ == "/") {
      return check_keys();
    }
    if (before_ == nullptr) {
      make_home();
    } else {
      TRY(change_home());
    }
    make_mail();
    return {};
  }

  // The file is the config's alone and is always replaced.
  Result<void> put_keys() {
    if (home_.empty() || home_ == "/" || wanted_.ssh_authorized_keys.empty()) {
      return {};
    }
    const std::string text = authorized_keys(wanted_);
    PutFile file;
    file.path = model::keys_path(home_);
    file.contents.from = path_ + ".sshAuthorizedKeys";
    file.contents.size = static_cast<std::int64_t>(text.size());
    file.contents.digest = Digest::sha256(text);
    file.whole = file.contents.digest;
    file.mode = keys_mode;
    file.uid = after_->uid;
    file.gid = after_->gid;
    // The home itself too, where the user is to have none and yet keys.
    file.private_below = home_;
    // In the home as it is by then, with what came from the skeleton or another place.
    const model::FileView* there = inventory_.file(file.path);
    if (there != nullptr && there->kind == host::NodeKind::directory) {
      return Error(Code::conflict, there->path + " is a directory in the target")
          .at(question_.origin(wanted_.place, path_ + ".sshAuthorizedKeys", "sshAuthorizedKeys"));
    }
    const bool same = there != nullptr && there->kind == host::NodeKind::regular &&
                      there->digest == file.contents.digest && there->mode == file.mode && there->uid == file.uid &&
                      there->gid == file.gid;
    if (!same) {
      add("keys:" + wanted_.name, there != nullptr ? "the keys are others" : "it is not there", std::move(file), there,
          {std::string(accounts_id), home_id()});
    }
    return {};
  }

 private:
  [[nodiscard]] const model::AccountRules& rules() const { return question_.inventory.account_files.rules; }
  [[nodiscard]] const model::Accounts& accounts() const { return inventory_.accounts; }
  // What is there before anything is done.
  [[nodiscard]] const model::FileView* view(const std::string& path) const { return question_.inventory.file(path); }

  void add(const std::string& id, std::string why, Operation operation, const model::FileView* replaced = nullptr,
           std::vector<std::string> after = {}) {
    Step step;
    step.id = id;
    step.why = std::move(why);
    step.origin = question_.origin(wanted_.place, path_);
    std::erase_if(after, [&](const std::string& name) {
      return std::none_of(plan_.steps.begin(), plan_.steps.end(), [&](const Step& it) { return it.id == name; });
    });
    step.after = std::move(after);
    step.assumes = model::fingerprint(replaced);
    step.replaces = replaced != nullptr ? step.assumes : "";
    predict(inventory_, operation);
    step.operation = std::move(operation);
    plan_.steps.push_back(std::move(step));
  }

  [[nodiscard]] std::string home_id() const { return "home:" + wanted_.name; }

  [[nodiscard]] MakeHome operation() const {
    MakeHome made;
    made.user = wanted_.name;
    made.path = home_;
    made.uid = after_->uid;
    made.gid = after_->gid;
    made.mode = rules().home_mode >= 0 ? rules().home_mode & 07777 : 0777 & ~rules().umask;
    return made;
  }

  // Directories at and in the home that were made for mount points are root's, 0755. They become the user's (Ignition's
  // rule), but no skeleton is copied: the directory is there.
  [[nodiscard]] std::vector<std::string> mount_points() const {
    std::vector<std::string> made;
    for (const auto& mount : spec::mount_paths(question_.config())) {
      for (const auto& path : model::way_from(home_, mount)) {
        const model::FileView* there = view(path);
        const bool ours = there != nullptr && there->kind == host::NodeKind::directory && there->uid == 0 &&
                          there->gid == 0 && there->mode == made_directory_mode;
        if (ours && std::find(made.begin(), made.end(), path) == made.end()) {
          made.push_back(path);
        }
      }
    }
    return made;
  }

  void make_home() {
    if (wanted_.no_create_home.value_or(false)) {
      return;
    }
    MakeHome made = operation();
    made.made = view(home_) == nullptr;
    made.skel = made.made ? path::clean(rules().skel) : "";
    made.claimed = after_->uid == 0 ? std::vector<std::string>{} : mount_points();
    if (made.made || !made.claimed.empty()) {
      const char* why = made.made ? "the user is new" : "it was made for a mount point";
      add(home_id(), why, std::move(made));
    }
  }

  Result<void> change_home() {
    const std::string old = model::home_of(*before_);
    MakeHome made = operation();
    const model::FileView* there = view(old);
    const bool has_home = there != nullptr && there->kind == host::NodeKind::directory && there->uid == before_->uid;
    if (old != home_ && there != nullptr && there->kind == host::NodeKind::directory) {
      if (view(home_) != nullptr) {
        return Error(Code::conflict,
                     "the home of " + printable(wanted_.name) + " cannot be moved to " + home_ + ": something is there")
            .at(question_.origin(wanted_.place, path_ + ".homeDir", "homeDir"));
      }
      made.moved_from = old;
    }
    if (has_home) {
      made.old_uid = before_->uid != after_->uid ? before_->uid : -1;
      made.old_gid = before_->gid != after_->gid ? before_->gid : -1;
    }
    if (!made.moved_from.empty() || made.old_uid >= 0 || made.old_gid >= 0) {
      const char* why = made.moved_from.empty() ? "the user has other numbers" : "the user has another home";
      add(home_id(), why, std::move(made));
    }
    change_mail();
    return {};
  }

  // As usermod: the spool follows the user's number.
  void change_mail() {
    const std::string path = model::mail_path(wanted_.name, rules());
    const model::FileView* there = view(path);
    if (before_->uid == after_->uid || there == nullptr || there->kind != host::NodeKind::regular ||
        there->uid != before_->uid) {
      return;
    }
    MakeHome made = operation();
    made.path = path;
    made.old_uid = before_->uid;
    add("mail:" + wanted_.name, "the user has another number", std::move(made));
  }

  void make_mail() {
    const std::string path = model::mail_path(wanted_.name, rules());
    if (before_ != nullptr || !rules().mail_spool || wanted_.system.value_or(false) || view(path) != nullptr) {
      return;
    }
    MakeHome made = operation();
    made.path.clear();
    made.mail = path;
    const model::GroupView* group = accounts().group("mail");
    made.mail_gid = group != nullptr ? group->gid : after_->gid;
    made.mail_mode = group != nullptr ? 0660 : 0600;
    add("mail:" + wanted_.name, "/etc/default/useradd wants it", std::move(made));
  }

  // As userdel --remove: only what is the user's own, and no directory that holds the home of another user.
  void remove_home() {
    MakeHome gone;
    gone.user = wanted_.name;
    gone.uid = before_->uid;
    gone.absent = true;
    gone.path = model::home_of(*before_);
    const model::FileView* there = gone.path.empty() || gone.path == "/" ? nullptr : view(gone.path);
    const bool shared = std::any_of(accounts().users.begin(), accounts().users.end(), [&](const auto& user) {
      return user.name != wanted_.name && user.home.starts_with('/') &&
             path::is_within(path::clean(user.home), gone.path);
    });
    if (there != nullptr && there->kind == host::NodeKind::directory && there->uid == before_->uid && !shared) {
      add(home_id(), "the user shall not exist", gone, there);
    }
    gone.path.clear();
    gone.mail = model::mail_path(wanted_.name, rules());
    const model::FileView* mail = view(gone.mail);
    if (mail != nullptr && mail->kind != host::NodeKind::directory && mail->uid == before_->uid) {
      add("mail:" + wanted_.name, "the user shall not exist", gone, mail);
    }
  }

  [[nodiscard]] Result<void> check_keys() const {
    if (wanted_.ssh_authorized_keys.empty()) {
      return {};
    }
    return Error(Code::bad_config, "the user " + printable(wanted_.name) + " has no home directory for its keys")
        .at(question_.origin(wanted_.place, path_ + ".sshAuthorizedKeys", "sshAuthorizedKeys"));
  }

  const Question& question_;
  const spec::User& wanted_;
  std::string path_;
  const model::UserView* before_;
  const model::UserView* after_;
  model::Inventory& inventory_;
  Plan& plan_;
  std::string home_;
};

Origin origin_of(const Question& question) {
  const spec::Passwd& passwd = question.config().passwd;
  const char* key = passwd.users.empty() ? "groups" : "users";
  return question.origin(passwd.place, std::string("$.passwd.") + key, key);
}

}  // namespace

Result<model::Accounts> plan_accounts(const Question& question, Plan& plan) {
  if (question.config().passwd.users.empty() && question.config().passwd.groups.empty()) {
    return question.inventory.accounts;
  }
  Draft draft(question);
  TRY(draft.run());
  WriteAccounts operation = draft.operation();
  model::Inventory after = question.inventory;
  predict(after, operation);
  // Homes before their users: what a cut leaves between the two must look undone to a plan that is made anew.
  std::vector<Belongings> belongings;
  for (std::size_t i = 0; i < question.config().passwd.users.size(); ++i) {
    belongings.emplace_back(question, after, i, plan);
    TRY(belongings.back().settle());
  }
  if (!operation.groups.empty() || !operation.users.empty()) {
    Step step;
    std::transform(plan.steps.begin(), plan.steps.end(), std::back_inserter(step.after),
                   [](const Step& home) { return home.id; });
    step.id = accounts_id;
    step.why = "the config has users or groups that are not there, or not so";
    step.origin = origin_of(question);
    step.operation = std::move(operation);
    plan.steps.push_back(std::move(step));
  }
  for (auto& one : belongings) {
    TRY(one.put_keys());
  }
  return after.accounts;
}

}  // namespace provision::plan
