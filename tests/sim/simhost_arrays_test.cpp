// The simulated host's RAID arrays: that they keep the fault model, no gentler and no crueller.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "host/sim/simhost.hpp"
#include "sim/machines.hpp"

namespace provision::test {
namespace {

using namespace host::sim;
using host::ArrayMember;
using host::DeviceRef;
using host::Host;
using Strings = std::vector<std::string>;

const DeviceRef vdb{"/dev/vdb", "", 0};
const DeviceRef vdc{"/dev/vdc", "", 0};
const DeviceRef md_data{"/dev/md/data", "", 0};
const DeviceRef md127{"/dev/md127", "", 0};

// vda as ever, and three blank disks.
MachineSpec four_disk_machine() {
  MachineSpec spec = two_disk_machine();
  spec.disks.push_back(blank_disk("/dev/vdc", "disk-c"));
  spec.disks.push_back(blank_disk("/dev/vdd", "disk-d"));
  return spec;
}

int run(SimHost& machine, const std::string& program, const Strings& arguments) {
  const auto exit = machine.host().processes.run({program, arguments, "", std::chrono::seconds(1)});
  return exit ? exit->status : -1;
}

int create(SimHost& machine, const std::string& name, const std::string& level, const Strings& members,
           std::size_t spares = 0) {
  Strings arguments{"--create",
                    "/dev/md/" + name,
                    "--run",
                    "--force",
                    "--homehost=any",
                    "--level=" + level,
                    fmt::format("--raid-devices={}", members.size() - spares)};
  if (spares > 0) {
    arguments.push_back(fmt::format("--spare-devices={}", spares));
  }
  arguments.push_back("--uuid=" + uuid("array " + name).text());
  arguments.insert(arguments.end(), {"--bitmap", "internal"});
  arguments.insert(arguments.end(), members.begin(), members.end());
  return run(machine, "mdadm", arguments);
}

int assemble(SimHost& machine, const std::string& name, const Strings& members) {
  Strings arguments{"--assemble", "/dev/md/" + name, "--run", "--uuid=" + uuid("array " + name).text()};
  arguments.insert(arguments.end(), members.begin(), members.end());
  return run(machine, "mdadm", arguments);
}

int mkfs(SimHost& machine, const std::string& node) {
  return run(machine, "mkfs.ext4", {"-F", "-q", "-U", uuid("data").text(), "-L", "data", node});
}

Result<ArrayMember> member(SimHost& machine, const DeviceRef& device) {
  return machine.host().disks.array_member(device);
}

// Mounted at /sysroot/var, with a file that is not synced.
void write_on_array(SimHost& machine) {
  REQUIRE(machine.host().mounts.mount("/dev/md/data", "/sysroot/var", "ext4", ""));
  REQUIRE(machine.host().target.replace("/var/file", "hello", 0644, {}));
}

std::string read(SimHost& machine, std::string_view path) {
  return machine.host().target.read(path, 1U << 20U).value_or("error");
}

// vdb and vdc are the members of an array of an earlier life, on which is a file system with a file.
MachineSpec machine_with_array(bool assembled) {
  MachineSpec spec = four_disk_machine();
  const Tree files = tree({{"/file", regular("old")}});
  const ArraySpec array{uuid("array data"), "data", "raid1", 2, file_system("ext4", "data", uuid("data").text(), files),
                        assembled};
  spec.disks[1].content = member_of(array);
  spec.disks[2].content = member_of(array);
  spec.arrays = {array};
  return spec;
}

template <class Work>
bool is_cut_in(Work work) {
  try {
    work();
  } catch (const PowerCut&) {
    return true;
  }
  return false;
}

}  // namespace

TEST_SUITE("simhost arrays") {
  TEST_CASE("an array is made, used like a disk, and stopped") {
    SimHost machine(four_disk_machine());
    const Host host = machine.host();
    CHECK(host.processes.must_have("mdadm"));
    CHECK(member(machine, vdb).value() == ArrayMember{});
    REQUIRE(create(machine, "data", "raid1", {"/dev/vdb", "/dev/vdc"}) == 0);
    const ArrayMember wanted{uuid("array data"), "data", "raid1", 2, 1, "/dev/md127", true};
    CHECK(member(machine, vdb).value() == wanted);
    CHECK(member(machine, vdc).value() == wanted);
    CHECK(host.disks.probe(vdb).value() ==
          host::Signature{"linux_raid_member", "any:data", uuid("array data").text(), false});
    CHECK(host.disks.users(vdb).value() == Strings{"the RAID array md127 (raid1)"});
    CHECK(host.disks.await(md_data, {}).value() == "/dev/md127");
    CHECK(host.disks.facts(md127).value() == host::DiskFacts{512, 1024 * mib, "", "", ""});
    CHECK(host.disks.read_table(md127).value().kind == host::TableKind::none);
    CHECK(host.disks.probe(md_data).value() == host::Signature{});
    CHECK(host.disks.read(md_data, 4).value() == std::string(4, '\0'));
    CHECK(host.disks.users(md_data).value().empty());
    REQUIRE(mkfs(machine, "/dev/md/data") == 0);
    CHECK(host.disks.await({"/dev/disk/by-label/data", "", 0}, {}).value() == "/dev/md127");
    // udev has no such links of an array's members.
    CHECK_FALSE(host.disks.await({"/dev/disk/by-label/any:data", "", 0}, {}));
    write_on_array(machine);
    CHECK(run(machine, "mdadm", {"--stop", "/dev/md127"}) == 1);
    REQUIRE(host.mounts.unmount("/sysroot/var"));
    CHECK(run(machine, "mdadm", {"--stop", "/dev/md127"}) == 0);
    CHECK(host.disks.users(vdb).value().empty());
    CHECK(member(machine, vdb).value().node.empty());
    CHECK(host.disks.await(md_data, {}).error().code == Code::device_missing);
    CHECK(machine.problems().empty());
    CHECK(machine.touched() == Strings{"/dev/md127", "/dev/vdb", "/dev/vdc", "/sysroot/var", "/sysroot/var/file"});
  }

  TEST_CASE("an array is partitioned") {
    SimHost machine(four_disk_machine());
    const Host host = machine.host();
    REQUIRE(create(machine, "data", "raid1", {"/dev/vdb", "/dev/vdc"}) == 0);
    host::Table table;
    table.partitions = {partition(1, 1, 512, "part", {}).entry};
    REQUIRE(host.disks.write_table(md_data, table));
    CHECK(host.disks.await({"", "/dev/md/data", 1}, {}).value() == "/dev/md127p1");
    CHECK(host.disks.await({"/dev/md/data1", "", 0}, {}).value() == "/dev/md127p1");
    REQUIRE(mkfs(machine, "/dev/md127p1") == 0);
    machine.reboot_orderly();
    REQUIRE(assemble(machine, "data", {"/dev/vdb", "/dev/vdc"}) == 0);
    CHECK(machine.host().disks.probe({"", "/dev/md/data", 1}).value().type == "ext4");
    CHECK(machine.snapshot().find("/dev/md/data1: ext4") != std::string::npos);
  }

  TEST_CASE("an array is as large as its level makes it") {
    const auto sectors = [](const std::string& level, const Strings& members, std::size_t spares = 0) {
      SimHost machine(four_disk_machine());
      REQUIRE(create(machine, "data", level, members, spares) == 0);
      return machine.host().disks.facts(md_data).value().sectors / mib;
    };
    CHECK(sectors("raid0", {"/dev/vdb", "/dev/vdc"}) == 2048);
    CHECK(sectors("linear", {"/dev/vdb", "/dev/vdc", "/dev/vdd"}) == 3072);
    CHECK(sectors("raid1", {"/dev/vdb", "/dev/vdc", "/dev/vdd"}, 1) == 1024);
    CHECK(sectors("raid5", {"/dev/vdb", "/dev/vdc", "/dev/vdd"}) == 2048);
    CHECK(sectors("raid10", {"/dev/vdb", "/dev/vdc", "/dev/vdd"}) == 1536);
  }

  TEST_CASE("no array is assembled after a boot, until somebody does it") {
    SimHost machine(four_disk_machine());
    REQUIRE(create(machine, "data", "raid1", {"/dev/vdb", "/dev/vdc"}) == 0);
    REQUIRE(mkfs(machine, "/dev/md127") == 0);
    write_on_array(machine);
    machine.reboot_orderly();
    CHECK_FALSE(machine.host().mounts.mount("/dev/md/data", "/sysroot/var", "ext4", ""));
    CHECK(member(machine, vdb).value() == ArrayMember{uuid("array data"), "data", "raid1", 2, 1, "", false});
    const std::string before = machine.snapshot();
    REQUIRE(assemble(machine, "data", {"/dev/vdc", "/dev/vdb"}) == 0);
    REQUIRE(machine.host().mounts.mount("/dev/md/data", "/sysroot/var", "ext4", ""));
    CHECK(read(machine, "/var/file") == "hello");
    CHECK(machine.snapshot() == before);
    CHECK(before.find("/dev/vdb: linux_raid_member label 'any:data'") != std::string::npos);
    CHECK(before.find("/dev/md/data:/file") != std::string::npos);
    CHECK(machine.problems().empty());
  }

  TEST_CASE("what an array holds is volatile until it is flushed; that it is one is not") {
    for (const bool flushed : {false, true}) {
      SimHost machine(four_disk_machine());
      REQUIRE(create(machine, "data", "raid1", {"/dev/vdb", "/dev/vdc"}) == 0);
      REQUIRE(mkfs(machine, "/dev/md127") == 0);
      if (flushed) {
        REQUIRE(machine.host().disks.flush(md127));
      }
      machine.reboot(Loss::all);
      REQUIRE(assemble(machine, "data", {"/dev/vdb", "/dev/vdc"}) == 0);
      CHECK(machine.host().disks.probe(md_data).value().type == (flushed ? "ext4" : ""));
    }
  }

  TEST_CASE("a power cut midway leaves some first members of an array that never ran") {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      SimHost machine(four_disk_machine(), {seed, {{1, FaultKind::cut_midway, Loss::any}}});
      CHECK(is_cut_in([&] { create(machine, "data", "raid1", {"/dev/vdb", "/dev/vdc"}); }));
      machine.reboot(Loss::any);
      const auto text = [&](const DeviceRef& device) {
        const ArrayMember held = member(machine, device).value();
        return held.array.empty() ? std::string("-") : fmt::format("{}{}", held.events, held.node);
      };
      seen.insert(text(vdb) + " " + text(vdc));
      CHECK(assemble(machine, "data", {"/dev/vdb", "/dev/vdc"}) == 1);
      CHECK(machine.problems().empty() == (text(vdb) == "-"));
      CHECK(machine.snapshot().find("/dev/md/data") == std::string::npos);
      CHECK(create(machine, "data", "raid1", {"/dev/vdb", "/dev/vdc"}) == 0);
      CHECK(machine.problems().empty());
    }
    CHECK(seen == std::set<std::string>{"- -", "0 -", "0 0"});
  }

