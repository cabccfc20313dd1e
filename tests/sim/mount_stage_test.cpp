// SPDX-License-Identifier: Apache-2.0
// The mount stage, whole and stopped on the way: nothing that it mounted stays where it has failed, and it goes on.
#include <doctest/doctest.h>

#include <string>

#include "sim/boot.hpp"
#include "sim/machines.hpp"

using namespace provision;
using namespace provision::test;

namespace {

constexpr std::string_view nested = R"({"ignition": {"version": "3.7.0-experimental"}, "storage": {
  "disks": [{"device": "/dev/vdb", "partitions": [{"number": 1, "label": "outer", "sizeMiB": 100}, {"number": 2, "label": "inner"}]}],
  "filesystems": [
    {"device": "/dev/disk/by-partlabel/inner", "format": "xfs", "path": "/srv/outer/inner"},
    {"device": "share", "format": "virtiofs", "path": "/srv/outer/inner/share"},
    {"device": "/dev/disk/by-partlabel/outer", "format": "ext4", "path": "/srv/outer"}]}})";

host::sim::MachineSpec machine_with_share(bool shared) {
  host::sim::MachineSpec spec = two_disk_machine();
  spec.fw_cfg.insert_or_assign("opt/com.coreos/config", std::string(nested));
  if (shared) {
    host::sim::DiskSpec share;
    share.node = "share";
    share.facts.sectors = 2048;
    share.content = host::sim::file_system("virtiofs", "", "");
    spec.disks.push_back(std::move(share));
  }
  return spec;
}

std::string mounted(Boot& boot) {
  const auto entries = boot.host().mounts.list();
  REQUIRE(entries);
  std::string targets;
  for (const auto& entry : *entries) {
    targets += entry.target + " ";
  }
  return targets;
}

constexpr std::string_view subvolumes = R"({"ignition": {"version": "3.6.0+provision.1"}, "provision": {"subvolumes": [
  {"device": "/dev/vdb", "name": "inner", "path": "/srv/outer/inner", "mountOptions": ["noatime"]},
  {"device": "/dev/vdb", "name": "outer", "path": "/srv/outer"}]},
  "storage": {"filesystems": [{"device": "/dev/vdb", "format": "btrfs", "path": "/srv/outer/inner/all"}]}})";

host::sim::MachineSpec machine_with_subvolumes() {
  host::sim::MachineSpec spec = two_disk_machine();
  spec.fw_cfg.insert_or_assign("opt/com.coreos/config", std::string(subvolumes));
  return spec;
}

// With what of the Btrfs is mounted there.
std::string mounted_subvolumes(Boot& boot) {
  const auto entries = boot.host().mounts.list();
  REQUIRE(entries);
  std::string found;
  for (const auto& entry : *entries) {
    found += entry.type == "btrfs" ? entry.subvolume + ":" + entry.target + " " : "";
  }
  return found;
}

const std::string all_subvolumes =
    "outer:/sysroot/srv/outer inner:/sysroot/srv/outer/inner :/sysroot/srv/outer/inner/all ";

const std::string all_three = "/sysroot/srv/outer /sysroot/srv/outer/inner /sysroot/srv/outer/inner/share ";

// In how many of the stage's calls a failure stops it, and leaves nothing.
std::size_t failures_of_each_call(const host::sim::MachineSpec& spec, std::string (*list)(Boot&),
                                  const std::string& all) {
  std::size_t first = 0;
  std::size_t last = 0;
  {
    Boot boot(spec);
    REQUIRE(boot.run("fetch-offline").empty());
    REQUIRE(boot.run("disks").empty());
    first = boot.calls();
    REQUIRE(boot.run("mount").empty());
    last = boot.calls();
  }
  std::size_t failures = 0;
  for (std::size_t at = first + 1; at <= last; ++at) {
    CAPTURE(at);
    Boot boot(spec, "qemu", {1, {{at, host::sim::FaultKind::fail_once}}});
    const auto before = list(boot);
    REQUIRE(boot.run("fetch-offline").empty());
    REQUIRE(boot.run("disks").empty());
    if (boot.run("mount").empty()) {
      CHECK(list(boot) == before + all);
      continue;
    }
    // What comes after the record that the stage is done may fail too; then the next try has nothing to do.
    ++failures;
    const bool is_recorded = at + 2 > last;
    CHECK(list(boot) == (is_recorded ? before + all : before));
    CHECK(boot.run("mount") == "");
    CHECK(list(boot) == before + all);
  }
  return failures;
}

}  // namespace

TEST_SUITE_BEGIN("mount stage");

TEST_CASE("outer ones come first, inner ones go first") {
  Boot boot(machine_with_share(true));
  const auto before = mounted(boot);
  REQUIRE(boot.run("fetch-offline").empty());
  REQUIRE(boot.run("disks").empty());
  CHECK(boot.run("mount") == "");
  CHECK(mounted(boot) == before + all_three);
  CHECK(boot.run("umount") == "");
  CHECK(mounted(boot) == before);
}

TEST_CASE("a share that the host does not have: what was mounted before it is gone again") {
  Boot boot(machine_with_share(false));
  const auto before = mounted(boot);
  REQUIRE(boot.run("fetch-offline").empty());
  REQUIRE(boot.run("disks").empty());
  CHECK(has(boot.run("mount"), "the host of this machine shares nothing with the tag \"share\""));
  CHECK(mounted(boot) == before);
}

TEST_CASE("whichever call fails once, nothing stays mounted, and the next try mounts all") {
  CHECK(failures_of_each_call(machine_with_share(true), &mounted, all_three) > 3);
  CHECK(failures_of_each_call(machine_with_subvolumes(), &mounted_subvolumes, all_subvolumes) > 3);
}

TEST_CASE("subvolumes of one device at several places: outer ones come first, inner ones go first") {
  Boot boot(machine_with_subvolumes());
  REQUIRE(boot.run("fetch-offline").empty());
  REQUIRE(boot.run("disks").empty());
  CHECK(boot.run("mount") == "");
  CHECK(mounted_subvolumes(boot) == all_subvolumes);
  CHECK(boot.run("umount") == "");
  CHECK(mounted_subvolumes(boot) == "");
}

TEST_CASE("another subvolume of the same device at the place stops it") {
  Boot boot(machine_with_subvolumes());
  REQUIRE(boot.run("fetch-offline").empty());
  REQUIRE(boot.run("disks").empty());
  host::Host host = boot.host();
  REQUIRE(host.target.make_directory("/srv", 0755, {}));
  REQUIRE(host.target.make_directory("/srv/outer", 0755, {}));
  REQUIRE(host.mounts.mount("/dev/vdb", "/sysroot/srv/outer", "btrfs", "subvol=/inner"));
  CHECK(has(boot.run("mount"), "the subvolume inner of /dev/vdb is mounted there"));
  CHECK(mounted_subvolumes(boot) == "inner:/sysroot/srv/outer ");
}

TEST_SUITE_END();
