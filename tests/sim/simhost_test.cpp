// The simulated host itself: that it keeps its fault model, no gentler and no crueller.
#include "host/sim/simhost.hpp"

#include <doctest/doctest.h>
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "sim/machines.hpp"

namespace provision::test {
namespace {

using namespace host::sim;
using host::DeviceRef;
using host::Host;
using host::TableKind;

const DeviceRef vdb{"/dev/vdb", "", 0};
const DeviceRef vdb1{"", "/dev/vdb", 1};

host::Table one_partition() {
  host::Table table;
  table.kind = TableKind::gpt;
  table.disk_guid = uuid("data disk");
  table.partitions = {partition(1, 1, 512, "data", {}).entry};
  return table;
}

host::Command mkfs(const std::string& node, const std::string& label = "data") {
  return {
      "mkfs.ext4", {"-F", "-q", "-U", uuid("data").text(), "-L", label, "-m", "1", node}, "", std::chrono::seconds(1)};
}

std::string read(SimHost& machine, std::string_view path) {
  const auto text = machine.host().target.read(path, 1U << 20U);
  return text ? *text : "error " + std::to_string(text.error().system_error);
}

FaultPlan fault(std::size_t at, FaultKind kind, Loss loss = Loss::any, std::uint64_t seed = 1) {
  return {seed, {{at, kind, loss}}};
}

// Runs `work` and says whether the power went.
template <class Work>
bool is_cut_in(Work work) {
  try {
    work();
  } catch (const PowerCut&) {
    return true;
  }
  return false;
}

void write_motd(SimHost& machine, std::string_view text) {
  static_cast<void>(machine.host().target.replace("/etc/motd", text, 0644, {}));
}

}  // namespace

TEST_SUITE("simhost") {
  TEST_CASE("a boot mounts what the distro mounts, and files are seen through mounts") {
    SimHost machine(two_disk_machine());
    const Host host = machine.host();
    CHECK(read(machine, "/etc/os-release") == "ID=test\n");
    CHECK(host.own.read("/sysroot/etc/os-release", 100).value() == "ID=test\n");
    CHECK(host.own.look("/run/provision/boot/ignition.firstboot").value().has_value());
    CHECK(host.state.look("/").value()->mode == 0700);
    const auto list = host.mounts.list().value();
    REQUIRE(list.size() == 3);
    CHECK(list[1] == host::MountEntry{"/dev/vda2", "/sysroot", "ext4"});
    CHECK(list[2].source == "/dev/vda1");
  }

  TEST_CASE("look and read: what is absent, too long, or no file") {
    SimHost machine(two_disk_machine());
    const Host host = machine.host();
    CHECK_FALSE(host.target.look("/etc/nothing").value().has_value());
    CHECK_FALSE(host.target.look("/nothing/at/all").value().has_value());
    CHECK_FALSE(host.target.look("/etc/os-release/below").value().has_value());
    CHECK(host.target.read("/etc/os-release", 3).error().what == "/etc/os-release is longer than 3 bytes");
    CHECK(host.target.read("/etc", 3).error().code == Code::io);
    CHECK(host.target.read("/none", 3).error().system_error == ENOENT);
    CHECK(host.target.look("/etc/os-release").value()->size == 8);
    CHECK(host.target.digest("/etc/os-release", HashFunction::sha256).value() == Digest::sha256("ID=test\n"));
  }

  TEST_CASE("links are followed on the way, inside the root, and not at the end") {
    SimHost machine(two_disk_machine());
    const Host host = machine.host();
    REQUIRE(host.target.make_link("/up", {"../../../etc", false, {}, host::Over::file}));
    REQUIRE(host.target.make_link("/absolute", {"/etc", false, {}, host::Over::file}));
    REQUIRE(host.target.make_link("/loop", {"loop", false, {}, host::Over::file}));
    CHECK(read(machine, "/up/os-release") == "ID=test\n");
    CHECK(read(machine, "/absolute/os-release") == "ID=test\n");
    CHECK(host.target.look("/loop/x").error().system_error == ELOOP);
    CHECK(host.target.look("/absolute").value()->kind == host::NodeKind::symlink);
    REQUIRE(host.target.replace("/absolute", "file now", 0600, {1, 2}));
    CHECK(host.target.look("/absolute").value()->owner == host::Owner{1, 2});
    CHECK(read(machine, "/etc/os-release") == "ID=test\n");
  }

  TEST_CASE("what the kernel refuses is refused") {
    SimHost machine(two_disk_machine());
    const Host host = machine.host();
    CHECK(host.target.replace("/none/file", "x", 0644, {}).error().system_error == ENOENT);
    CHECK(host.target.replace("/etc", "x", 0644, {}).error().code == Code::conflict);
    CHECK(host.target.replace("/etc/os-release/x", "x", 0644, {}).error().system_error == ENOTDIR);
    CHECK(host.target.append("/etc", "x").error().code == Code::conflict);
    CHECK(host.target.make_directory("/etc/os-release", 0755, {}).error().code == Code::conflict);
    CHECK(host.target.remove("/etc").error().code == Code::conflict);
    CHECK(host.target.remove("/none/at/all"));
    CHECK(host.mounts.mount("/dev/vdb", "/sysroot/var", "ext4", "").error().system_error == EINVAL);
    CHECK(host.mounts.unmount("/sysroot/var").error().system_error == EINVAL);
    CHECK(host.processes.run({"mkfs.zfs", {}, "", {}}).error().code == Code::program_missing);
    CHECK(host.processes.run(mkfs("/dev/vda2")).value().status == 1);
    CHECK(host.processes.run(mkfs("/dev/vdb", "a label that is too long")).value().status == 1);
    CHECK(host.processes.run({"mkfs.ext4", {"/dev/vdb"}, "", {}}).value().status == 1);
    CHECK(host.processes.run({"modprobe", {"qemu_fw_cfg"}, "", {}}).value().status == 0);
    CHECK(host.disks.wipe_signatures({"/dev/vda2", "", 0}).error().code == Code::device_busy);
    CHECK(host.disks.write_table({"/dev/vda", "", 0}, one_partition()).error().code == Code::device_busy);
    CHECK(host.disks.read_table({"/dev/vda1", "", 0}).error().system_error == ENOTBLK);
    CHECK(machine.touched().empty());
  }

  TEST_CASE("the directory for our state is made at the first change") {
    auto spec = two_disk_machine();
    spec.state_path = "/run/provision/boot/new";
    SimHost machine(spec);
    CHECK_FALSE(machine.host().state.look("/").value().has_value());
    CHECK(machine.host().state.append("/journal", "x"));
    CHECK(machine.host().own.look("/run/provision/boot/new").value()->mode == 0700);
  }

  TEST_CASE("a read-only mount cannot be written") {
    auto spec = two_disk_machine();
    spec.mounts[0].options = "noatime,ro";
    SimHost machine(spec);
    CHECK(machine.host().target.replace("/etc/x", "x", 0644, {}).error().system_error == EROFS);
  }

  TEST_CASE("a disk is partitioned, formatted, mounted, written and unmounted") {
    SimHost machine(two_disk_machine());
    const Host host = machine.host();
    CHECK(host.disks.read_table(vdb).value().kind == TableKind::none);
    REQUIRE(host.disks.write_table(vdb, one_partition()));
    CHECK(host.disks.read_table(vdb).value().partitions == one_partition().partitions);
    CHECK(host.disks.kernel_partitions(vdb).value().size() == 1);
    CHECK(host.disks.await(vdb1, std::chrono::seconds(1)).value() == "/dev/vdb1");
    CHECK(host.disks.await({"/dev/disk/by-partlabel/data", "", 0}, {}).value() == "/dev/vdb1");
    REQUIRE(host.processes.run(mkfs("/dev/vdb1")).value().status == 0);
    CHECK(host.disks.probe(vdb1).value() == host::Signature{"ext4", "data", uuid("data").text(), false});
    CHECK(host.disks.await({"/dev/disk/by-label/data", "", 0}, {}).value() == "/dev/vdb1");
    REQUIRE(host.target.make_directory("/var/data", 0755, {}));
    REQUIRE(host.mounts.mount("/dev/disk/by-label/data", "/sysroot/var/data", "ext4", ""));
    CHECK(host.disks.users(vdb).value() == std::vector<std::string>{"/sysroot/var/data"});
    REQUIRE(host.target.replace("/var/data/file", "hello", 0644, {}));
    CHECK(host.mounts.unmount("/sysroot").error().system_error == EBUSY);
    REQUIRE(host.mounts.unmount("/sysroot/var/data"));
    CHECK_FALSE(host.target.look("/var/data/file").value().has_value());
    CHECK(machine.problems().empty());
    CHECK(machine.touched() ==
          std::vector<std::string>{"/dev/vdb", "/dev/vdb1", "/sysroot/var/data", "/sysroot/var/data/file"});
  }

  TEST_CASE("a late disk is found by waiting, an absent one never") {
    auto spec = two_disk_machine();
    spec.disks[1].appears_after = std::chrono::milliseconds(700);
    spec.disks.push_back(blank_disk("/dev/vdc", "none"));
    spec.disks[2].appears_after = never;
    SimHost machine(spec);
    const Host host = machine.host();
    CHECK(host.disks.facts(vdb).error().code == Code::device_missing);
    CHECK(host.disks.await(vdb, std::chrono::milliseconds(300)).error().code == Code::device_missing);
    CHECK(host.disks.await(vdb, std::chrono::seconds(10)).value() == "/dev/vdb");
    CHECK(host.clock.monotonic() >= std::chrono::milliseconds(700));
    CHECK(host.disks.await({"/dev/vdc", "", 0}, std::chrono::hours(1)).error().code == Code::device_missing);
  }

  TEST_CASE("each boot has its own id, and the machine stays the same") {
    auto spec = two_disk_machine();
    spec.fw_cfg.emplace("opt/com.coreos/config", "{}");
    spec.http.emplace("http://x/", host::HttpAnswer{200, "body"});
    SimHost machine(spec);
    const std::string first = machine.host().firmware.boot_id().value();
    REQUIRE(machine.host().own.replace("/run/mark", "x", 0644, {}));
    machine.reboot(Loss::none);
    const Host host = machine.host();
    CHECK(host.firmware.boot_id().value() != first);
    CHECK(host.firmware.machine().value() == spec.identity);
    CHECK(host.firmware.command_line().value() == spec.command_line);
    CHECK(host.firmware.fw_cfg("opt/com.coreos/config").value() == "{}");
    CHECK_FALSE(host.firmware.fw_cfg("opt/other").value().has_value());
    CHECK(host.http.get({"http://x/", "", 10, {}}).value().body == "body");
    CHECK(host.http.get({"http://y/", "", 10, {}}).error().code == Code::network);
    CHECK_FALSE(host.own.look("/run/mark").value().has_value());
  }
}

TEST_SUITE("simhost files and power") {
  TEST_CASE("what was synced stays, and nothing else, when all is lost") {
    SimHost machine(two_disk_machine());
    write_motd(machine, "one");
    REQUIRE(machine.host().target.sync("/etc/motd"));
    write_motd(machine, "two");
    machine.reboot(Loss::all);
    CHECK(read(machine, "/etc/motd") == "one");
  }

  TEST_CASE("names may stay without their content") {
    SimHost machine(two_disk_machine());
    write_motd(machine, "one");
    REQUIRE(machine.host().target.append("/log", "first"));
    REQUIRE(machine.host().target.sync("/"));
    write_motd(machine, "two");
    REQUIRE(machine.host().target.append("/log", "second"));
    machine.reboot(Loss::data);
    CHECK(read(machine, "/etc/motd").empty());
    CHECK(read(machine, "/log") == "first");
  }

  TEST_CASE("an orderly reboot loses nothing") {
    SimHost machine(two_disk_machine());
    write_motd(machine, "one");
    CHECK(machine.snapshot().find("motd") == std::string::npos);
    machine.reboot_orderly();
    CHECK(read(machine, "/etc/motd") == "one");
    CHECK(machine.snapshot().find("motd") != std::string::npos);
  }

  TEST_CASE("by seed: some first part of the changes stays, each file whole, cut short or empty") {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 300; ++seed) {
      SimHost machine(two_disk_machine(), {seed, {}});
      write_motd(machine, "12");
      REQUIRE(machine.host().target.remove("/etc/os-release"));
      machine.reboot(Loss::any);
      const bool temporary = machine.snapshot().find("/etc/.provision-") != std::string::npos;
      const bool removed = !machine.host().target.look("/etc/os-release").value().has_value();
      seen.insert(read(machine, "/etc/motd") + (temporary ? " temporary" : "") + (removed ? " removed" : ""));
    }
    CHECK(seen ==
          std::set<std::string>{"error 2", "error 2 temporary", "12", "1", "", "12 removed", "1 removed", " removed"});
  }

