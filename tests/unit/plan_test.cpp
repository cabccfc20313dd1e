// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "fields/json.hpp"
#include "plan/identity.hpp"
#include "plan/plan.hpp"

using namespace provision;

namespace {

plan::Plan plan_of_all_operations() {
  plan::Plan plan;
  plan.stage = "disks";
  host::Table table;
  table.kind = host::TableKind::gpt;
  table.disk_guid = Uuid::derive({"d"});
  table.partitions = {{1, 2048, 4096, Uuid::derive({"t"}), Uuid::derive({"p"}), "label: \"x\""}};
  table.first = 34;
  table.last = 99999;
  const host::DeviceRef device{"/dev/disk/by-partlabel/x", "/dev/vdb", 1};
  const auto add = [&](const std::string& id, plan::Operation operation) {
    plan.steps.push_back({id, std::move(operation), "why", {"c.json", 3, 4, "$.x"}, {"before"}, "absent", "*", true});
  };
  add("a", plan::WriteTable{{"/dev/vdb", "", 0}, 512, table});
  add("b", plan::MakeFilesystem{device, "ext4", "l", Uuid::derive({"f"}).text(), {"-O", "x"}});
  add("c", plan::Mount{device, "/var", "ext4", {"noatime"}});
  add("d",
      plan::PutFile{"/etc/x", plan::generated("text"), {plan::generated("more")}, {}, {}, 0600, 1, 2, true, "/etc"});
  add("e", plan::PutUnit{"x.service", "a.conf", plan::generated(""), true});
  add("f", plan::PutDirectory{"/etc/d", 0700, 1, 2, true});
  add("g", plan::PutLink{"/etc/l", "x", true, 1, 2, true});
  add("h", plan::RemoveLink{"/etc/l", "x"});
  add("i", plan::PutResult{false, Digest::sha256("a"), {}});
  add("j", plan::Relabel{"targeted", {"/etc/x"}});
  plan::WriteAccounts accounts;
  accounts.groups = {{"g", false, true, 5, plan::generated("*"), {"a"}, {"b"}}};
  accounts.users = {{"a",
                     false,
                     true,
                     1,
                     2,
                     "G",
                     "/home/a",
                     "/bin/sh",
                     plan::generated("*"),
                     3,
                     4,
                     5,
                     6,
                     7,
                     8,
                     {9, 10},
                     {11, 12},
                     true}};
  add("k", accounts);
  add("l", plan::MakeHome{"a",
                          "/home/a",
                          1,
                          2,
                          0711,
                          true,
                          "/etc/skel",
                          "/home/b",
                          3,
                          4,
                          {"/home/a/x"},
                          "/var/mail/a",
                          8,
                          0600,
                          false});
  return plan;
}

Result<plan::Plan> read_back(const std::string& text) {
  fields::Document document("plan", text);
  TRY(fields::parse_json(document));
  return plan::from_value(document.root());
}

}  // namespace

TEST_CASE("plan: a stored plan is read back as the same value") {
  const plan::Plan plan = plan_of_all_operations();
  const auto again = read_back(fields::write_json(plan::to_value(plan)));
  REQUIRE(again);
  CHECK(*again == plan);
}

TEST_CASE("plan: every operation names itself and says what it does") {
  for (const auto& step : plan_of_all_operations().steps) {
    CHECK_FALSE(plan::kind_of(step.operation).empty());
    CHECK(plan::describe(step.operation).size() > 10);
  }
}

TEST_CASE("plan: a stored plan with anything unknown is refused whole") {
  std::string text = fields::write_json(plan::to_value(plan_of_all_operations()));
  const auto replaced = [&](const std::string& old, const std::string& with) {
    std::string changed = text;
    changed.replace(changed.find(old), old.size(), with);
    return read_back(changed);
  };
  CHECK(replaced("\"put-file\"", "\"put-fire\"").error().code == Code::journal_damaged);
  CHECK(replaced("\"mode\"", "\"mood\"").error().code == Code::journal_damaged);
  CHECK(replaced("\"format\":1", "\"format\":2").error().code == Code::journal_other_format);
}

TEST_CASE("identity: each part it rests on makes another UUID, and nothing else does") {
  const plan::Identity identity{{"uuid", "serial"}, Digest::sha256("config")};
  const host::DiskFacts facts{512, 1000, "S1", "W1", "pci0"};
  const Uuid base = identity.partition(facts, "$.a");
  CHECK(base == identity.partition(facts, "$.a"));
  CHECK(base != identity.disk(facts, "$.a"));
  CHECK(base != identity.partition(facts, "$.b"));
  CHECK(base != plan::Identity{{"uuid2", "serial"}, Digest::sha256("config")}.partition(facts, "$.a"));
  CHECK(base != plan::Identity{{"uuid", "serial"}, Digest::sha256("other")}.partition(facts, "$.a"));
  host::DiskFacts other = facts;
  other.serial = "S2";
  CHECK(base != identity.partition(other, "$.a"));
  host::DiskFacts moved = facts;
  moved.hardware_path = "pci1";
  moved.sectors = 5;
  CHECK(base == identity.partition(moved, "$.a"));
}

TEST_CASE("identity: a disk without a name of its own is known by its place") {
  const plan::Identity identity{{"uuid", "serial"}, Digest::sha256("config")};
  const host::DiskFacts here{512, 1000, "", "", "pci0"};
  const host::DiskFacts there{512, 1000, "", "", "pci1"};
  CHECK(identity.disk(here, "$.a") != identity.disk(there, "$.a"));
}

TEST_CASE("inventory: devices are found by label, GUID and the kernel's name") {
  model::Inventory inventory;
  inventory.disks.resize(2);
  inventory.disks[0].device = "/dev/vdb";
  inventory.disks[0].table.partitions = {{2, 1, 1, {}, Uuid::derive({"p"}), "a b/c"}};
  inventory.disks[1].device = "/dev/nvme0n1";
  inventory.disks[1].table.partitions = {{3, 1, 1, {}, {}, "\xC3\xA9"}};
  CHECK(model::resolve(inventory, "/dev/disk/by-partlabel/a\\x20b\\x2fc").number == 2);
  CHECK(model::resolve(inventory, "/dev/disk/by-partlabel/\xC3\xA9").disk == "/dev/nvme0n1");
  CHECK(model::resolve(inventory, "/dev/disk/by-partuuid/" + Uuid::derive({"p"}).text()).number == 2);
  CHECK(model::resolve(inventory, "/dev/vdb2").number == 2);
  CHECK(model::resolve(inventory, "/dev/nvme0n1p3").number == 3);
  CHECK(model::resolve(inventory, "/dev/nvme0n13").number == 0);
  CHECK(model::resolve(inventory, "/dev/disk/by-partlabel/").number == 0);
}
