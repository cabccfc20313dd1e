// SPDX-License-Identifier: Apache-2.0
// Users and groups beside Debian's useradd, usermod, userdel, groupadd, groupmod and groupdel: the same configs on two
// equal roots, one written by those programs with the arguments that Ignition would give them, one by us. Afterwards
// the databases must be equal line by line, and the homes entry by entry. Every plan is also held against its
// prediction, and carried out again, which must change nothing.
//
// What differs on purpose, and is left out or evened out here:
// - subuid and subgid are compared as sets of lines: shadow sorts the file at each change, we leave others' lines
// alone.
// - a group of the new user's name that has no members is used, where useradd stops with status 9;
// - a name with a "/", "." and ".." are refused, which Debian's useradd takes;
// - without /etc/shadow a hash makes one, where useradd writes the hash into /etc/passwd, which everybody reads;
// - a range in subuid that stands there for a new user's name is kept, where useradd adds a second one;
// - a home with the home of another user in it is not removed, which Debian's userdel does;
// - a home or spool of another owner is left alone without a complaint, where userdel ends with status 12;
// - a set-id program in a home that moves to another file system, and whose owner gets another number, loses the bit,
// as
//   it does with usermod where the home moves on its own file system;
// - lastlog and faillog are not made longer where the number lies beyond their ends;
// - backups ("passwd-") are not written.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <functional>
#include <map>
#include <random>

#include "base/path.hpp"
#include "base/text.hpp"
#include "host/linux/linux_host.hpp"
#include "model/observe.hpp"
#include "plan/planners.hpp"
#include "spec/parse.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