  TEST_CASE("faults of mdadm: failed, a lie, cut before and after") {
    for (const auto kind : {FaultKind::fail_once, FaultKind::lie, FaultKind::cut_before, FaultKind::cut_after}) {
      SimHost machine(four_disk_machine(), {1, {{1, kind, Loss::all}}});
      int status = 0;
      const bool cut = is_cut_in([&] { status = create(machine, "data", "raid1", {"/dev/vdb", "/dev/vdc"}); });
      if (cut) {
        machine.reboot(Loss::all);
      }
      CHECK(cut == is_cut(kind));
      CHECK(status == (kind == FaultKind::fail_once ? 1 : 0));
      CHECK(member(machine, vdc).value().events == (kind == FaultKind::cut_after ? 1 : 0));
      CHECK(machine.trace().find("   1 boot 1 run mdadm /dev/vdc") != std::string::npos);
    }
  }

  TEST_CASE("a member that an array has is busy") {
    SimHost machine(four_disk_machine());
    const Host host = machine.host();
    host::Table table;
    table.partitions = {partition(1, 1, 512, "one", {}).entry, partition(2, 513, 256, "two", {}).entry};
    REQUIRE(host.disks.write_table(vdb, table));
    REQUIRE(create(machine, "data", "raid1", {"/dev/vdb1", "/dev/vdc"}) == 0);
    CHECK(host.disks.wipe_signatures({"/dev/vdb1", "", 0}).error().code == Code::device_busy);
    CHECK(host.disks.wipe_signatures(vdb).error().code == Code::device_busy);
    CHECK(host.disks.wipe_signatures(vdc).error().code == Code::device_busy);
    CHECK(mkfs(machine, "/dev/vdb1") == 1);
    CHECK(mkfs(machine, "/dev/vdb2") == 0);
    CHECK(create(machine, "other", "raid1", {"/dev/vdb1", "/dev/vdd"}) == 1);
    CHECK(create(machine, "other", "raid1", {"/dev/vdd", "/dev/vdd"}) == 1);
    CHECK(assemble(machine, "data", {"/dev/vdb1", "/dev/vdc"}) == 1);
    CHECK(host.disks.users(vdb).value() == Strings{"the RAID array md127 (raid1)"});
    CHECK(host.disks.write_table(vdc, table).error().code == Code::device_busy);
    table.partitions.erase(table.partitions.begin());
    CHECK(host.disks.write_table(vdb, table).error().code == Code::device_busy);
    CHECK(member(machine, vdc).value().running);
    REQUIRE(run(machine, "mdadm", {"--stop", "/dev/md/data"}) == 0);
    CHECK(host.disks.write_table(vdb, table));
    CHECK(host.disks.wipe_signatures(vdc));
    CHECK(member(machine, vdc).value() == ArrayMember{});
  }

