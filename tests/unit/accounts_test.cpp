// SPDX-License-Identifier: Apache-2.0
// The account databases as text: what is kept, what is written, and which numbers are chosen. The comparison with
// Debian's own programs is in tests/native.
#include <doctest/doctest.h>

#include <chrono>

#include "memory_files.hpp"
#include "model/accounts.hpp"
#include "plan/accounts/databases.hpp"
#include "plan/accounts/ids.hpp"
#include "plan/accounts/lines.hpp"
#include "plan/planners.hpp"

using namespace provision;

namespace {

plan::Databases databases() {
  plan::Databases all;
  all.passwd = "root:x:0:0:root:/root:/bin/sh\n#c\n old:x:1:1::/:/\nold:x:1000:1000:O:/home/old:/bin/sh\n";
  all.shadow = "root:*:1:::::: \nold:$6$o:19000:0:99999:7:::\n";
  all.group = "root:x:0:\nadm:x:4:a,old,b\nold:x:1000:\n";
  all.gshadow = "root:*::\nadm:!:old:a,old,b\nold:!::\n";
  all.sub_uid = "old:100000:65536\n";
  return all;
}

plan::AccountUser new_user() {
  plan::AccountUser user;
  user.name = "core";
  user.made = true;
  user.uid = 1001;
  user.gid = 1001;
  user.home = "/home/core";
  user.shell = "/bin/sh";
  user.password = plan::generated("*");
  user.changed = 20000;
  user.max_days = 90;
  user.sub_uids = {165536, 65536};
  user.sub_gids = {165536, 65536};
  return user;
}

plan::Contents hash(const std::string& text) {
  plan::Contents contents;
  contents.from = "$.passwd.users.0.passwordHash";
  contents.digest = Digest::sha256(text);
  return contents;
}

plan::Databases changed(const plan::Databases& before, const plan::WriteAccounts& wanted,
                        const std::string& password = "never asked for") {
  const auto after = plan::with_accounts(before, wanted, [&](const plan::Contents& contents) -> Result<std::string> {
    return contents.from.empty() ? contents.text : password;
  });
  REQUIRE(after);
  const auto again = plan::with_accounts(*after, wanted, [](const plan::Contents&) -> Result<std::string> {
    return Error(Code::internal, "asked again");
  });
  REQUIRE(again);
  CHECK(*again == *after);
  return *after;
}

}  // namespace

TEST_CASE("accounts: a new user is added to each database, and every other line stays as it is") {
  plan::WriteAccounts wanted;
  wanted.users = {new_user()};
  const auto before = databases();
  const auto after = changed(before, wanted);
  CHECK(*after.passwd == *before.passwd + "core:x:1001:1001::/home/core:/bin/sh\n");
  CHECK(*after.shadow == *before.shadow + "core:*:20000::90::::\n");
  CHECK(*after.sub_uid == *before.sub_uid + "core:165536:65536\n");
  CHECK(after.group == before.group);
  CHECK_FALSE(after.sub_gid);
}

TEST_CASE("accounts: lines for NIS stay last, and a missing line break comes only with a change") {
  plan::Databases before = databases();
  before.passwd = "root:x:0:0:root:/root:/bin/sh\n+@net\n-bad\n+::::::";
  CHECK(*changed(before, {}).passwd == *before.passwd);
  plan::WriteAccounts wanted;
  wanted.users = {new_user()};
  CHECK(*changed(before, wanted).passwd ==
        "root:x:0:0:root:/root:/bin/sh\ncore:x:1001:1001::/home/core:/bin/sh\n+@net\n-bad\n+::::::\n");
}

TEST_CASE("accounts: a changed password takes its day with it, the same one leaves everything") {
  plan::WriteAccounts wanted;
  wanted.users = {new_user()};
  wanted.users[0].name = "old";
  wanted.users[0].made = false;
  wanted.users[0].uid = wanted.users[0].gid = 1000;
  wanted.users[0].gecos = "O";
  wanted.users[0].home = "/home/old";
  wanted.users[0].password = hash("$6$n");
  wanted.users[0].changed = 20001;
  CHECK(*changed(databases(), wanted, "$6$n").shadow == "root:*:1:::::: \nold:$6$n:20001:0:99999:7:::\n");
  wanted.users[0].password = hash("$6$o");
  CHECK(changed(databases(), wanted) == databases());
}