namespace provision::test {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view passwd_text =
    "root:x:0:0:root:/root:/bin/bash\ndaemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin\n"
    "# a comment: kept\nmail:x:8:8:mail:/var/mail:/usr/sbin/nologin\n"
    "nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"
    "systemd-network:x:998:998:systemd Network Management:/:/usr/sbin/nologin\n"
    "old:x:1000:1000:Old User,,,:/home/old:/bin/bash\nmessagebus:x:100:102::/nonexistent:/usr/sbin/nologin\n";
constexpr std::string_view group_text =
    "root:x:0:\ndaemon:x:1:\nadm:x:4:old\nmail:x:8:\nsudo:x:27:old\nstaff:x:50:\nusers:x:100:\n"
    "nogroup:x:65534:\nold:x:1000:\nsystemd-journal:x:999:\nsystemd-network:x:998:\nmessagebus:x:102:\n";
constexpr std::string_view shadow_text =
    "root:*:19000:0:99999:7:::\ndaemon:*:19000:0:99999:7:::\nmail:*:19000:0:99999:7:::\n"
    "nobody:*:19000:0:99999:7:::\nsystemd-network:!*:19000::::::\nold:$6$old:19000:0:99999:7:::\n"
    "messagebus:!:19000::::::\n";
constexpr std::string_view gshadow_text =
    "root:*::\ndaemon:*::\nadm:*::old\nmail:*::\nsudo:*:old:old\nstaff:*::\nusers:*::\nnogroup:*::\nold:!::\n"
    "systemd-journal:!*::\nsystemd-network:!*::\nmessagebus:!::\n";
constexpr std::string_view debian_defs =
    "# comment\nMAIL_DIR        /var/mail\nUMASK\t\t022\nPASS_MAX_DAYS\t99999\nPASS_MIN_DAYS\t0\nPASS_WARN_AGE\t7\n"
    "UID_MIN\t\t\t 1000\nUID_MAX\t\t\t60000\nSUB_UID_MIN\t\t   100000\nSUB_UID_MAX\t\t600100000\n"
    "SUB_UID_COUNT\t\t    65536\nGID_MIN\t\t\t 1000\nGID_MAX\t\t\t60000\nSUB_GID_MIN\t\t   100000\n"
    "SUB_GID_MAX\t\t600100000\nSUB_GID_COUNT\t\t    65536\nUSERGROUPS_ENAB yes\nENCRYPT_METHOD SHA512\n";
constexpr std::string_view fedora_defs =
    "MAIL_DIR\t/var/spool/mail\nUMASK\t\t022\nHOME_MODE\t0700\nPASS_MAX_DAYS\t99999\nPASS_MIN_DAYS\t0\n"
    "PASS_WARN_AGE\t7\nUID_MIN                  1000\nUID_MAX                 60000\nSYS_UID_MIN               201\n"
    "SYS_UID_MAX               999\nSUB_UID_MIN\t\t   524288\nSUB_UID_MAX\t\t600100000\nSUB_UID_COUNT\t\t    65536\n"
    "GID_MIN                  1000\nGID_MAX                 60000\nSYS_GID_MIN               201\n"
    "SYS_GID_MAX               999\nSUB_GID_MIN\t\t   524288\nSUB_GID_MAX\t\t600100000\nSUB_GID_COUNT\t\t    65536\n"
    "USERGROUPS_ENAB yes\n";
constexpr std::string_view odd_defs =
    "UID_MIN 0x7d0\nUID_MAX 2004\nGID_MIN 3000\nGID_MAX 3500\nSYS_UID_MAX 500\nSYS_UID_MIN 498\nUMASK 027\n"
    "PASS_MAX_DAYS 90\nUSERGROUPS_ENAB no\nSUB_UID_COUNT 0\nSUB_GID_MIN 1000000\nSUB_GID_COUNT 10\n";
constexpr std::string_view debian_defaults = "# comment\nSHELL=/bin/sh\n# GROUP=100\n";
constexpr std::string_view fedora_defaults =
    "GROUP=100\nHOME=/home\nINACTIVE=-1\nEXPIRE=\nSHELL=/bin/bash\nSKEL=/etc/skel\nCREATE_MAIL_SPOOL=yes\n";
constexpr std::string_view odd_defaults =
    "GROUP=staff\nHOME=/srv/homes\nINACTIVE=30\nEXPIRE=2031-02-03\nSHELL=/bin/zsh\nSKEL=/etc/skel\n"
    "CREATE_MAIL_SPOOL=no\n";

struct Scenario {
  std::string name;
  // "debian", "fedora" or "odd": login.defs and /etc/default/useradd.
  std::string flavour;
  // Members of "passwd", one config after the other.
  std::vector<std::string> configs;
  // Changes to the root before.
  std::function<void(const std::string& root)> prepare{};
};

void put(const std::string& path, std::string_view text, mode_t mode = 0644) {
  fs::create_directories(fs::path(path).parent_path());
  write_file(path, text);
  REQUIRE(::chmod(path.c_str(), mode) == 0);
}

void make_root(const std::string& root, const Scenario& scenario) {
  put(root + "/etc/passwd", passwd_text);
  put(root + "/etc/group", group_text);
  put(root + "/etc/shadow", shadow_text, 0640);
  put(root + "/etc/gshadow", gshadow_text, 0640);
  REQUIRE(::chown((root + "/etc/shadow").c_str(), 0, 42) == 0);
  put(root + "/etc/subuid", scenario.flavour == "fedora" ? "old:524288:65536\n" : "old:100000:65536\n");
  put(root + "/etc/subgid", "");
  put(root + "/etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\ngshadow: files\n");
  const bool fedora = scenario.flavour == "fedora";
  const bool odd = scenario.flavour == "odd";
  put(root + "/etc/login.defs", odd ? odd_defs : fedora ? fedora_defs : debian_defs);
  put(root + "/etc/default/useradd", odd ? odd_defaults : fedora ? fedora_defaults : debian_defaults);
  put(root + "/etc/skel/.profile", "profile\n");
  put(root + "/etc/skel/.config/deep/er", "deep\n", 0640);
  put(root + "/etc/skel/bin/tool", "#!/bin/sh\n", 0755);
  put(root + "/etc/skel/set", "x", 04755);
  REQUIRE(::chmod((root + "/etc/skel/.config").c_str(), 0700) == 0);
  REQUIRE(::symlink("../etc/hosts", (root + "/etc/skel/relative").c_str()) == 0);
  REQUIRE(::symlink("/etc/skel/.profile", (root + "/etc/skel/inside").c_str()) == 0);
  REQUIRE(::symlink("/etc", (root + "/etc/skel/out").c_str()) == 0);
  for (const char* name : {"/home", "/srv/homes", "/var/mail", "/var/spool/mail", "/root", "/proc"}) {
    fs::create_directories(root + name);
  }
  put(root + "/home/old/file", "old\n");
  fs::create_directories(root + "/home/old/d");
  for (const char* name : {"/home/old", "/home/old/file", "/home/old/d"}) {
    REQUIRE(::chown((root + name).c_str(), 1000, 1000) == 0);
  }
  if (scenario.prepare) {
    scenario.prepare(root);
  }
}

// Kind, mode, owner and content of everything in there.
std::map<std::string, std::string> tree(const std::string& root) {
  std::map<std::string, std::string> entries;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    const std::string path = entry.path().string();
    struct stat status {};
    REQUIRE(::lstat(path.c_str(), &status) == 0);
    std::string text = fmt::format("{:o} {}:{}", status.st_mode, status.st_uid, status.st_gid);
    if (S_ISLNK(status.st_mode)) {
      text += " -> " + fs::read_symlink(entry.path()).string();
    } else if (S_ISREG(status.st_mode)) {
      text += " " + host::LinuxFiles("/").read(path, 1U << 24U).value();
    }
    entries[path.substr(root.size())] = text;
  }
  return entries;
}

bool is_left_out(const std::string& path) { return path.ends_with('-') || path == "/etc/.pwd.lock"; }

std::string sorted_lines(const std::string& text) {
  std::vector<std::string> lines;
  for (const auto line : split(text, '\n')) {
    lines.emplace_back(line);
  }
  std::sort(lines.begin() + 1, lines.end());
  return join(lines, "\n");
}