  TEST_CASE("what mdadm refuses") {
    SimHost machine(four_disk_machine());
    CHECK(run(machine, "mdadm", {}) == 1);
    CHECK(run(machine, "mdadm", {"--detail", "/dev/md127"}) == 1);
    CHECK(run(machine, "mdadm", {"--create"}) == 1);
    CHECK(run(machine, "mdadm", {"--assemble"}) == 1);
    CHECK(run(machine, "mdadm", {"--stop", "/dev/vdb"}) == 1);
    CHECK(create(machine, "data", "raid7", {"/dev/vdb", "/dev/vdc"}) == 1);
    CHECK(create(machine, "data", "raid6", {"/dev/vdb", "/dev/vdc"}) == 1);
    CHECK(create(machine, "data", "raid0", {"/dev/vdb", "/dev/vdc"}, 1) == 1);
    CHECK(create(machine, "data", "raid1", {"/dev/vdb", "/dev/none"}) == 1);
    CHECK(create(machine, "data", "raid1", {"/dev/vdb", "/dev/vda1"}) == 1);
    CHECK(assemble(machine, "data", {"/dev/vdb"}) == 1);
    const std::string id = "--uuid=" + uuid("array data").text();
    CHECK(run(machine, "mdadm", {"--create", "/dev/md/data", "--level=raid1", "--raid-devices=1", id, "/dev/vdb"}) ==
          1);
    CHECK(run(machine, "mdadm",
              {"--create", "/dev/md/data", "--run", "--level=raid1", "--level=raid1", "--raid-devices=1", id,
               "/dev/vdb"}) == 1);
    CHECK(machine.touched().empty());
    REQUIRE(create(machine, "data", "raid1", {"/dev/vdb"}) == 0);
    CHECK(create(machine, "data", "raid1", {"/dev/vdc"}) == 1);
  }

