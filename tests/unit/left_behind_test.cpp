// SPDX-License-Identifier: Apache-2.0
// What an earlier config of one first boot made counts as not there; what it kept of the image does not.
#include "plan/left_behind.hpp"

#include <doctest/doctest.h>

using namespace provision;

namespace {

const host::DeviceRef esp{{}, "/dev/vdb", 1};

host::Partition entry(int number) {
  host::Partition partition;
  partition.number = number;
  return partition;
}

// Its second disk has two partitions, with a file system on each.
model::Inventory machine() {
  model::DiskView disk;
  disk.device = "/dev/vdb";
  disk.table.kind = host::TableKind::gpt;
  disk.table.partitions = {entry(1), entry(2)};
  disk.partitions.resize(2);
  disk.partitions[0].number = 1;
  disk.partitions[0].signature = {"vfat", "EFI-SYSTEM", "1111-2222", false};
  disk.partitions[1].number = 2;
  disk.partitions[1].signature = {"ext4", "data", "u", false};
  model::Inventory inventory;
  inventory.disks.push_back(std::move(disk));
  return inventory;
}

plan::Step step(plan::Operation operation, std::string assumes = "something") {
  plan::Step made;
  made.assumes = std::move(assumes);
  made.operation = std::move(operation);
  return made;
}

std::string type_on(const model::Inventory& inventory, std::size_t partition) {
  return inventory.disks[0].partitions.size() > partition ? inventory.disks[0].partitions[partition].signature.type
                                                          : "none";
}

const plan::Step made_esp = step(plan::MakeFilesystem{esp, "vfat", "EFI-SYSTEM", "1111-2222", {}});
const plan::Step made_data = step(plan::MakeFilesystem{{{}, "/dev/vdb", 2}, "ext4", "data", "u", {}});
const plan::Step kept_esp = step(plan::RestoreRoot{"esp", esp, "vfat", "1111-2222", {}, {}, "kept-1"});

}  // namespace

TEST_CASE("left behind: a file system that was made is not there, one that got the image's files is") {
  CHECK(type_on(plan::without(machine(), {made_esp, made_data}), 0) == "");
  const auto kept = plan::without(machine(), {made_esp, made_data, kept_esp});
  CHECK(type_on(kept, 0) == "vfat");
  CHECK(type_on(kept, 1) == "");
}

TEST_CASE("left behind: what was to be saved first is there, whether it was made anew or not") {
  plan::SaveRoot save;
  save.device = esp;
  save.kept = "kept-1";
  CHECK(type_on(plan::without(machine(), {step(save), made_esp}), 0) == "vfat");
}

TEST_CASE("left behind: a table that was made on a blank disk is there, where the image's files lie in it") {
  plan::WriteTable table;
  table.disk = {"/dev/vdb", {}, 0};
  const plan::Step made_table = step(table, std::string(model::absent_fingerprint));
  CHECK(type_on(plan::without(machine(), {made_table, made_esp}), 0) == "none");
  CHECK(type_on(plan::without(machine(), {made_table, made_esp, kept_esp}), 0) == "vfat");
}
