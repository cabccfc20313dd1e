// SPDX-License-Identifier: Apache-2.0
// WriteAccounts: all the account databases in one pass, under the lock that passwd(1) and its like take.
//
// Each file is replaced whole, with the mode and owner that it had, and its content is on the medium before the old one
// is gone: of these files most lines are not ours and could not be made again. The files get their names in an order in
// which a cut between two of them leaves something that goes on from where it stopped, with or without the journal:
// what says that a user exists, /etc/passwd, comes last. Backups ("/etc/passwd-") are not written: they are for a
// person who wants to go back one change, and would keep password hashes that the config replaced.
#include <algorithm>
#include <array>

#include "model/accounts.hpp"
#include "plan/accounts/databases.hpp"
#include "plan/operation.hpp"

namespace provision::plan {
namespace {

constexpr std::string_view lock_path = "/etc/.pwd.lock";

struct DatabaseRow {
  std::string_view path;
  std::optional<std::string> Databases::*text;
  // Of a file that is made.
  std::uint32_t mode;
};
// In the order of writing.
constexpr std::array rows{
    DatabaseRow{"/etc/subuid", &Databases::sub_uid, 0644},  DatabaseRow{"/etc/subgid", &Databases::sub_gid, 0644},
    DatabaseRow{"/etc/gshadow", &Databases::gshadow, 0600}, DatabaseRow{"/etc/shadow", &Databases::shadow, 0600},
    DatabaseRow{"/etc/group", &Databases::group, 0644},     DatabaseRow{"/etc/passwd", &Databases::passwd, 0644},
};

Result<Databases> read_databases(host::Files& files) {
  Databases read;
  for (const auto& row : rows) {
    if (TRY(files.look(row.path))) {
      read.*row.text = TRY(files.read(row.path, model::max_database_bytes));
    }
  }
  return read;
}

Result<void> write_database(host::Files& files, const DatabaseRow& row, const std::string& text) {
  const auto there = TRY(files.look(row.path));
  const host::Node node = there.value_or(host::Node{host::NodeKind::regular, row.mode, {}, 0, {}});
  return files.replace_safely(row.path, text, node.mode, node.owner);
}

// One record a uid, at uid times its size: lastlog(5) (glibc's struct lastlog on 64 bits), faillog(5).
struct LogRow {
  std::string_view path;
  std::size_t record;
};
constexpr std::array logs{LogRow{"/var/log/lastlog", 292}, LogRow{"/var/log/faillog", 32}};
// These files have holes and may seem huge; what is larger is left alone.
constexpr std::size_t max_log_bytes = 64U << 20U;

Result<void> reset_log(host::Files& files, const LogRow& log, const WriteAccounts& operation) {
  const auto node = TRY(files.look(log.path));
  if (!node || node->kind != host::NodeKind::regular || node->size == 0 || node->size > max_log_bytes) {
    return {};
  }
  const std::string before = TRY(files.read(log.path, max_log_bytes));
  std::string after = before;
  for (const auto& user : operation.users) {
    const auto start = static_cast<std::size_t>(user.uid) * log.record;
    if (user.reset_logs && start < after.size()) {
      std::fill_n(after.begin() + static_cast<std::ptrdiff_t>(start), std::min(log.record, after.size() - start), '\0');
    }
  }
  return after == before ? Result<void>() : files.replace_safely(log.path, after, node->mode, node->owner);
}

template <class Entry>
std::string count_of(const std::vector<Entry>& entries, std::string_view word) {
  const std::string number = std::to_string(entries.size());
  return number + " " + std::string(word) + (entries.size() == 1 ? "" : "s");
}

template <class Entry>
std::string list_of(const std::vector<Entry>& entries, std::string_view word) {
  constexpr std::size_t most = 8;
  if (entries.size() > most) {
    return count_of(entries, word);
  }
  std::string text = std::string(word) + (entries.size() == 1 ? "" : "s");
  for (const auto& entry : entries) {
    text += (&entry == entries.data() ? " " : ", ") + entry.name;
    text += entry.absent ? " (removed)" : entry.made ? "" : " (changed)";
  }
  return text;
}

std::string number_words(const WriteAccounts& operation) {
  if (operation.users.size() + operation.groups.size() > 8) {
    return {};
  }
  std::string text;
  const auto add = [&text](const std::string& words) { text += (text.empty() ? " (" : ", ") + words; };
  for (const auto& user : operation.users) {
    if (user.made) {
      add(user.name + " is uid " + std::to_string(user.uid) + ", gid " + std::to_string(user.gid));
    }
  }
  return text.empty() ? text : text + ")";
}

// --- The effect on the views

template <class View>
void put_view(std::vector<View>& views, View made) {
  const auto same =
      std::find_if(views.begin(), views.end(), [&](const View& view) { return view.in_etc && view.name == made.name; });
  if (same != views.end()) {
    *same = std::move(made);
    return;
  }
  const auto last = std::find_if(views.rbegin(), views.rend(), [](const View& view) { return view.in_etc; });
  views.insert(last.base(), std::move(made));
}

template <class View>
void erase_view(std::vector<View>& views, const std::string& name) {
  std::erase_if(views, [&](const View& view) { return view.in_etc && view.name == name; });
}

void put_password(std::vector<model::PasswordView>& views, const std::string& name, const Contents& password) {
  if (password.digest.empty()) {
    return;
  }
  const auto same = std::find_if(views.begin(), views.end(), [&](const auto& view) { return view.name == name; });
  if (same != views.end()) {
    same->digest = password.digest;
  } else {
    views.push_back({name, password.digest});
  }
}

void put_range(bool there, std::vector<model::SubRange>& ranges, const std::string& name, const IdRange& range) {
  const bool has_one = std::any_of(ranges.begin(), ranges.end(), [&](const auto& it) { return it.owner == name; });
  if (there && range.count > 0 && !has_one) {
    ranges.push_back({name, range.start, range.count});
  }
}

void predict_group(model::Inventory& inventory, const AccountGroup& group) {
  auto& [users, groups] = inventory.accounts;
  auto& files = inventory.account_files;
  if (group.absent) {
    erase_view(groups, group.name);
    std::erase_if(files.group_passwords, [&](const auto& view) { return view.name == group.name; });
    return;
  }
  model::GroupView view{group.name, group.gid, {}, true};
  const auto same =
      std::find_if(groups.begin(), groups.end(), [&](const auto& it) { return it.in_etc && it.name == group.name; });
  if (same != groups.end()) {
    view.members = same->members;
  }
  for (const auto& name : group.remove) {
    std::erase(view.members, name);
  }
  for (const auto& name : group.add) {
    if (std::find(view.members.begin(), view.members.end(), name) == view.members.end()) {
      view.members.push_back(name);
    }
  }
  put_view(groups, std::move(view));
  files.gshadow = files.gshadow || !group.password.from.empty();
  if (files.gshadow) {
    put_password(files.group_passwords, group.name, group.password);
  }
}

void predict_user(model::Inventory& inventory, const AccountUser& user) {
  auto& files = inventory.account_files;
  if (user.absent) {
    erase_view(inventory.accounts.users, user.name);
    for (auto& group : inventory.accounts.groups) {
      if (group.in_etc) {
        std::erase(group.members, user.name);
      }
    }
    std::erase_if(files.user_passwords, [&](const auto& view) { return view.name == user.name; });
    std::erase_if(files.sub_uids, [&](const auto& range) { return range.owner == user.name; });
    std::erase_if(files.sub_gids, [&](const auto& range) { return range.owner == user.name; });
    return;
  }
  put_view(inventory.accounts.users,
           model::UserView{user.name, user.uid, user.gid, user.gecos, user.home, user.shell, true});
  files.shadow = files.shadow || !user.password.from.empty();
  if (files.shadow) {
    put_password(files.user_passwords, user.name, user.password);
  }
  put_range(files.sub_uid, files.sub_uids, user.name, user.sub_uids);
  put_range(files.sub_gid, files.sub_gids, user.name, user.sub_gids);
}

}  // namespace

Result<Observation> observe(host::Host& host, const WriteAccounts& operation) {
  const Databases before = TRY(read_databases(host.target));
  // Asked for only where a password differs: the line break makes the texts differ too.
  const Databases after = TRY(with_accounts(before, operation, [](const Contents&) { return std::string("\n"); }));
  Observation seen;
  seen.state = before == after ? State::satisfied : State::absent;
  return seen;
}

Result<void> apply(Work& work, const WriteAccounts& operation) {
  host::Files& files = work.host.target;
  const auto lock = TRY_WHILE(files.lock(lock_path), "locking the accounts of the target");
  const Databases before = TRY(read_databases(files));
  const Databases after =
      TRY(with_accounts(before, operation, [&](const Contents& password) { return work.contents.bytes(password); }));
  for (const auto& log : logs) {
    TRY(reset_log(files, log, operation));
  }
  for (const auto& row : rows) {
    if (after.*row.text && before.*row.text != after.*row.text) {
      const std::string& text = *(after.*row.text);
      TRY(write_database(files, row, text));
      // A plan that is made anew would see of the later files alone whether this one is as wanted.
      if (work.safe_names && TRY(files.digest(row.path, HashFunction::sha256)) != Digest::sha256(text)) {
        return Error(Code::not_satisfied, "nothing failed, yet " + std::string(row.path) + " is another");
      }
    }
  }
  return {};
}

void predict(model::Inventory& inventory, const WriteAccounts& operation) {
  for (const auto& group : operation.groups) {
    predict_group(inventory, group);
  }
  for (const auto& user : operation.users) {
    predict_user(inventory, user);
  }
}

std::string describe(const WriteAccounts& operation) {
  std::string text = "write the accounts: ";
  if (!operation.groups.empty()) {
    text += list_of(operation.groups, "group");
  }
  if (!operation.users.empty()) {
    text += (operation.groups.empty() ? "" : "; ") + list_of(operation.users, "user");
  }
  return text + number_words(operation);
}

// Which of the files are there, or are made, is seen when they are labelled.
Traits traits(const WriteAccounts& operation) {
  Traits traits;
  traits.sync_path = "/etc";
  traits.keeps = true;
  traits.labels.emplace_back(lock_path);
  const bool ranges = std::any_of(operation.users.begin(), operation.users.end(), [](const auto& user) {
    return user.absent || user.sub_uids.count > 0 || user.sub_gids.count > 0;
  });
  for (const auto& row : rows) {
    if (ranges || !row.path.starts_with("/etc/sub")) {
      traits.labels.emplace_back(row.path);
    }
  }
  const bool logged =
      std::any_of(operation.users.begin(), operation.users.end(), [](const auto& user) { return user.reset_logs; });
  for (const auto& log : logs) {
    if (logged) {
      traits.labels.emplace_back(log.path);
    }
  }
  return traits;
}

}  // namespace provision::plan
