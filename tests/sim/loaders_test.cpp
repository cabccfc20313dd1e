// SPDX-License-Identifier: Apache-2.0
// What is refused of boot loaders that must be kept, by what is on the disks: before anything is written to them.
#include <doctest/doctest.h>

#include <string>

#include "sim/boot.hpp"
#include "support/grub.hpp"

namespace provision::test {
namespace {

using namespace host::sim;

const std::string bios_type = "21686148-6449-6e6f-744e-656564454649";

// Its second disk has a BIOS boot partition of such bytes at 1 MiB, and that boot code.
MachineSpec machine_with(const std::string& partition_bytes, const std::string& boot_code) {
  MachineSpec machine = two_disk_machine();
  machine.command_line += " provision.keep=bios";
  DiskSpec& disk = machine.disks[1];
  disk.disk_guid = uuid("used disk");
  disk.partitions = {partition(1, 1, 1, "BIOS-BOOT", raw_bytes(partition_bytes))};
  disk.partitions[0].entry.type = *Uuid::parse(bios_type);
  disk.bytes = boot_code;
  return machine;
}

// The new one of its table is 8 MiB further on.
const std::string moved = R"({"ignition": {"version": "3.4.0"}, "storage": {"disks": [
  {"device": "/dev/vdb", "wipeTable": true, "partitions": [
    {"number": 2, "label": "first", "sizeMiB": 8},
    {"number": 1, "label": "bios", "sizeMiB": 1, "typeGuid": ")" +
                          bios_type + R"("}]}]}})";

// Why the stage disks fails, with the disk as it was; empty: it does not.
std::string refusal(const MachineSpec& machine) {
  Boot boot(machine);
  boot.give(moved);
  REQUIRE(boot.run("fetch-offline") == "");
  REQUIRE(boot.run("fetch") == "");
  const auto before = boot.host().disks.read_table({"/dev/vdb", {}, 0});
  std::string error = boot.run("disks");
  if (!error.empty()) {
    const auto after = boot.host().disks.read_table({"/dev/vdb", {}, 0});
    CHECK(before.value() == after.value());
    CHECK(boot.place().starts_with("fw_cfg opt/com.coreos/config:2:"));
  }
  return error;
}

}  // namespace

TEST_SUITE("kept boot loaders") {
  TEST_CASE("GRUB goes elsewhere") { CHECK(refusal(machine_with(grub_partition(2048), grub_boot_code(2048))) == ""); }

  TEST_CASE("a blank partition is no boot loader") {
    CHECK(has(refusal(machine_with("", grub_boot_code(2048))), "has no boot loader that could be kept: it is blank"));
  }

  TEST_CASE("boot code that nobody knows cannot go elsewhere") {
    CHECK(has(refusal(machine_with("something", std::string(440, 'x'))), "the boot code is not GRUB's"));
  }
}

}  // namespace provision::test
