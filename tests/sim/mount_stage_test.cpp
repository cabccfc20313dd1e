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

const std::string all_three = "/sysroot/srv/outer /sysroot/srv/outer/inner /sysroot/srv/outer/inner/share ";

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
  std::size_t first = 0;
  std::size_t last = 0;
  {
    Boot boot(machine_with_share(true));
    REQUIRE(boot.run("fetch-offline").empty());
    REQUIRE(boot.run("disks").empty());
    first = boot.calls();
    REQUIRE(boot.run("mount").empty());
    last = boot.calls();
  }
  std::size_t failures = 0;
  for (std::size_t at = first + 1; at <= last; ++at) {
    CAPTURE(at);
    Boot boot(machine_with_share(true), "qemu", {1, {{at, host::sim::FaultKind::fail_once}}});
    const auto before = mounted(boot);
    REQUIRE(boot.run("fetch-offline").empty());
    REQUIRE(boot.run("disks").empty());
    if (boot.run("mount").empty()) {
      CHECK(mounted(boot) == before + all_three);
      continue;
    }
    // What comes after the record that the stage is done may fail too; then the next try has nothing to do.
    ++failures;
    const bool is_recorded = at + 2 > last;
    CHECK(mounted(boot) == (is_recorded ? before + all_three : before));
    CHECK(boot.run("mount") == "");
    CHECK(mounted(boot) == before + all_three);
  }
  CHECK(failures > 3);
}

TEST_SUITE_END();