TEST_CASE("accounts: a user that goes, goes from everywhere") {
  plan::WriteAccounts wanted;
  wanted.users.push_back({});
  wanted.users[0].name = "old";
  wanted.users[0].absent = true;
  wanted.groups.push_back({});
  wanted.groups[0].name = "old";
  wanted.groups[0].absent = true;
  const auto after = changed(databases(), wanted);
  CHECK(*after.passwd == "root:x:0:0:root:/root:/bin/sh\n#c\n old:x:1:1::/:/\n");
  CHECK(*after.shadow == "root:*:1:::::: \n");
  CHECK(*after.group == "root:x:0:\nadm:x:4:a,b\n");
  CHECK(*after.gshadow == "root:*::\nadm:!::a,b\n");
  CHECK(after.sub_uid->empty());
}

TEST_CASE("accounts: members come and go, in the group and in its shadow") {
  plan::WriteAccounts wanted;
  plan::AccountGroup group;
  group.name = "adm";
  group.gid = 5;
  group.add = {"core", "a"};
  group.remove = {"old"};
  wanted.groups = {group};
  const auto after = changed(databases(), wanted);
  CHECK(*after.group == "root:x:0:\nadm:x:5:a,b,core\nold:x:1000:\n");
  CHECK(*after.gshadow == "root:*::\nadm:!:old:a,b,core\nold:!::\n");
}

TEST_CASE("accounts: a hash never goes where everybody reads it") {
  plan::Databases before = databases();
  before.shadow.reset();
  before.gshadow.reset();
  plan::WriteAccounts wanted;
  wanted.users = {new_user()};
  plan::AccountGroup group;
  group.name = "g";
  group.made = true;
  group.gid = 7;
  group.password = plan::generated("*");
  wanted.groups = {group};
  auto after = changed(before, wanted);
  CHECK(after.passwd->ends_with("core:*:1001:1001::/home/core:/bin/sh\n"));
  CHECK(after.group->ends_with("g:*:7:\n"));
  CHECK_FALSE(after.shadow);
  wanted.users[0].password = hash("$6$s");
  wanted.groups[0].password = hash("$6$s");
  after = changed(before, wanted, "$6$s");
  CHECK(after.passwd->ends_with("core:x:1001:1001::/home/core:/bin/sh\n"));
  CHECK(*after.shadow == "core:$6$s:20000::90::::\n");
  CHECK(*after.gshadow == "g:$6$s::\n");
  CHECK(after.group->find("$6$") == std::string::npos);
}

TEST_CASE("accounts: numbers") {
  plan::Ids ids;
  CHECK(ids.next(1000, 1002) == 1000);
  ids.take(1001);
  CHECK(ids.next(1000, 1002) == 1002);
  ids.take(1002);
  CHECK(ids.next(1000, 1002) == 1000);
  ids.take(1000);
  CHECK_FALSE(ids.next(1000, 1002));
  CHECK_FALSE(ids.next(5, 4));
  ids.take(1001);
  ids.release(1001);
  CHECK(ids.is_taken(1001));
  ids.release(1001);
  CHECK_FALSE(ids.is_taken(1001));
  plan::Ids system;
  CHECK(system.next_system(101, 103) == 103);
  system.take(102);
  CHECK(system.next_system(101, 103) == 101);
  system.take(101);
  CHECK(system.next_system(101, 103) == 103);
  system.take(103);
  CHECK(system.next_system(101, 103) == 100);
}

TEST_CASE("accounts: ranges of subordinate ids") {
  CHECK(plan::free_range({}, 100, 199, 50)->start == 100);
  CHECK(plan::free_range({{"a", 100, 50}}, 100, 199, 50)->start == 150);
  CHECK(plan::free_range({{"b", 180, 5}, {"a", 100, 10}}, 100, 300, 50)->start == 110);
  CHECK_FALSE(plan::free_range({{"a", 120, 50}}, 100, 199, 50));
  CHECK(plan::free_range({}, 100, 199, 0)->count == 0);
}

TEST_CASE("accounts: lines that glibc skips are skipped") {
  CHECK(model::user_of(" a:x:1:2:g:/h:/s")->name == "a");
  CHECK(model::user_of("a:x:1:2")->home.empty());
  for (const char* line : {"", "#a:x:1:2:::", "+a:x:1:2:::", "-a:x:1:2:::", "a:x:b:2:::", "a:x:1",
                           "a:x:-1:2:::", "a:x:1:99999999999:::"}) {
    CAPTURE(line);
    CHECK_FALSE(model::user_of(line));
  }
  CHECK(model::group_of("g:x:1:a, b,,c")->members == std::vector<std::string>{"a", "b", "c"});
  CHECK_FALSE(model::group_of("g:x:"));
}

