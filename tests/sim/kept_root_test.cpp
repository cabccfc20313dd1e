// SPDX-License-Identifier: Apache-2.0
// What is refused of file systems that must be kept, by what they hold: before anything is written.
#include <doctest/doctest.h>

#include <string>

#include "sim/boot.hpp"

namespace provision::test {
namespace {

using namespace host::sim;

// Its root is a Btrfs of these files, and must be kept.
MachineSpec machine_with_root(Tree files) {
  MachineSpec machine = two_disk_machine();
  machine.command_line = "root=LABEL=root provision.root=keep ignition.firstboot ignition.platform.id=qemu";
  machine.disks[0].partitions[1].content = file_system("btrfs", "root", uuid("root").text(), std::move(files));
  return machine;
}

// Why the root is not made anew; empty: it is.
std::string refusal(Tree files) {
  Boot boot(machine_with_root(std::move(files)));
  boot.give(R"({"ignition": {"version": "3.4.0"}, "storage": {"filesystems": [
    {"device": "/dev/disk/by-partlabel/ROOT", "format": "btrfs", "label": "root", "wipeFilesystem": true}]}})");
  REQUIRE(boot.run("fetch-offline") == "");
  REQUIRE(boot.run("fetch") == "");
  const std::string error = boot.run("disks");
  const bool is_kept = boot.host().disks.probe({"/dev/vda2", {}, 0}).value().uuid == uuid("root").text();
  CHECK(is_kept == !error.empty());
  return error;
}

}  // namespace

TEST_SUITE("kept file systems") {
  TEST_CASE("a Btrfs without subvolumes is kept") { CHECK(refusal(tree({{"/usr/lib/os", regular("os")}})) == ""); }

  TEST_CASE("a Btrfs with subvolumes is not made anew: what a mount does not show would be lost") {
    CHECK(has(refusal(tree({{"/usr/lib/os", regular("os")}, {"/home", subvolume()}})),
              "must be kept, and it is a Btrfs that has subvolumes"));
    Entry root = subvolume();
    root.is_default = true;
    CHECK(has(refusal(tree({{"/@", root}, {"/@/usr/lib/os", regular("os")}})), "which cannot be kept"));
  }
}

}  // namespace provision::test