std::vector<std::string> differences(const std::string& peer, const std::string& own) {
  auto theirs = tree(peer);
  auto ours = tree(own);
  for (auto* entries : {&theirs, &ours}) {
    std::erase_if(*entries, [](const auto& entry) { return is_left_out(entry.first); });
    for (const char* path : {"/etc/subuid", "/etc/subgid"}) {
      if (entries->contains(path)) {
        (*entries)[path] = sorted_lines((*entries)[path]);
      }
    }
  }
  std::vector<std::string> found;
  for (const auto& [path, text] : theirs) {
    if (!ours.contains(path) || ours[path] != text) {
      found.push_back(path + "\n  theirs: " + text + "\n  ours: " + (ours.contains(path) ? ours[path] : "nothing"));
    }
  }
  for (const auto& [path, text] : ours) {
    if (!theirs.contains(path)) {
      found.push_back(path + "\n  theirs: nothing\n  ours: " + text);
    }
  }
  return found;
}

// --- The peers

int run(const std::string& root, const std::string& program, std::vector<std::string> arguments) {
  arguments.insert(arguments.begin(), {"--root", root});
  host::LinuxProcesses processes;
  // useradd copies a directory of the skeleton only where glibc finds /proc.
  const std::string proc = root + "/proc";
  REQUIRE(::mount("proc", proc.c_str(), "proc", 0, nullptr) == 0);
  const auto exit = processes.run({program, std::move(arguments), "", std::chrono::seconds(60)});
  REQUIRE(::umount(proc.c_str()) == 0);
  REQUIRE(why(exit).empty());
  return exit->status;
}

bool given(const std::optional<std::string>& text) { return text && !text->empty(); }

void option(std::vector<std::string>& arguments, const char* name, const std::string& value) {
  arguments.insert(arguments.end(), {name, value});
}

int peer_group(const std::string& root, const spec::Group& group, bool exists) {
  if (!group.should_exist.value_or(true)) {
    return exists ? run(root, "groupdel", {group.name}) : 0;
  }
  std::vector<std::string> arguments;
  if (group.gid) {
    option(arguments, "--gid", std::to_string(*group.gid));
  }
  if (given(group.password_hash)) {
    option(arguments, "--password", *group.password_hash);
  } else if (!exists) {
    option(arguments, "--password", "*");
  }
  if (group.system.value_or(false) && !exists) {
    arguments.emplace_back("--system");
  }
  if (arguments.empty()) {
    return 0;
  }
  arguments.push_back(group.name);
  return run(root, exists ? "groupmod" : "groupadd", arguments);
}

int peer_user(const std::string& root, const spec::User& user, bool exists) {
  if (!user.should_exist.value_or(true)) {
    return exists ? run(root, "userdel", {"--remove", user.name}) : 0;
  }
  std::vector<std::string> arguments;
  if (given(user.home_dir)) {
    option(arguments, exists ? "--home" : "--home-dir", *user.home_dir);
    if (exists) {
      arguments.emplace_back("--move-home");
    }
  }
  if (!exists) {
    arguments.emplace_back(user.no_create_home.value_or(false) ? "--no-create-home" : "--create-home");
    for (const auto& [flag, name] :
         {std::pair{user.no_user_group, "--no-user-group"}, std::pair{user.system, "--system"},
          std::pair{user.no_log_init, "--no-log-init"}}) {
      if (flag.value_or(false)) {
        arguments.emplace_back(name);
      }
    }
  }
  if (user.password_hash || !exists) {
    option(arguments, "--password", given(user.password_hash) ? *user.password_hash : "*");
  }
  if (user.uid) {
    option(arguments, "--uid", std::to_string(*user.uid));
  }
  for (const auto& [text, name] :
       {std::pair{user.gecos, "--comment"}, std::pair{user.primary_group, "--gid"}, std::pair{user.shell, "--shell"}}) {
    if (given(text)) {
      option(arguments, name, *text);
    }
  }
  if (!user.groups.empty()) {
    option(arguments, "--groups", join(user.groups, ","));
  }
  if (exists && arguments.empty()) {
    return 0;
  }
  arguments.push_back(user.name);
  return run(root, exists ? "usermod" : "useradd", arguments);
}

// The status of the first that fails.
int peers(const std::string& root, const spec::Passwd& passwd) {
  host::LinuxFiles files(root);
  for (const auto& group : passwd.groups) {
    const auto accounts = model::read_accounts(files);
    if (const int status = peer_group(root, group, accounts->group(group.name) != nullptr); status != 0) {
      return status;
    }
  }
  for (const auto& user : passwd.users) {
    const auto accounts = model::read_accounts(files);
    if (const int status = peer_user(root, user, accounts->user(user.name) != nullptr); status != 0) {
      return status;
    }
  }
  return 0;
}

// --- Ours

spec::Parsed parsed(const std::string& members) {
  auto config = spec::parse("c", R"({"ignition": {"version": "3.4.0"}, "passwd": {)" + members + "}}");
  REQUIRE(config.config);
  return config;
}

Result<void> carry_out(host::Host& host, const spec::Parsed& config, const plan::Plan& plan) {
  const plan::ContentSource contents(*config.config);
  for (const auto& step : plan.steps) {
    INFO(step.id);
    plan::Work work{host, contents};
    TRY(plan::apply(work, step.operation));
    const auto seen = TRY(plan::observe(host, step.operation));
    CHECK(seen.state == plan::State::satisfied);
  }
  return {};
}