  TEST_CASE("file systems are lost independently") {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      SimHost machine(two_disk_machine(), {seed, {}});
      write_motd(machine, "x");
      REQUIRE(machine.host().state.replace("/record", "x", 0600, {}));
      machine.reboot(Loss::any);
      const bool file = machine.host().target.look("/etc/motd").value().has_value();
      const bool record = machine.host().state.look("/record").value().has_value();
      seen.insert(std::string(file ? "file " : "- ") + (record ? "record" : "-"));
    }
    CHECK(seen == std::set<std::string>{"file record", "file -", "- record", "- -"});
  }

  TEST_CASE("an append is cut short, a directory gets its name when it is whole") {
    SimHost log(two_disk_machine(), fault(1, FaultKind::cut_midway, Loss::none));
    CHECK(is_cut_in([&] { static_cast<void>(log.host().target.append("/log", "record")); }));
    log.reboot(Loss::none);
    CHECK(read(log, "/log").size() < 6);
    SimHost folder(two_disk_machine(), fault(1, FaultKind::cut_midway, Loss::none));
    CHECK(is_cut_in([&] { static_cast<void>(folder.host().target.make_directory("/opt", 0755, {1, 1})); }));
    folder.reboot(Loss::none);
    CHECK_FALSE(folder.host().target.look("/opt").value().has_value());
  }

  TEST_CASE("a sync that the power interrupts keeps some first part") {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      SimHost machine(two_disk_machine(), fault(3, FaultKind::cut_midway, Loss::all, seed));
      write_motd(machine, "x");
      REQUIRE(machine.host().target.remove("/etc/os-release"));
      CHECK(is_cut_in([&] { static_cast<void>(machine.host().target.sync("/")); }));
      machine.reboot(Loss::all);
      seen.insert(read(machine, "/etc/motd") + " " + read(machine, "/etc/os-release"));
    }
    CHECK(seen == std::set<std::string>{"error 2 ID=test\n", "x ID=test\n", " ID=test\n", "x error 2", " error 2"});
  }
}