  TEST_CASE("an array of arrays") {
    SimHost machine(four_disk_machine());
    REQUIRE(create(machine, "inner", "raid1", {"/dev/vdb", "/dev/vdc"}) == 0);
    REQUIRE(create(machine, "data", "raid0", {"/dev/md/inner", "/dev/vdd"}) == 0);
    CHECK(member(machine, md127).value().node == "/dev/md126");
    CHECK(machine.host().disks.users(md127).value() == Strings{"the RAID array md126 (raid0)"});
    CHECK(machine.host().disks.facts(md_data).value().sectors == 2048 * mib);
    CHECK(run(machine, "mdadm", {"--stop", "/dev/md/inner"}) == 1);
    REQUIRE(mkfs(machine, "/dev/md/data") == 0);
    write_on_array(machine);
    machine.reboot_orderly();
    CHECK(assemble(machine, "data", {"/dev/md/inner", "/dev/vdd"}) == 1);
    REQUIRE(assemble(machine, "inner", {"/dev/vdb", "/dev/vdc"}) == 0);
    REQUIRE(assemble(machine, "data", {"/dev/md/inner", "/dev/vdd"}) == 0);
    REQUIRE(machine.host().mounts.mount("/dev/md/data", "/sysroot/var", "ext4", ""));
    CHECK(read(machine, "/var/file") == "hello");
    CHECK(machine.snapshot().find("/dev/md/inner: linux_raid_member") != std::string::npos);
  }