// Without what tells of the provisioning, which the peers do not write.
Result<plan::Plan> planned(const spec::Parsed& config, const model::Inventory& inventory) {
  plan::Plan plan = TRY(plan::plan_files({config, inventory}));
  std::erase_if(plan.steps,
                [](const plan::Step& step) { return std::holds_alternative<plan::PutResult>(step.operation); });
  return plan;
}

// Plans, checks the prediction, and does it all once more.
Result<void> provide(const std::string& root, const spec::Parsed& config) {
  host::LinuxHost machine(root, root + ".state");
  host::Host host = machine.host();
  const auto before = TRY(model::observe(host, config, {.files = true}));
  const plan::Plan plan = TRY(planned(config, before));
  TRY(carry_out(host, config, plan));
  const auto after = TRY(model::observe(host, config, {.files = true}));
  auto predicted = plan::predicted(before, plan);
  CHECK(predicted.accounts == after.accounts);
  CHECK(predicted.account_files.user_passwords == after.account_files.user_passwords);
  CHECK(predicted.account_files.sub_uids == after.account_files.sub_uids);
  CHECK(predicted.account_files.sub_gids == after.account_files.sub_gids);
  for (const auto& view : after.files) {
    CAPTURE(view.path);
    const auto* foreseen = predicted.file(view.path);
    const bool is_copy = view.path.find("/.ssh/") != std::string::npos;
    CHECK((is_copy || (foreseen != nullptr && *foreseen == view)));
  }
  const auto first = tree(root);
  CHECK(planned(config, after)->steps.empty());
  TRY(carry_out(host, config, plan));
  CHECK(tree(root) == first);
  return {};
}

void compare(const Scenario& scenario) {
  CAPTURE(scenario.name);
  const std::string peer = new_folder();
  const std::string own = new_folder();
  make_root(peer, scenario);
  make_root(own, scenario);
  for (const auto& members : scenario.configs) {
    CAPTURE(members);
    const auto config = parsed(members);
    int status = peers(peer, config.config->passwd);
    const bool is_userdel = members.find("shouldExist") != std::string::npos;
    status = status == 12 && is_userdel ? 0 : status;
    const auto result = provide(own, config);
    INFO("peer's status " << status << ", ours: " << why(result));
    if (status == 9 && result) {
      break;  // a group of the user's name is there
    }
    CHECK((status == 0) == result.has_value());
    if (status != 0 || !result) {
      break;
    }
    const auto found = differences(peer, own);
    for (const auto& one : found) {
      FAIL_CHECK(one);
    }
    if (!found.empty()) {
      break;
    }
  }
  fs::remove_all(peer);
  fs::remove_all(own);
}

std::string user(const std::string& fields) { return R"("users": [{)" + fields + "}]"; }
std::string group(const std::string& fields) { return R"("groups": [{)" + fields + "}]"; }