TEST_SUITE("simhost disks and power") {
  TEST_CASE("a table that was written is durable") {
    SimHost machine(two_disk_machine());
    REQUIRE(machine.host().disks.write_table(vdb, one_partition()));
    machine.reboot(Loss::all);
    CHECK(machine.host().disks.read_table(vdb).value().kind == TableKind::gpt);
    CHECK(machine.host().disks.kernel_partitions(vdb).value().size() == 1);
  }

  // Where the write of one_partition() over the first content of vdb may stop.
  std::set<std::string> interrupted_tables(const MachineSpec& spec) {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
      SimHost machine(spec, fault(1, FaultKind::cut_midway, Loss::any, seed));
      CHECK(is_cut_in([&] { static_cast<void>(machine.host().disks.write_table(vdb, one_partition())); }));
      machine.reboot(Loss::any);
      const auto table = machine.host().disks.read_table(vdb).value();
      const auto known = machine.host().disks.kernel_partitions(vdb).value();
      seen.insert(fmt::format("{} {} known {}", static_cast<int>(table.kind), table.partitions.size(), known.size()));
    }
    return seen;
  }

  TEST_CASE("a table that the power interrupts is old, new or damaged") {
    // On a blank disk a copy is not there before it is whole, for its header is written last.
    CHECK(interrupted_tables(two_disk_machine()) == std::set<std::string>{"0 0 known 0", "1 1 known 1", "2 1 known 0"});
    auto spec = two_disk_machine();
    spec.disks[1].disk_guid = uuid("an older table");
    CHECK(interrupted_tables(spec) ==
          std::set<std::string>{"1 0 known 0", "1 1 known 1", "2 0 known 0", "2 1 known 0"});
    spec = two_disk_machine();
    spec.disks[1].other_table = "dos";
    CHECK(interrupted_tables(spec) == std::set<std::string>{"3 0 known 0", "1 1 known 1"});
  }

  TEST_CASE("mkfs is durable after a flush, or a sync of the mounted file system") {
    for (const bool by_flush : {true, false}) {
      SimHost machine(two_disk_machine());
      const Host host = machine.host();
      REQUIRE(host.disks.write_table(vdb, one_partition()));
      REQUIRE(host.processes.run(mkfs("/dev/vdb1")).value().status == 0);
      if (by_flush) {
        REQUIRE(host.disks.flush(vdb1));
      } else {
        REQUIRE(host.mounts.mount("/dev/vdb1", "/sysroot/var", "ext4", ""));
        REQUIRE(host.target.sync("/var"));
      }
      machine.reboot(Loss::all);
      CHECK(machine.host().disks.probe(vdb1).value().type == "ext4");
      CHECK(machine.problems().empty());
    }
  }

  TEST_CASE("mkfs without a flush: lost, blank, ambivalent, torn or whole; midway never whole") {
    for (const bool midway : {false, true}) {
      std::set<std::string> seen;
      for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        auto spec = two_disk_machine();
        spec.disks[1].content = foreign("swap");
        SimHost machine(spec, fault(1, midway ? FaultKind::cut_midway : FaultKind::cut_after, Loss::any, seed));
        CHECK(is_cut_in([&] { static_cast<void>(machine.host().processes.run(mkfs("/dev/vdb"))); }));
        machine.reboot(Loss::any);
        const auto held = machine.host().disks.probe(vdb).value();
        seen.insert(held.type + (machine.problems().empty() ? "" : " bad"));
      }
      std::set<std::string> expected{"swap", "", "ambivalent bad", "ext4 bad"};
      if (!midway) {
        expected.insert("ext4");
      }
      CHECK(seen == expected);
    }
  }

  TEST_CASE("a torn file system can be mounted, and is whole after another mkfs") {
    SimHost machine(two_disk_machine(), fault(1, FaultKind::cut_midway, Loss::none));
    CHECK(is_cut_in([&] { static_cast<void>(machine.host().processes.run(mkfs("/dev/vdb"))); }));
    machine.reboot(Loss::none);
    const Host host = machine.host();
    CHECK(machine.problems().size() == 1);
    CHECK(host.mounts.mount("/dev/vdb", "/sysroot/var", "ext4", ""));
    CHECK(host.mounts.unmount("/sysroot/var"));
    CHECK(host.processes.run(mkfs("/dev/vdb")).value().status == 0);
    CHECK(machine.problems().empty());
  }

  TEST_CASE("content keeps its place when the table changes, and is overwritten where extents meet") {
    auto spec = two_disk_machine();
    SimHost machine(spec);
    const Host host = machine.host();
    REQUIRE(host.disks.write_table(vdb, one_partition()));
    REQUIRE(host.processes.run(mkfs("/dev/vdb1")).value().status == 0);
    host::Table moved = one_partition();
    moved.partitions[0].number = 3;
    REQUIRE(host.disks.write_table(vdb, moved));
    CHECK(host.disks.probe({"/dev/vdb3", "", 0}).value().label == "data");
    moved.partitions[0].start += 100 * mib;
    REQUIRE(host.disks.write_table(vdb, moved));
    CHECK(host.disks.probe({"/dev/vdb3", "", 0}).value() == host::Signature{});
    REQUIRE(host.processes.run(mkfs("/dev/vdb3")).value().status == 0);
    CHECK(machine.problems() == std::vector<std::string>{"/dev/vdb@2048: the file system was never finished"});
  }

  TEST_CASE("wiping midway leaves old, nothing or two signatures") {
    std::set<std::string> seen;
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
      auto spec = two_disk_machine();
      spec.disks[1].content = foreign("swap");
      SimHost machine(spec, fault(1, FaultKind::cut_midway, Loss::all, seed));
      CHECK(is_cut_in([&] { static_cast<void>(machine.host().disks.wipe_signatures(vdb)); }));
      machine.reboot(Loss::all);
      const auto held = machine.host().disks.probe(vdb).value();
      seen.insert(held.type);
    }
    CHECK(seen == std::set<std::string>{"swap", "", "ambivalent"});
  }

  TEST_CASE("a table of another kind is seen, and replaced by ours") {
    auto spec = two_disk_machine();
    spec.disks[1].other_table = "dos";
    SimHost machine(spec);
    CHECK(machine.host().disks.read_table(vdb).value().other_name == "dos");
    REQUIRE(machine.host().disks.write_table(vdb, one_partition()));
    CHECK(machine.host().disks.read_table(vdb).value().kind == TableKind::gpt);
  }
}

