// SPDX-License-Identifier: Apache-2.0
#include "plan/disk_changes.hpp"

#include <doctest/doctest.h>

#include "base/text.hpp"

using namespace provision;

namespace {

Uuid guid(char digit) { return *Uuid::parse(std::string(8, digit) + "-0000-4000-8000-000000000000"); }

const Uuid linux_data = *Uuid::parse("0fc63daf-8483-4772-8e79-3d69d8477de4");

host::Partition partition(std::int64_t number, std::int64_t start_mib, std::int64_t size_mib, char id,
                          const std::string& label) {
  return {number, start_mib * 2048, size_mib * 2048, linux_data, guid(id), label};
}

model::Inventory machine(host::Table table) {
  model::DiskView disk;
  disk.device = "/dev/vda";
  disk.facts = {512, std::int64_t{4096} * 2048, "", "", ""};
  disk.table = std::move(table);
  model::Inventory inventory;
  inventory.disks.push_back(std::move(disk));
  return inventory;
}

host::Table gpt(std::vector<host::Partition> partitions) {
  host::Table table;
  table.kind = host::TableKind::gpt;
  table.disk_guid = guid('d');
  table.partitions = std::move(partitions);
  return table;
}

std::vector<plan::Plan> writing(host::Table table) {
  plan::Plan plan;
  plan.stage = "disks";
  plan::Step step;
  step.id = "table:/dev/vda";
  step.operation = plan::WriteTable{{"/dev/vda", {}, 0}, 512, std::move(table)};
  plan.steps.push_back(std::move(step));
  return {plan};
}

std::string rendered(const host::Table& before, const host::Table& after) {
  return plan::render(plan::disk_changes(machine(before), writing(after)), false);
}

}  // namespace

TEST_CASE("disk changes: kept, resized, renamed, deleted, new") {
  const host::Table before = gpt({partition(1, 1, 512, '1', "boot"), partition(2, 513, 100, '2', "data"),
                                  partition(3, 613, 100, '3', "old"), partition(4, 713, 7, '4', "")});
  const host::Table after = gpt({partition(1, 1, 512, '1', "boot"), partition(2, 513, 100, '2', "store"),
                                 partition(4, 713, 1024, '4', ""), partition(5, 613, 50, '5', "fresh")});
  CHECK(rendered(before, after) ==
        "/dev/vda: 4 GiB, sectors of 512 bytes\n"
        "  #  label  type          start     size\n"
        "  1  boot   Linux data    1 MiB  512 MiB  kept\n"
        "  2  store  Linux data  513 MiB  100 MiB  changed, was label data\n"
        "  3  old    Linux data  613 MiB  100 MiB  deleted\n"
        "  5  fresh  Linux data  613 MiB   50 MiB  new\n"
        "  4  -      Linux data  713 MiB    1 GiB  resized, was 7 MiB\n");
}

TEST_CASE("disk changes: another GUID at one place is another partition") {
  const auto changes =
      plan::disk_changes(machine(gpt({partition(1, 1, 10, '1', "a")})), writing(gpt({partition(1, 1, 10, '2', "a")})));
  REQUIRE(changes.size() == 1);
  REQUIRE(changes[0].partitions.size() == 2);
  CHECK(changes[0].partitions[0].fate == plan::Fate::deleted);
  CHECK(changes[0].partitions[1].fate == plan::Fate::created);
}

TEST_CASE("disk changes: a new table says what was there") {
  model::Inventory blank = machine({});
  blank.disks[0].signature = {"ext4", "old", "", false};
  CHECK(plan::render(plan::disk_changes(blank, writing(gpt({partition(1, 1, 10, '1', "")}))), false) ==
        "/dev/vda: 4 GiB, sectors of 512 bytes; a new table, in the place of ext4 labelled \"old\"\n"
        "  #  label  type        start    size\n"
        "  1  -      Linux data  1 MiB  10 MiB  new\n");
  host::Table dos;
  dos.kind = host::TableKind::other;
  dos.other_name = "dos";
  CHECK(rendered(dos, gpt({})).find("in the place of a partition table of kind \"dos\"") != std::string::npos);
}

TEST_CASE("disk changes: a table that a power cut tore is the same one") {
  const host::Table whole = gpt({partition(1, 1, 10, '1', "a")});
  host::Table torn = whole;
  torn.kind = host::TableKind::damaged;
  CHECK(rendered(torn, whole) ==
        "/dev/vda: 4 GiB, sectors of 512 bytes; its table, which is damaged, is written again\n"
        "  #  label  type        start    size\n"
        "  1  a      Linux data  1 MiB  10 MiB  kept\n");
  host::Table another = whole;
  another.disk_guid = Uuid::derive({"another"});
  CHECK(rendered(torn, another).find("a new table, in the place of a damaged GPT") != std::string::npos);
}

TEST_CASE("disk changes: nothing") {
  CHECK(plan::render(plan::disk_changes(machine(gpt({})), {}), false) ==
        "/dev/vda: 4 GiB, sectors of 512 bytes; its table stays\n");
  CHECK(plan::render(plan::disk_changes(machine({}), {}), false) ==
        "/dev/vda: 4 GiB, sectors of 512 bytes; no partition table\n");
  CHECK(plan::disk_changes({}, {}).empty());
}

TEST_CASE("disk changes: labels cannot drive a terminal, and what goes is marked") {
  const host::Table before = gpt({partition(1, 1, 10, '1', "a\033[2J")});
  CHECK(rendered(before, gpt({})).find('\033') == std::string::npos);
  const std::string coloured = plan::render(plan::disk_changes(machine(before), writing(gpt({}))), true);
  CHECK(coloured.find("\033[1;31m  1") != std::string::npos);
}

TEST_CASE("disk changes: as JSON") {
  const auto changes = plan::disk_changes(machine({}), writing(gpt({partition(1, 1, 10, '1', "a")})));
  const fields::Value value = plan::to_value(changes[0]);
  REQUIRE(value.find("partitions") != nullptr);
  const fields::Value& row = value.find("partitions")->items.at(0);
  CHECK(row.find("fate")->string.view() == "new");
  CHECK(row.find("before")->kind == fields::Value::Kind::null);
  CHECK(row.find("after")->find("typeName")->string.view() == "Linux data");
}

TEST_CASE("sizes as people read them") {
  CHECK(human_size(0) == "0 bytes");
  CHECK(human_size(1023) == "1023 bytes");
  CHECK(human_size(1024) == "1 KiB");
  CHECK(human_size(1536) == "1.5 KiB");
  CHECK(human_size((std::int64_t{1} << 30U) - 1) == "1023.9 MiB");
  CHECK(human_size(std::int64_t{5} << 40U) == "5 TiB");
  CHECK(human_size(std::int64_t{8191} << 50U) == "8191 PiB");
}