std::vector<Scenario> scenarios_of_users(const std::string& flavour) {
  const std::string n = R"("name": "core")";
  return {
      {"plain", flavour, {user(n)}},
      {"hash", flavour, {user(n + R"(, "passwordHash": "$y$j9T$abc$def")")}},
      {"empty hash", flavour, {user(n + R"(, "passwordHash": "")")}},
      {"system", flavour, {user(n + R"(, "system": true)")}},
      {"two system ones", flavour, {R"("users": [{"name": "s1", "system": true}, {"name": "s2", "system": true}])"}},
      {"no home", flavour, {user(n + R"(, "noCreateHome": true)")}},
      {"own home", flavour, {user(n + R"(, "homeDir": "/var/lib/a/b")")}},
      {"no group", flavour, {user(n + R"(, "noUserGroup": true)")}},
      {"primary group", flavour, {user(n + R"(, "primaryGroup": "staff")")}},
      {"primary group by number", flavour, {user(n + R"(, "primaryGroup": "50", "noUserGroup": true)")}},
      {"groups", flavour, {user(n + R"(, "groups": ["sudo", "adm", "27"], "gecos": "A B,,,", "shell": "/bin/ksh")")}},
      {"uid", flavour, {user(n + R"(, "uid": 1234)")}},
      {"low uid", flavour, {user(n + R"(, "uid": 500)")}},
      {"high uid", flavour, {user(n + R"(, "uid": 70000)")}},
      {"system with uid", flavour, {user(n + R"(, "uid": 77, "system": true)")}},
      {"uid taken", flavour, {user(n + R"(, "uid": 8)")}},
      {"unknown group", flavour, {user(n + R"(, "groups": ["nosuch"])")}},
      {"unknown primary group", flavour, {user(n + R"(, "primaryGroup": "nosuch")")}},
      {"three", flavour, {R"("users": [{"name": "a"}, {"name": "b", "uid": 1100}, {"name": "c"}])"}},
      {"last uid", flavour, {R"("users": [{"name": "a", "uid": 60000}, {"name": "b"}, {"name": "c"}])"}},
      {"modified",
       flavour,
       {user(
           R"("name": "old", "gecos": "New", "shell": "/bin/sh", "groups": ["users", "adm"], "passwordHash": "$5$n")")}},
      {"numbers changed", flavour, {user(R"("name": "old", "uid": 1500, "primaryGroup": "users")")}},
      {"home moved", flavour, {user(R"("name": "old", "homeDir": "/home/new")")}},
      {"home moved and numbers", flavour, {user(R"("name": "old", "homeDir": "/srv/o", "uid": 1777)")}},
      {"removed", flavour, {user(R"("name": "old", "shouldExist": false)")}},
      {"removed and made", flavour, {user(R"("name": "old", "shouldExist": false)"), user(R"("name": "old")")}},
      {"no such", flavour, {user(R"("name": "none", "shouldExist": false)")}},
      {"made, changed, removed",
       flavour,
       {user(n), user(n + R"(, "groups": ["sudo"], "passwordHash": "x")"), user(n + R"(, "shouldExist": false)")}},
      {"group", flavour, {group(R"("name": "g")")}},
      {"group with number and hash", flavour, {group(R"("name": "g", "gid": 1500, "passwordHash": "$6$g")")}},
      {"system group", flavour, {group(R"("name": "g", "system": true)")}},
      {"group number taken", flavour, {group(R"("name": "g", "gid": 50)")}},
      {"group changed", flavour, {group(R"("name": "staff", "gid": 1501, "passwordHash": "$6$h")")}},
      {"primary group changed", flavour, {group(R"("name": "old", "gid": 1502)")}},
      {"group removed", flavour, {group(R"("name": "staff", "shouldExist": false)")}},
      {"primary group not removed", flavour, {group(R"("name": "old", "shouldExist": false)")}},
      {"group and members", flavour, {R"("groups": [{"name": "g"}, {"name": "h", "gid": 1600}],
           "users": [{"name": "a", "groups": ["g", "h"]}, {"name": "b", "primaryGroup": "g", "groups": ["h"]}])"}},
      {"root", flavour, {user(R"("name": "root", "passwordHash": "$6$r", "shell": "/bin/zsh")")}},
  };
}

// lastlog and faillog in which every number up to 1099 has been seen.
void put_logs(const std::string& root) {
  constexpr std::size_t numbers = 1100;
  for (const auto& [path, record] :
       {std::pair<std::string, std::size_t>{"/var/log/lastlog", 292}, {"/var/log/faillog", 32}}) {
    std::string text;
    for (std::size_t uid = 0; uid < numbers; ++uid) {
      text += fmt::format("{:*<{}}", uid, record);
    }
    put(root + path, text, 0664);
    REQUIRE(::chown((root + path).c_str(), 0, 43) == 0);
  }
}

std::vector<Scenario> scenarios_of_roots() {
  const std::string one = user(R"("name": "core", "groups": ["adm"], "passwordHash": "$6$x")");
  const auto add = [](const char* file, const char* text) {
    return [=](const std::string& root) {
      const std::string path = root + file;
      put(path, host::LinuxFiles("/").read(path, 1U << 20U).value() + text);
    };
  };
  const auto without = [](const char* file) { return [=](const std::string& root) { fs::remove(root + file); }; };
  return {
      {"nis", "debian", {one}, add("/etc/passwd", "+@netgroup\n+::::::\n")},
      {"nis in group", "debian", {one}, add("/etc/group", "+:::\n")},
      {"bad lines", "debian", {one}, add("/etc/passwd", "\nbroken\nx:y\n# end")},
      {"left-over shadow", "debian", {one}, add("/etc/shadow", "core:left:1:2:3:4:5:6:\n")},
      {"gaps in subuid", "debian", {one, user(R"("name": "b")")}, add("/etc/subuid", "a:200000:10\nz:300000:65536\n")},
      {"no subuid", "debian", {one}, without("/etc/subuid")},
      {"no gshadow", "debian", {one}, without("/etc/gshadow")},
      {"no login.defs", "debian", {one, user(R"("name": "s", "system": true)")}, without("/etc/login.defs")},
      {"no useradd defaults", "debian", {one}, without("/etc/default/useradd")},
      {"no skel", "debian", {one}, [](const std::string& root) { fs::remove_all(root + "/etc/skel"); }},
      {"a home is there", "debian", {one}, [](const std::string& root) { put(root + "/home/core/mine", "x"); }},
      {"a spool is there", "fedora", {one}, [](const std::string& root) { put(root + "/var/spool/mail/core", "x"); }},
      {"no group mail",
       "fedora",
       {one},
       [](const std::string& root) { put(root + "/etc/group", "root:x:0:\nadm:x:4:\nusers:x:100:\nold:x:1000:\n"); }},
      {"logs of earlier owners of the number", "debian", {user(R"("name": "core")")}, put_logs},
      {"logs that are not to be looked at", "debian", {user(R"("name": "core", "noLogInit": true)")}, put_logs},
      {"logs, and a system user", "debian", {user(R"("name": "core", "system": true)")}, put_logs},
      {"logs, and two users",
       "fedora",
       {R"("users": [{"name": "a", "uid": 7}, {"name": "b", "noLogInit": true}, {"name": "c"}])"},
       put_logs},
      {"home of another owner",
       "debian",
       {user(R"("name": "old", "shouldExist": false)")},
       [](const std::string& root) { REQUIRE(::chown((root + "/home/old").c_str(), 5, 5) == 0); }},
  };
}

// A config by chance, of few names, so that what one made another changes.
std::string random_config(std::mt19937_64& random) {
  const auto chance = [&](unsigned in) { return random() % in == 0; };
  const auto pick = [&](std::initializer_list<const char*> words) {
    return std::string(*(words.begin() + static_cast<std::ptrdiff_t>(random() % words.size())));
  };
  if (chance(3)) {
    std::string fields = R"("name": ")" + pick({"g1", "g2", "g3", "staff"}) + "\"";
    fields += chance(4) ? R"(, "shouldExist": false)" : "";
    fields += chance(3) ? R"(, "gid": )" + std::to_string(1200 + random() % 5) : "";
    fields += chance(3) ? R"(, "system": true)" : "";
    fields += chance(4) ? R"(, "passwordHash": "$6$)" + std::to_string(random() % 9) + "\"" : "";
    return group(fields);
  }
  std::string fields = R"("name": ")" + pick({"u1", "u2", "u3", "old"}) + "\"";
  fields += chance(5) ? R"(, "shouldExist": false)" : "";
  fields += chance(4) ? R"(, "uid": )" + std::to_string(1100 + random() % 5) : "";
  fields += chance(4) ? R"(, "system": true)" : "";
  fields += chance(3) ? R"(, "passwordHash": "$6$)" + std::to_string(random() % 9) + "\"" : "";
  fields += chance(4) ? R"(, "primaryGroup": ")" + pick({"users", "50", "adm"}) + "\"" : "";
  fields += chance(3) ? R"(, "groups": [")" + pick({"sudo", "adm"}) + R"(", "users"])" : "";
  fields +=
      chance(6) ? R"(, "homeDir": "/home/)" + pick({"x1", "x2", "x3"}) + std::to_string(random() % 100) + "\"" : "";
  fields += chance(6) ? R"(, "noCreateHome": true)" : "";
  fields += chance(6) ? R"(, "noUserGroup": true)" : "";
  fields += chance(5) ? R"(, "gecos": "G )" + std::to_string(random() % 9) + "\"" : "";
  fields += chance(5) ? R"(, "shell": "/bin/)" + pick({"sh", "zsh"}) + "\"" : "";
  return user(fields);
}