  TEST_CASE("an array that is made where one was holds what that one held, until it is wiped") {
    for (const bool wiped : {false, true}) {
      SimHost machine(machine_with_array(true));
      REQUIRE(machine.host().disks.probe(md_data).value().type == "ext4");
      if (wiped) {
        REQUIRE(machine.host().disks.wipe_signatures(md_data));
      }
      REQUIRE(run(machine, "mdadm", {"--stop", "/dev/md127"}) == 0);
      REQUIRE(machine.host().disks.wipe_signatures(vdb));
      REQUIRE(machine.host().disks.wipe_signatures(vdc));
      CHECK(machine.snapshot().find("/dev/md/data") == std::string::npos);
      REQUIRE(create(machine, "fresh", "raid1", {"/dev/vdb", "/dev/vdc"}) == 0);
      CHECK(machine.host().disks.probe({"/dev/md/fresh", "", 0}).value().type == (wiped ? "" : "ext4"));
      CHECK((machine.snapshot().find("/dev/md/fresh:/file") != std::string::npos) == !wiped);
      CHECK(machine.problems().empty());
    }
  }

  TEST_CASE("on other places, or of another level, an array is blank") {
    SimHost machine(machine_with_array(false));
    REQUIRE(create(machine, "fresh", "raid1", {"/dev/vdb", "/dev/vdd"}) == 0);
    CHECK(machine.host().disks.probe({"/dev/md/fresh", "", 0}).value() == host::Signature{});
    // The other half of the old one is still there.
    REQUIRE(assemble(machine, "data", {"/dev/vdc"}) == 0);
    CHECK(machine.host().disks.probe(md_data).value().type == "ext4");
    SimHost other(machine_with_array(false));
    REQUIRE(create(other, "fresh", "raid0", {"/dev/vdb", "/dev/vdc"}) == 0);
    CHECK(other.host().disks.probe({"/dev/md/fresh", "", 0}).value() == host::Signature{});
  }

  TEST_CASE("of two arrays with the same UUID the younger one has the member that both had") {
    SimHost machine(machine_with_array(false));
    REQUIRE(create(machine, "data", "raid1", {"/dev/vdb", "/dev/vdd"}) == 0);
    REQUIRE(run(machine, "mdadm", {"--stop", "/dev/md127"}) == 0);
    CHECK(assemble(machine, "data", {"/dev/vdb", "/dev/vdc"}) == 1);
    CHECK(assemble(machine, "data", {"/dev/vdc"}) == 1);
    REQUIRE(assemble(machine, "data", {"/dev/vdb"}) == 0);
    CHECK(machine.host().disks.probe(md_data).value() == host::Signature{});
  }