TEST_CASE("accounts: login.defs and useradd's defaults") {
  model::AccountRules rules;
  model::read_login_defs("#UID_MIN 5\nUID_MIN\t 0x10\n UMASK 027\nUID_MAX bad\nUSERGROUPS_ENAB yes\nGID_MIN 500\n",
                         rules);
  CHECK(rules.uid_min == 16);
  CHECK(rules.sys_uid_max == 15);
  CHECK(rules.sys_gid_max == 499);
  CHECK(rules.uid_max == 60000);
  CHECK(rules.umask == 027);
  CHECK(rules.user_groups);
  model::read_useradd_defaults(
      "SHELL=/bin/x\n# HOME=/no\nEXPIRE=1970-01-11\nINACTIVE=3\nCREATE_MAIL_SPOOL=yes\nSKEL=\n", rules);
  CHECK(rules.shell == "/bin/x");
  CHECK(rules.home == "/home");
  CHECK(rules.skel == "/etc/skel");
  CHECK(rules.expire == 10);
  CHECK(rules.inactive == 3);
  CHECK(rules.mail_spool);
  CHECK(model::day_of("2026-11-25T00:00:00Z") == 20782);
  CHECK_FALSE(model::day_of("2026-13-25"));
}

TEST_CASE("accounts: the databases that nsswitch.conf names are read in its order") {
  test::MemoryFiles files;
  files.contents = {{"/etc/passwd", "root:x:0:0:::\n"},
                    {"/etc/group", "root:x:0:\n"},
                    {"/usr/lib/passwd", "root:x:0:0::/elsewhere:\nbin:x:1:1:::\n"},
                    {"/usr/lib/group", "bin:x:1:\n"},
                    {"/usr/share/baselayout/group", "docker:x:2:\n"}};
  CHECK(model::read_accounts(files)->users.size() == 1);
  files.contents["/etc/nsswitch.conf"] =
      "# passwd: none\npasswd:\tfiles altfiles [NOTFOUND=return] sss  # all\ngroup: usrfiles files altfiles\n";
  const auto accounts = model::read_accounts(files);
  REQUIRE(accounts);
  CHECK(accounts->users.size() == 3);
  CHECK(accounts->user("root")->home.empty());
  CHECK_FALSE(accounts->user("bin")->in_etc);
  REQUIRE(accounts->groups.size() == 3);
  CHECK(accounts->groups[0].name == "docker");
  CHECK(accounts->group("root")->in_etc);
}

// Text alone: no files, no programs. The bound is far above what it takes, so that no busy machine fails it.
TEST_CASE("accounts: a thousand users take well under a second") {
  std::string users;
  for (int i = 0; i < 1000; ++i) {
    users += (i == 0 ? "" : ",") + std::string(R"({"name": "user)") + std::to_string(i) +
             R"(", "passwordHash": "$6$x", "groups": ["adm"]})";
  }
  const auto parsed = spec::parse("c", R"({"ignition": {"version": "3.4.0"}, "passwd": {"users": [)" + users + "]}}");
  REQUIRE(parsed.config);
  model::Inventory inventory;
  inventory.accounts.groups = {{"adm", 4, {}, true}};
  inventory.account_files.shadow = true;
  inventory.account_files.sub_uid = true;
  inventory.account_files.rules.user_groups = true;
  const auto start = std::chrono::steady_clock::now();
  plan::Plan plan;
  REQUIRE(plan::plan_accounts({parsed, inventory}, plan));
  const auto& wanted = std::get<plan::WriteAccounts>(plan.steps.back().operation);
  const plan::ContentSource source(*parsed.config);
  const auto after =
      plan::with_accounts(databases(), wanted, [&](const plan::Contents& contents) { return source.bytes(contents); });
  const auto took = std::chrono::steady_clock::now() - start;
  REQUIRE(after);
  CHECK(after->passwd->find("\nuser999:x:1999:1999::/home/user999:/bin/bash\n") != std::string::npos);
  const auto milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(took).count();
  MESSAGE("1,000 users planned and written as text in " << milliseconds << " ms");
  CHECK(milliseconds < 5000);
}