std::uint64_t base_seed() {
  const char* const seed = std::getenv("TEST_SEED");  // NOLINT(concurrency-mt-unsafe): nothing here sets it
  return seed == nullptr ? 1 : std::stoull(seed);
}

}  // namespace

#define NEED_PEERS()       \
  NEED_PRIVATE_FOLDER();   \
  NEED_PROGRAM("useradd"); \
  NEED_PROGRAM("usermod"); \
  NEED_PROGRAM("groupmod")

TEST_CASE("accounts: the same as Debian's programs, with Debian's settings") {
  NEED_PEERS();
  for (const auto& scenario : scenarios_of_users("debian")) {
    compare(scenario);
  }
}

TEST_CASE("accounts: the same as Debian's programs, with Fedora's settings") {
  NEED_PEERS();
  for (const auto& scenario : scenarios_of_users("fedora")) {
    compare(scenario);
  }
}

TEST_CASE("accounts: the same as Debian's programs, with odd settings") {
  NEED_PEERS();
  for (const auto& scenario : scenarios_of_users("odd")) {
    compare(scenario);
  }
}

TEST_CASE("accounts: the same as Debian's programs, on odd roots") {
  NEED_PEERS();
  for (const auto& scenario : scenarios_of_roots()) {
    compare(scenario);
  }
}

TEST_CASE("accounts: the same as Debian's programs, in sequences by chance") {
  NEED_PEERS();
  constexpr std::uint64_t sequences = 12;
  constexpr std::size_t length = 8;
  for (std::uint64_t i = 0; i < sequences; ++i) {
    std::mt19937_64 random(base_seed() * 1000 + i);
    Scenario scenario{"sequence " + std::to_string(base_seed() * 1000 + i), i % 2 == 0 ? "debian" : "fedora", {}};
    for (std::size_t k = 0; k < length; ++k) {
      scenario.configs.push_back(random_config(random));
    }
    compare(scenario);
  }
}

TEST_CASE("accounts: keys, and homes that try to lead out of the root") {
  NEED_PRIVATE_FOLDER();
  const std::string outside = new_folder();
  const std::string root = new_folder();
  make_root(root, {"keys", "debian", {}});
  REQUIRE(::symlink(outside.c_str(), (root + "/home/linked").c_str()) == 0);
  fs::create_directories(root + outside);
  put(root + "/etc/passwd", std::string(passwd_text) + "linked:x:1001:1000::/home/linked:/bin/sh\n");
  const auto config = parsed(R"("users": [
    {"name": "core", "sshAuthorizedKeys": ["ssh-ed25519 A", "ssh-rsa B"]},
    {"name": "bare", "noCreateHome": true, "sshAuthorizedKeys": ["k"]},
    {"name": "linked", "sshAuthorizedKeys": ["k"]}])");
  REQUIRE(why(provide(root, config)) == "");
  const auto now = tree(root);
  CHECK(now.at("/home/core/.ssh/authorized_keys.d/ignition") == "100600 1002:1002 ssh-ed25519 A\nssh-rsa B\n");
  CHECK(now.at("/home/core/.ssh") == "40700 1002:1002");
  CHECK(now.at("/home/core/.ssh/authorized_keys.d") == "40700 1002:1002");
  CHECK(now.at("/home/core") == "40755 1002:1002");
  CHECK(now.at("/home/bare") == "40700 1003:1003");
  CHECK(now.at(outside + "/.ssh/authorized_keys.d/ignition") == "100600 1001:1000 k\n");
  CHECK(tree(outside).empty());
  // A link in a home is somebody's trap, not a way.
  fs::remove_all(root + "/home/old/.ssh");
  REQUIRE(::symlink("/root", (root + "/home/old/.ssh").c_str()) == 0);
  const auto trapped = provide(root, parsed(R"("users": [{"name": "old", "sshAuthorizedKeys": ["k"]}])"));
  REQUIRE_FALSE(trapped);
  CHECK(trapped.error().code == Code::conflict);
  CHECK(fs::is_empty(root + "/root"));
}