  TEST_CASE("a member that was not wiped before has two signatures, but for another array's superblock") {
    auto spec = machine_with_array(false);
    spec.disks[3].content = foreign("swap");
    SimHost machine(spec);
    REQUIRE(create(machine, "fresh", "raid1", {"/dev/vdb", "/dev/vdd"}) == 0);
    CHECK(machine.host().disks.probe(vdb).value().label == "any:fresh");
    CHECK(machine.host().disks.probe({"/dev/vdd", "", 0}).value() == host::Signature{"ambivalent", "", "", true});
    CHECK(member(machine, {"/dev/vdd", "", 0}).value() == ArrayMember{});
    CHECK(machine.problems() == Strings{"/dev/vdd: two signatures at once"});
  }

  TEST_CASE("an array runs without those of its members that its level can do without") {
    const auto status = [](const std::string& level, const Strings& left, std::size_t spares = 0) {
      SimHost machine(four_disk_machine());
      REQUIRE(create(machine, "data", level, {"/dev/vdb", "/dev/vdc", "/dev/vdd"}, spares) == 0);
      machine.reboot(Loss::all);
      return assemble(machine, "data", left);
    };
    CHECK(status("raid1", {"/dev/vdd"}) == 0);
    CHECK(status("raid5", {"/dev/vdb", "/dev/vdd"}) == 0);
    CHECK(status("raid5", {"/dev/vdb"}) == 1);
    CHECK(status("raid10", {"/dev/vdb", "/dev/vdc"}) == 0);
    CHECK(status("raid0", {"/dev/vdb", "/dev/vdc"}) == 1);
    CHECK(status("linear", {"/dev/vdb", "/dev/vdc"}) == 1);
    // A spare holds nothing.
    CHECK(status("raid1", {"/dev/vdd"}, 1) == 1);
    CHECK(status("raid1", {"/dev/vdc"}, 1) == 0);
    CHECK(status("raid1", {}) == 1);
  }

  TEST_CASE("without --run an array is not started when it lacks members") {
    SimHost machine(machine_with_array(false));
    const std::string id = "--uuid=" + uuid("array data").text();
    CHECK(run(machine, "mdadm", {"--assemble", "/dev/md/data", id, "/dev/vdb"}) == 1);
    CHECK(run(machine, "mdadm", {"--assemble", "/dev/md/data", id, "/dev/vdb", "/dev/vdd"}) == 1);
    CHECK(run(machine, "mdadm", {"--assemble", "/dev/md/data", id, "/dev/vdb", "/dev/vdc"}) == 0);
  }

  TEST_CASE("an array of an earlier life, assembled by the distro or not, and mounted by it") {
    SimHost idle(machine_with_array(false));
    CHECK(member(idle, vdb).value() == ArrayMember{uuid("array data"), "data", "raid1", 2, 1, "", false});
    CHECK_FALSE(idle.host().disks.await(md_data, {}));
    CHECK(idle.snapshot().find("/dev/md/data:/file") != std::string::npos);
    auto spec = machine_with_array(true);
    spec.mounts.push_back({"/dev/disk/by-label/data", "/sysroot/var", "ext4", "rw"});
    SimHost running(spec);
    for (const bool again : {false, true}) {
      CHECK(member(running, vdb).value().node == "/dev/md127");
      CHECK(read(running, "/var/file") == "old");
      CHECK(running.host().mounts.list().value().back().source == "/dev/md127");
      if (!again) {
        running.reboot(Loss::all);
      }
    }
  }

  TEST_CASE("mkfs and a table on what was a member make it none") {
    SimHost machine(machine_with_array(false));
    REQUIRE(mkfs(machine, "/dev/vdb") == 0);
    CHECK(member(machine, vdb).value() == ArrayMember{});
    REQUIRE(machine.host().disks.write_table(vdc, {}));
    CHECK(member(machine, vdc).value() == ArrayMember{});
    CHECK(assemble(machine, "data", {"/dev/vdb", "/dev/vdc"}) == 1);
  }
}

}  // namespace provision::test