TEST_SUITE("simhost faults") {
  TEST_CASE("fail once: an error without effect, and the next call works") {
    SimHost machine(two_disk_machine(), fault(1, FaultKind::fail_once));
    CHECK(machine.host().target.replace("/etc/motd", "x", 0644, {}).error().code == Code::io);
    CHECK_FALSE(machine.host().target.look("/etc/motd").value().has_value());
    CHECK(machine.host().target.replace("/etc/motd", "x", 0644, {}));
    CHECK(machine.fired() == 1);
  }

  TEST_CASE("fail always: every call on the target, under each of its names, also after a reboot, until repaired") {
    SimHost machine(two_disk_machine(), fault(1, FaultKind::fail_always));
    const auto fails = [&] {
      const Host host = machine.host();
      return host.processes.run(mkfs("/dev/vdb")).value().status == 1 &&
             host.disks.flush({"/dev/disk/by-id/virtio-data-disk", "", 0}).error().code == Code::io;
    };
    CHECK(fails());
    CHECK(machine.host().target.replace("/etc/motd", "x", 0644, {}));
    machine.reboot(Loss::none);
    CHECK(fails());
    machine.repair();
    CHECK_FALSE(fails());
  }

  TEST_CASE("a lie: success without effect") {
    SimHost machine(two_disk_machine(), fault(1, FaultKind::lie));
    CHECK(machine.host().processes.run(mkfs("/dev/vdb")).value().status == 0);
    CHECK(machine.host().disks.probe(vdb).value().type.empty());
  }

  TEST_CASE("without power nothing works and nothing throws, so that destructors may call") {
    SimHost machine(two_disk_machine(), fault(2, FaultKind::cut_after, Loss::none));
    CHECK(is_cut_in([&] {
      write_motd(machine, "one");
      write_motd(machine, "two");
    }));
    CHECK(machine.host().target.replace("/etc/motd", "x", 0644, {}).error().code == Code::io);
    CHECK(machine.calls() == 2);
    machine.reboot(Loss::none);
    CHECK(read(machine, "/etc/motd") == "two");
  }

  TEST_CASE("calls are counted on over boots, and several faults come to pass") {
    SimHost machine(two_disk_machine(),
                    {1, {{1, FaultKind::cut_before, Loss::all}, {3, FaultKind::fail_once, Loss::any}}});
    CHECK(is_cut_in([&] { write_motd(machine, "x"); }));
    machine.reboot(Loss::all);
    CHECK(machine.host().target.replace("/etc/motd", "x", 0644, {}));
    CHECK_FALSE(machine.host().target.sync("/"));
    CHECK(machine.fired() == 2);
    CHECK(machine.trace() ==
          "SIM_SEED=1 SIM_FAULTS=1:cut_before/all,3:fail_once\n"
          "   1 boot 1 replace /sysroot/etc/motd   <- 1:cut_before/all\n"
          "   2 boot 2 replace /sysroot/etc/motd\n"
          "   3 boot 2 sync /sysroot   <- 3:fail_once\n");
  }

  TEST_CASE("faults are written and read") {
    const std::string text = "12:cut_after/data,17:lie,3:fail_always,4:cut_midway/any";
    const auto faults = parse_faults(text);
    REQUIRE(faults.has_value());
    CHECK(to_string(*faults) == text);
    CHECK(parse_faults("")->empty());
    CHECK(parse_faults("5:cut_before")->front().loss == Loss::any);
    for (const auto* const bad : {"x", "1", "1:none", "1:lie/none/x", ":lie", "1x:lie", "1:lie,", "1:cut_after/half"}) {
      CHECK_FALSE(parse_faults(bad).has_value());
    }
  }

  TEST_CASE("the same seed and faults give the same world") {
    const auto run = [](std::uint64_t seed) {
      SimHost machine(two_disk_machine(), fault(3, FaultKind::cut_midway, Loss::any, seed));
      CHECK(is_cut_in([&] {
        write_motd(machine, "some text");
        static_cast<void>(machine.host().target.append("/log", "a record"));
        static_cast<void>(machine.host().processes.run(mkfs("/dev/vdb")));
      }));
      machine.reboot(Loss::any);
      return machine.snapshot();
    };
    std::set<std::string> different;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      different.insert(run(seed));
      CHECK(run(seed) == run(seed));
    }
    CHECK(different.size() > 5);
  }

  TEST_CASE("the snapshot leaves out what it is told to leave out") {
    SimHost machine(two_disk_machine());
    const std::string before = machine.snapshot({"/dev/vda1:/provision"});
    REQUIRE(machine.host().state.replace("/journal", "x", 0600, {}));
    REQUIRE(machine.host().state.sync("/journal"));
    CHECK(machine.snapshot({"/dev/vda1:/provision"}) == before);
    CHECK(machine.snapshot() != before);
  }
}

}  // namespace provision::test