TEST_CASE("accounts: the home of another user is never removed with the one around it") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  make_root(root, {"inside", "debian", {}});
  put(root + "/etc/passwd", std::string(passwd_text) + "in:x:1001:1001::/home/old/d:/bin/sh\n");
  REQUIRE(why(provide(root, parsed(R"("users": [{"name": "old", "shouldExist": false}])"))) == "");
  CHECK(fs::exists(root + "/home/old/d"));
}

TEST_CASE("accounts: what lastlog and faillog say about an earlier owner of a number is cleared, and nothing else") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  make_root(root, {"logs", "debian", {}, put_logs});
  const auto log = [&](const std::string& name) { return tree(root).at("/var/log/" + name); };
  const auto record = [&](const std::string& name, std::size_t uid, std::size_t size) {
    const std::string text = log(name);
    return text.substr(text.find(' ', text.find(' ') + 1) + 1 + uid * size, size);
  };
  const std::string before = log("lastlog");
  REQUIRE(why(provide(root, parsed(R"("users": [{"name": "core"}, {"name": "kept", "noLogInit": true}])"))) == "");
  CHECK(record("lastlog", 1001, 292) == std::string(292, '\0'));
  CHECK(record("faillog", 1001, 32) == std::string(32, '\0'));
  for (const std::size_t uid : {0U, 1000U, 1002U, 1099U}) {
    CAPTURE(uid);
    CHECK(record("lastlog", uid, 292) == fmt::format("{:*<292}", uid));
    CHECK(record("faillog", uid, 32) == fmt::format("{:*<32}", uid));
  }
  CHECK(log("lastlog").size() == before.size());
  CHECK(log("lastlog").starts_with("100664 0:43 "));
  // A number beyond their ends leaves them as they are.
  const std::string shorter = log("lastlog");
  REQUIRE(why(provide(root, parsed(R"("users": [{"name": "far", "uid": 30000}])"))) == "");
  CHECK(log("lastlog") == shorter);
}

TEST_CASE("accounts: a home moves to another file system whole, as usermod moves it") {
  NEED_PEERS();
  const Scenario moved{"moved far", "debian", {}};
  const auto make = [&](const std::string& root, mode_t program) {
    make_root(root, moved);
    fs::create_directories(root + "/mnt");
    REQUIRE(::mount("far", (root + "/mnt").c_str(), "tmpfs", 0, "size=64m,mode=0755") == 0);
    const std::string home = root + "/home/old";
    put(home + "/set", "program");
    put(home + "/one", "linked", 0640);
    REQUIRE(::link((home + "/one").c_str(), (home + "/d/two").c_str()) == 0);
    REQUIRE(::symlink("one", (home + "/relative").c_str()) == 0);
    REQUIRE(::symlink("/home/old/d/two", (home + "/inside").c_str()) == 0);
    REQUIRE(::symlink("/etc/hosts", (home + "/outside").c_str()) == 0);
    REQUIRE(::mkfifo((home + "/pipe").c_str(), 0620) == 0);
    REQUIRE(::mkdir((home + "/sticky").c_str(), 0700) == 0);
    REQUIRE(::chmod((home + "/sticky").c_str(), 03751) == 0);
    for (const char* name : {"set", "one", "relative", "inside", "outside", "pipe", "sticky"}) {
      REQUIRE(::lchown((home + "/" + name).c_str(), 1000, name == std::string("one") ? 5 : 1000) == 0);
    }
    REQUIRE(::chmod((home + "/set").c_str(), program) == 0);
    REQUIRE(::setxattr((home + "/one").c_str(), "trusted.note", "kept", 4, 0) == 0);
    REQUIRE(::setxattr((home + "/d").c_str(), "security.note", "kept", 4, 0) == 0);
    const host::Descriptor hole(::open((home + "/hole").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    REQUIRE(::pwrite(hole.get(), "end", 3, 8 << 20) == 3);
    const std::array<timespec, 2> times{timespec{1000, 5}, timespec{2000, 7}};
    for (const char* name : {"/set", "/one", "/relative", "/pipe", "/sticky", "/hole", "/d", ""}) {
      REQUIRE(::utimensat(AT_FDCWD, (home + name).c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0);
    }
  };
  const auto attribute = [](const std::string& path, const char* name) {
    std::array<char, 16> value{};
    const ssize_t size = ::getxattr(path.c_str(), name, value.data(), value.size());
    return std::string(value.data(), size < 0 ? 0 : static_cast<std::size_t>(size));
  };
  // With another number the bit would go.
  for (const std::string numbers : {"", R"(, "uid": 1777)"}) {
    CAPTURE(numbers);
    const mode_t program = numbers.empty() ? 04755 : 0755;
    const std::string peer = new_folder();
    const std::string own = new_folder();
    make(peer, program);
    make(own, program);
    const auto config = parsed(user(R"("name": "old", "homeDir": "/mnt/deep")" + numbers));
    REQUIRE(peers(peer, config.config->passwd) == 0);
    REQUIRE(why(provide(own, config)) == "");
    for (const auto& one : differences(peer, own)) {
      FAIL_CHECK(one);
    }
    CHECK_FALSE(fs::exists(own + "/home/old"));
    for (const char* name : {"/set", "/one", "/relative", "/pipe", "/sticky", "/hole", "/d", ""}) {
      CAPTURE(name);
      struct stat ours {};
      REQUIRE(::lstat((own + "/mnt/deep" + name).c_str(), &ours) == 0);
      CHECK(ours.st_mtim.tv_sec == 2000);
      CHECK(ours.st_mtim.tv_nsec == 7);
      CHECK((name != std::string("/hole") || ours.st_blocks < 1000));
    }
    CHECK(host::LinuxFiles(own).is_same("/mnt/deep/one", "/mnt/deep/d/two").value());
    CHECK(attribute(own + "/mnt/deep/one", "trusted.note") == "kept");
    CHECK(attribute(own + "/mnt/deep/d", "security.note") == "kept");
    CHECK(fs::read_symlink(own + "/mnt/deep/inside") == "/mnt/deep/d/two");
    REQUIRE(::umount((peer + "/mnt").c_str()) == 0);
    REQUIRE(::umount((own + "/mnt").c_str()) == 0);
    fs::remove_all(peer);
    fs::remove_all(own);
  }
}

TEST_CASE("accounts: a move to another file system that was interrupted goes on") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  make_root(root, {"interrupted", "debian", {}});
  fs::create_directories(root + "/mnt");
  REQUIRE(::mount("far", (root + "/mnt").c_str(), "tmpfs", 0, "size=64m,mode=0755") == 0);
  host::LinuxHost machine(root, root + ".state");
  host::Host host = machine.host();
  plan::MakeHome move;
  move.user = "old";
  move.path = "/mnt/old";
  move.moved_from = "/home/old";
  move.uid = move.gid = 1000;
  const auto config = parsed("");
  const plan::ContentSource contents(*config.config);
  plan::Work work{host, contents};
  // The copy is whole, and of the old home a part is gone.
  REQUIRE(why(host.target.copy_tree("/home/old", "/mnt/old", host::TreeTop::plain)) == "");
  fs::remove(root + "/home/old/file");
  CHECK(plan::observe(host, move)->state == plan::State::foreign);
  REQUIRE(why(plan::apply(work, move)) == "");
  CHECK(plan::observe(host, move)->state == plan::State::satisfied);
  CHECK(host.target.read("/mnt/old/file", 100).value() == "old\n");
  CHECK_FALSE(fs::exists(root + "/home/old"));
  // What is mounted in the old home is nobody's to move or to remove.
  fs::create_directories(root + "/home/old/mounted");
  REQUIRE(::mount("inner", (root + "/home/old/mounted").c_str(), "tmpfs", 0, "size=1m") == 0);
  put(root + "/home/old/mounted/precious", "data");
  const auto busy = plan::apply(work, move);
  REQUIRE_FALSE(busy);
  CHECK(busy.error().code == Code::conflict);
  fs::remove_all(root + "/mnt/old");
  const auto uncopied = plan::apply(work, move);
  REQUIRE_FALSE(uncopied);
  CHECK(uncopied.error().code == Code::conflict);
  CHECK(fs::exists(root + "/home/old/mounted/precious"));
  CHECK(fs::is_empty(root + "/mnt"));
  REQUIRE(::umount((root + "/home/old/mounted").c_str()) == 0);
  REQUIRE(::umount((root + "/mnt").c_str()) == 0);
}

TEST_CASE("accounts: the lock of passwd(1) is respected, and nothing is written without it") {
  NEED_PRIVATE_FOLDER();
  const std::string root = new_folder();
  make_root(root, {"lock", "debian", {}});
  host::LinuxFiles files(root);
  const auto before = tree(root + "/etc");
  {
    const auto held = files.lock("/etc/.pwd.lock");
    REQUIRE(held);
    CHECK_FALSE(files.lock("/etc/.pwd.lock"));
    CHECK_FALSE(provide(root, parsed(R"("users": [{"name": "core"}])")));
  }
  auto after = tree(root + "/etc");
  CHECK(after.erase("/.pwd.lock") == 1);
  CHECK(after == before);
  CHECK(files.lock("/etc/.pwd.lock"));
}

}  // namespace provision::test
