// The simulated host's encrypted volumes: that they keep the fault model, no gentler and no crueller.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <cerrno>
#include <set>

#include "host/sim/simhost.hpp"
#include "sim/machines.hpp"

namespace provision::test {
namespace {

using namespace host::sim;
using host::DeviceRef;
using host::Host;
using host::LuksFormat;
using host::LuksHeader;
using host::LuksOpen;
using Strings = std::vector<std::string>;

const DeviceRef vdb{"/dev/vdb", "", 0};
const DeviceRef vdb1{"/dev/vdb1", "", 0};
const DeviceRef vdc{"/dev/vdc", "", 0};
const DeviceRef mapped{"/dev/mapper/data", "", 0};
const DeviceRef dm0{"/dev/dm-0", "", 0};

const std::string id = uuid("volume").text();
const LuksHeader fresh{2, id, "data", false, true};

Secret key(std::string text = "right") {
  auto made = Secret::taken(std::move(text));
  REQUIRE(made);
  return std::move(*made);
}

// vda as ever, and two blank disks.
MachineSpec three_disk_machine() {
  MachineSpec spec = two_disk_machine();
  spec.disks.push_back(blank_disk("/dev/vdc", "disk-c"));
  return spec;
}

LuksFormat wish() {
  LuksFormat format;
  format.uuid = id;
  format.label = "data";
  return format;
}

Result<void> format(SimHost& machine, const DeviceRef& device = vdb) {
  return machine.host().crypt.format(device, wish(), key());
}

Result<bool> open(SimHost& machine, const DeviceRef& device = vdb, const std::string& name = "data",
                  const LuksOpen& options = {}) {
  return machine.host().crypt.open(device, name, options, key());
}

int run(SimHost& machine, const std::string& program, const Strings& arguments) {
  const auto exit = machine.host().processes.run({program, arguments, "", std::chrono::seconds(1)});
  return exit ? exit->status : -1;
}

int mkfs(SimHost& machine, const std::string& node) {
  return run(machine, "mkfs.ext4", {"-F", "-q", "-U", uuid("data").text(), "-L", "data", node});
}

// Mounted at /sysroot/var, with a file that is not synced.
void write_on_volume(SimHost& machine) {
  REQUIRE(machine.host().mounts.mount("/dev/mapper/data", "/sysroot/var", "ext4", ""));
  REQUIRE(machine.host().target.replace("/var/file", "hello", 0644, {}));
}

std::string read(SimHost& machine, std::string_view path) {
  return machine.host().target.read(path, 1U << 20U).value_or("error");
}

LuksHeader header(SimHost& machine, const DeviceRef& device = vdb) {
  const auto seen = machine.host().crypt.header(device);
  REQUIRE(seen);
  return *seen;
}

// vdb is a volume of an earlier life, which holds a file system with a file.
MachineSpec machine_with_volume(const std::string& opened_by_os = "") {
  MachineSpec spec = three_disk_machine();
  const Tree files = tree({{"/file", regular("old")}});
  spec.volumes = {{"/dev/vdb", id, "data", false, 2, "right", file_system("ext4", "data", uuid("data").text(), files),
                   opened_by_os}};
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

TEST_SUITE("simhost volumes") {
  TEST_CASE("a volume is made, opened, used like a disk, and closed") {
    SimHost machine(three_disk_machine());
    const Host host = machine.host();
    CHECK(header(machine) == LuksHeader{});
    REQUIRE(format(machine));
    CHECK(header(machine) == fresh);
    CHECK(host.disks.probe(vdb).value() == host::Signature{"crypto_LUKS", "data", id, false});
    CHECK(host.disks.await({"/dev/disk/by-uuid/" + id, "", 0}, {}).value() == "/dev/vdb");
    CHECK(host.disks.users(vdb).value().empty());
    CHECK(host.disks.await(mapped, {}).error().code == Code::device_missing);
    CHECK(host.crypt.opened("data").value() == std::nullopt);
    CHECK(open(machine).value());
    CHECK(host.crypt.opened("data").value() == host::OpenVolume{id, "/dev/dm-0"});
    CHECK(host.disks.users(vdb).value() == Strings{"the encrypted volume data"});
    CHECK(host.disks.await(mapped, {}).value() == "/dev/dm-0");
    CHECK(host.disks.await({"/dev/disk/by-id/dm-name-data", "", 0}, {}).value() == "/dev/dm-0");
    CHECK(host.disks.facts(dm0).value() == host::DiskFacts{512, 1008 * mib, "", "", ""});
    CHECK(host.disks.read_table(dm0).value().kind == host::TableKind::none);
    CHECK_FALSE(host.disks.write_table(mapped, {}));
    CHECK(host.disks.probe(mapped).value() == host::Signature{});
    CHECK(host.disks.read(mapped, 4).value() == std::string(4, '\0'));
    CHECK(host.disks.users(mapped).value().empty());
    REQUIRE(mkfs(machine, "/dev/mapper/data") == 0);
    REQUIRE(host.disks.flush(mapped));
    CHECK(host.disks.await({"/dev/disk/by-uuid/" + uuid("data").text(), "", 0}, {}).value() == "/dev/dm-0");
    write_on_volume(machine);
    CHECK(host.disks.users(mapped).value() == Strings{"/sysroot/var"});
    CHECK(host.mounts.list().value().back().source == "/dev/dm-0");
    CHECK(host.crypt.close("data").error().code == Code::device_busy);
    REQUIRE(host.mounts.unmount("/sysroot/var"));
    REQUIRE(host.disks.wipe_signatures(mapped));
    CHECK(host.disks.probe(mapped).value() == host::Signature{});
    CHECK(host.crypt.close("data"));
    CHECK(host.crypt.close("data").error().system_error == ENODEV);
    CHECK(host.disks.users(vdb).value().empty());
    CHECK(host.disks.await(mapped, {}).error().code == Code::device_missing);
    CHECK(machine.problems().empty());
    CHECK(machine.touched() == Strings{"/dev/dm-0", "/dev/vdb", "/sysroot/var", "/sysroot/var/file"});
  }

  TEST_CASE("only its key opens it, and an empty name only tells") {
    SimHost machine(machine_with_volume());
    const Host host = machine.host();
    const std::string before = machine.snapshot();
    for (const auto* name : {"", "data"}) {
      CHECK_FALSE(host.crypt.open(vdb, name, {}, key("wrong")).value());
      CHECK_FALSE(host.crypt.open(vdb, name, {}, key("")).value());
      LuksOpen slot;
      slot.key_slot = 1;
      CHECK_FALSE(host.crypt.open(vdb, name, slot, key()).value());
      CHECK(host.crypt.open(vdc, name, {}, key()).error().system_error == EINVAL);
      CHECK(host.crypt.open({"/dev/none", "", 0}, name, {}, key()).error().code == Code::device_missing);
    }
    const std::size_t calls = machine.calls();
    CHECK(open(machine, vdb, "").value());
    CHECK(machine.calls() == calls);
    CHECK(host.crypt.opened("data").value() == std::nullopt);
    CHECK(machine.snapshot() == before);
    CHECK(machine.touched().empty());
  }

  TEST_CASE("a volume is opened once, and each mapping has its own name") {
    SimHost machine(machine_with_volume());
    const Host host = machine.host();
    REQUIRE(host.crypt.format(vdc, {}, key()));
    CHECK(open(machine).value());
    CHECK(open(machine).error().system_error == EEXIST);
    CHECK(open(machine, vdc).error().system_error == EEXIST);
    CHECK(open(machine, vdb, "other").error().code == Code::device_busy);
    CHECK_FALSE(host.crypt.open(vdb, "other", {}, key("wrong")).value());
    CHECK(open(machine, vdb, "").value());
    CHECK(open(machine, vdc, "other").value());
    CHECK(host.crypt.opened("other").value()->node == "/dev/dm-1");
    CHECK(host.crypt.opened("other").value()->uuid == header(machine, vdc).uuid);
    REQUIRE(host.crypt.close("data"));
    CHECK(open(machine, vdb, "again").value());
    CHECK(host.crypt.opened("again").value() == host::OpenVolume{id, "/dev/dm-0"});
  }

  TEST_CASE("a mapping of another kind has a name too") {
    MachineSpec spec = machine_with_volume();
    spec.disks[2].node = "/dev/dm-0";
    spec.disks[2].links = {"/dev/mapper/data"};
    SimHost machine(spec);
    CHECK(machine.host().crypt.opened("data").error().code == Code::conflict);
    CHECK(open(machine).error().system_error == EEXIST);
    CHECK_FALSE(machine.host().crypt.close("data"));
    CHECK(open(machine, vdb, "other").value());
    CHECK(machine.host().crypt.opened("other").value()->node == "/dev/dm-1");
  }

  TEST_CASE("what is on a device whose volume is open stays there") {
    SimHost machine(three_disk_machine());
    const Host host = machine.host();
    host::Table table;
    table.partitions = {partition(1, 1, 512, "one", {}).entry, partition(2, 513, 256, "two", {}).entry};
    REQUIRE(host.disks.write_table(vdb, table));
    REQUIRE(format(machine, vdb1));
    REQUIRE(open(machine, vdb1).value());
    CHECK(format(machine, vdb1).error().code == Code::device_busy);
    CHECK(format(machine, vdb).error().code == Code::device_busy);
    CHECK(host.disks.wipe_signatures(vdb1).error().code == Code::device_busy);
    CHECK(host.disks.wipe_signatures(vdb).error().code == Code::device_busy);
    CHECK(mkfs(machine, "/dev/vdb1") == 1);
    CHECK(mkfs(machine, "/dev/vdb2") == 0);
    CHECK(host.disks.users(vdb).value() == Strings{"the encrypted volume data"});
    table.partitions.erase(table.partitions.begin());
    CHECK(host.disks.write_table(vdb, table).error().code == Code::device_busy);
    CHECK(header(machine, vdb1) == fresh);
    REQUIRE(host.crypt.close("data"));
    CHECK(host.disks.write_table(vdb, table));
    REQUIRE(format(machine, vdc));
    REQUIRE(open(machine, vdc).value());
    CHECK(host.disks.write_table(vdc, table).error().code == Code::device_busy);
  }

  TEST_CASE("no volume is open after a boot, until somebody opens it") {
    SimHost machine(three_disk_machine());
    REQUIRE(format(machine));
    REQUIRE(open(machine).value());
    REQUIRE(mkfs(machine, "/dev/dm-0") == 0);
    write_on_volume(machine);
    machine.reboot_orderly();
    CHECK(machine.host().crypt.opened("data").value() == std::nullopt);
    CHECK_FALSE(machine.host().mounts.mount("/dev/mapper/data", "/sysroot/var", "ext4", ""));
    const std::string before = machine.snapshot();
    // Nothing tells the name under which it was open.
    REQUIRE(open(machine, vdb, "other").value());
    CHECK(machine.snapshot() == before);
    CHECK(machine.host().disks.probe({"/dev/mapper/other", "", 0}).value().type == "ext4");
    REQUIRE(machine.host().mounts.mount("/dev/mapper/other", "/sysroot/var", "ext4", ""));
    CHECK(read(machine, "/var/file") == "hello");
    CHECK(before.find("/dev/vdb: crypto_LUKS label 'data' uuid " + id + " LUKS2\n") != std::string::npos);
    CHECK(before.find("volume " + id + ":/file") != std::string::npos);
  }

  TEST_CASE("what a volume holds is volatile until the mapping is flushed; that it is one is not") {
    for (const auto& [flushed, type] : {std::pair{dm0, "ext4"}, std::pair{vdb, ""}, std::pair{vdc, ""}}) {
      SimHost machine(three_disk_machine());
      // Not written back when the volume takes its place.
      REQUIRE(mkfs(machine, "/dev/vdb") == 0);
      REQUIRE(format(machine));
      REQUIRE(open(machine).value());
      REQUIRE(mkfs(machine, "/dev/dm-0") == 0);
      REQUIRE(machine.host().disks.flush(flushed));
      REQUIRE(machine.host().crypt.close("data"));
      machine.reboot(Loss::all);
      CHECK(header(machine) == fresh);
      REQUIRE(open(machine).value());
      CHECK(machine.host().disks.probe(mapped).value().type == type);
    }
  }

  TEST_CASE("a sync of what is mounted from it is one of the volume") {
    SimHost machine(three_disk_machine());
    REQUIRE(format(machine));
    REQUIRE(open(machine).value());
    REQUIRE(mkfs(machine, "/dev/dm-0") == 0);
    write_on_volume(machine);
    REQUIRE(machine.host().target.sync("/var"));
    machine.reboot(Loss::all);
    REQUIRE(open(machine).value());
    REQUIRE(machine.host().mounts.mount("/dev/mapper/data", "/sysroot/var", "ext4", ""));
    CHECK(read(machine, "/var/file") == "hello");
    CHECK(machine.problems().empty());
  }

  TEST_CASE("a power cut midway leaves what was there, a blank, a header without a key slot, or the volume") {
    for (const auto* before : {"ext4", "crypto_LUKS", ""}) {
      std::set<std::string> seen;
      for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        MachineSpec spec = three_disk_machine();
        if (std::string(before) == "crypto_LUKS") {
          spec = machine_with_volume();
          spec.volumes[0].key = "old";
        } else if (std::string(before) == "ext4") {
          spec.disks[1].content = file_system("ext4", "old", uuid("old").text());
        }
        SimHost machine(spec, {seed, {{1, FaultKind::cut_midway, Loss::any}}});
        CHECK(is_cut_in([&] { static_cast<void>(format(machine)); }));
        machine.reboot(Loss::any);
        const LuksHeader left = header(machine);
        const bool old = left.has_key && machine.host().crypt.open(vdb, "", {}, key("old")).value();
        const bool whole = left.has_key && open(machine, vdb, "").value();
        const std::string type = machine.host().disks.probe(vdb).value().type;
        seen.insert(type + (old ? " old" : whole ? " whole" : left.version == 2 ? " no key" : ""));
        CHECK(machine.problems().empty() == (left.version == 0 || left.has_key));
        if (left.version == 2 && !left.has_key) {
          CHECK(left.uuid == id);
          CHECK(machine.problems() == Strings{"/dev/vdb: the encrypted volume has no key slot"});
          CHECK_FALSE(open(machine).value());
          CHECK(machine.snapshot().find(" LUKS2 no key slot\n") != std::string::npos);
        }
        REQUIRE(format(machine));
        CHECK(header(machine) == fresh);
        CHECK(machine.problems().empty());
        REQUIRE(open(machine).value());
        CHECK(machine.host().disks.probe(mapped).value() == host::Signature{});
      }
      std::set<std::string> wanted{"", "crypto_LUKS no key", "crypto_LUKS whole"};
      wanted.insert(std::string(before) == "crypto_LUKS" ? "crypto_LUKS old" : before);
      CHECK(seen == wanted);
    }
  }

  TEST_CASE("faults of format: failed, a lie, cut before and after") {
    for (const auto kind : {FaultKind::fail_once, FaultKind::lie, FaultKind::cut_before, FaultKind::cut_after}) {
      SimHost machine(three_disk_machine(), {1, {{1, kind, Loss::all}}});
      Result<void> done;
      const bool cut = is_cut_in([&] { done = format(machine); });
      if (cut) {
        machine.reboot(Loss::all);
      }
      CHECK(cut == is_cut(kind));
      CHECK(done.has_value() == (kind != FaultKind::fail_once));
      CHECK(header(machine) == (kind == FaultKind::cut_after ? fresh : LuksHeader{}));
      CHECK(machine.trace().find("   1 boot 1 format_volume /dev/vdb") != std::string::npos);
    }
  }

  TEST_CASE("faults of open and close") {
    LuksOpen options;
    options.discards = true;
    for (const auto kind : {FaultKind::fail_once, FaultKind::lie, FaultKind::cut_before, FaultKind::cut_after}) {
      SimHost machine(machine_with_volume(), {1, {{1, kind, Loss::all}}});
      Result<bool> done = true;
      const bool cut = is_cut_in([&] { done = open(machine, vdb, "data", options); });
      if (cut) {
        machine.reboot(Loss::all);
      }
      CHECK(cut == is_cut(kind));
      CHECK(done.value_or(false) == (kind != FaultKind::fail_once));
      CHECK(header(machine).discards == (kind == FaultKind::cut_after));
      CHECK(machine.host().crypt.opened("data").value() == std::nullopt);
      CHECK(machine.trace().find("   1 boot 1 open_volume /dev/vdb") != std::string::npos);
    }
    for (const auto kind : {FaultKind::fail_once, FaultKind::lie}) {
      SimHost machine(machine_with_volume("data"), {1, {{1, kind, Loss::all}}});
      CHECK(machine.host().crypt.close("data").has_value() == (kind == FaultKind::lie));
      CHECK(machine.host().crypt.opened("data").value().has_value());
      CHECK(machine.trace().find("   1 boot 1 close_volume /dev/dm-0") != std::string::npos);
    }
    SimHost machine(machine_with_volume(), {1, {{1, FaultKind::fail_always, Loss::all}}});
    CHECK_FALSE(open(machine));
    CHECK_FALSE(format(machine));
    machine.repair();
    CHECK(open(machine).value());
  }

  TEST_CASE("what a header keeps of an opening stays, and is written midway or not") {
    LuksOpen options;
    options.discards = true;
    options.no_read_workqueue = true;
    options.no_keyring = true;
    SimHost machine(machine_with_volume());
    REQUIRE(open(machine, vdb, "data", options).value());
    REQUIRE(machine.host().crypt.close("data"));
    // One that asks for less takes nothing back.
    REQUIRE(open(machine).value());
    machine.reboot(Loss::all);
    CHECK(header(machine).discards);
    options.no_keyring = false;
    CHECK(machine.luks("/dev/vdb")->flags == options);
    CHECK(machine.snapshot().find(" LUKS2 allow-discards no-read-workqueue\n") != std::string::npos);
    CHECK(machine.touched() == Strings{"/dev/vdb"});
    std::set<bool> seen;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      SimHost cut(machine_with_volume(), {seed, {{1, FaultKind::cut_midway, Loss::any}}});
      CHECK(is_cut_in([&] { static_cast<void>(open(cut, vdb, "data", options)); }));
      cut.reboot(Loss::any);
      seen.insert(header(cut).discards);
      CHECK(cut.problems().empty());
      CHECK(open(cut).value());
    }
    CHECK(seen.size() == 2);
  }

  TEST_CASE("a volume that is made anew is blank, whatever it held and with whichever key") {
    SimHost machine(machine_with_volume());
    CHECK(machine.snapshot().find(":/file") != std::string::npos);
    REQUIRE(format(machine));
    CHECK(machine.snapshot().find(":/file") == std::string::npos);
    REQUIRE(open(machine).value());
    CHECK(machine.host().disks.probe(mapped).value() == host::Signature{});
    REQUIRE(machine.host().crypt.close("data"));
    REQUIRE(machine.host().disks.wipe_signatures(vdb));
    CHECK(header(machine) == LuksHeader{});
    CHECK(machine.snapshot().find("volume ") == std::string::npos);
  }

  TEST_CASE("mkfs and a table make it no volume, and mkfs only when it is flushed") {
    SimHost machine(machine_with_volume());
    REQUIRE(mkfs(machine, "/dev/vdb") == 0);
    CHECK(header(machine) == LuksHeader{});
    CHECK(machine.luks("/dev/vdb").has_value());
    machine.reboot(Loss::all);
    CHECK(header(machine) == fresh);
    REQUIRE(open(machine).value());
    CHECK(machine.host().disks.probe(mapped).value().type == "ext4");
    REQUIRE(machine.host().crypt.close("data"));
    REQUIRE(machine.host().disks.write_table(vdb, {}));
    CHECK(header(machine) == LuksHeader{});
  }

  TEST_CASE("what libcryptsetup refuses to format") {
    MachineSpec spec = three_disk_machine();
    spec.disks[2].facts.sectors = 16 * mib;
    SimHost machine(spec);
    const Host host = machine.host();
    LuksFormat bad = wish();
    bad.uuid = "no-uuid";
    CHECK(host.crypt.format(vdb, bad, key()).error().system_error == EINVAL);
    CHECK(host.crypt.format(vdc, wish(), key()).error().system_error == EINVAL);
    CHECK(host.crypt.format({"/dev/none", "", 0}, wish(), key()).error().code == Code::device_missing);
    CHECK(host.crypt.format({"/dev/vda2", "", 0}, wish(), key()).error().code == Code::device_busy);
    CHECK(machine.touched().empty());
  }

  TEST_CASE("how a volume was made can be asked") {
    SimHost machine(three_disk_machine());
    LuksFormat made = wish();
    made.uuid = "1B4E28BA-2FA1-11D2-883F-0016D3CCA427";
    made.cipher = "aes-xts-plain64";
    made.sector_size = 4096;
    made.offset = 2048;
    made.key_slot = 3;
    REQUIRE(machine.host().crypt.format(vdb, made, key()));
    CHECK(header(machine).uuid == "1b4e28ba-2fa1-11d2-883f-0016d3cca427");
    REQUIRE(machine.luks("/dev/vdb"));
    CHECK(machine.luks("/dev/vdb")->format == made);
    CHECK(machine.luks("/dev/vdb")->keys.at(3) == "right");
    CHECK_FALSE(machine.luks("/dev/vdc"));
    CHECK_FALSE(machine.luks("/dev/none"));
    LuksOpen options;
    options.key_slot = 3;
    REQUIRE(open(machine, vdb, "data", options).value());
    CHECK(machine.host().disks.facts(mapped).value() == host::DiskFacts{4096, 1023 * mib / 8, "", "", ""});
    // Without a UUID it has one of its own each time.
    made.uuid.clear();
    REQUIRE(machine.host().crypt.format(vdc, made, key()));
    const std::string first = header(machine, vdc).uuid;
    REQUIRE(machine.host().crypt.format(vdc, made, key()));
    CHECK(first.size() == 36);
    CHECK(header(machine, vdc).uuid != first);
  }

  TEST_CASE("more key slots, tokens of them, and slots that go") {
    SimHost machine(three_disk_machine());
    auto& crypt = machine.host().crypt;
    REQUIRE(format(machine));
    const Secret more = key("more");
    CHECK(crypt.add_key(vdb, more, more).error().code == Code::conflict);
    REQUIRE(crypt.add_key(vdb, key(), more).value() == 1);
    CHECK_FALSE(crypt.add_token(vdb, R"({"type":"clevis","keyslots":["2"],"jwe":{}})"));
    CHECK_FALSE(header(machine).bound);
    const std::string token = R"({"type":"clevis","keyslots":["1"],"jwe":{}})";
    REQUIRE(crypt.add_token(vdb, token));
    CHECK(header(machine).bound);
    const auto slots = crypt.slots(vdb);
    REQUIRE(slots);
    CHECK((slots->used == std::vector<int>{0, 1}));
    CHECK((slots->tokens == Strings{token}));
    machine.reboot(Loss::all);
    REQUIRE(crypt.remove_slot(vdb, 0));
    CHECK_FALSE(open(machine, vdb, "").value());
    CHECK(crypt.open(vdb, "", {}, more).value());
    CHECK(crypt.remove_slot(vdb, 1).error().code == Code::conflict);
    CHECK_FALSE(crypt.remove_slot(vdb, 7));
  }

  TEST_CASE("a TPM that is enrolled opens the volume, with its PIN alone; not without a TPM, nor after a cut") {
    const Secret right = key();
    const Secret pin = key("8243");
    const auto enroll = [&](SimHost& machine, const Secret& by, const Secret* its_pin) {
      host::Command command;
      command.program = "systemd-cryptenroll";
      command.arguments = {"--unlock-key-file=/dev/stdin", "--tpm2-device=auto", "--tpm2-pcrs=7", "/dev/vdb"};
      command.secret_input = &by;
      if (its_pin != nullptr) {
        command.arguments.insert(command.arguments.begin(), "--tpm2-with-pin=yes");
        command.secret_variable = "NEWPIN";
        command.secret_value = its_pin;
      }
      return machine.host().processes.run(command).value().status == 0;
    };
    const auto opens = [&](SimHost& machine, const Secret& by, const Strings& more) {
      host::Command command;
      command.program = "cryptsetup";
      command.arguments = {"open", "--token-only"};
      command.arguments.insert(command.arguments.end(), more.begin(), more.end());
      command.secret_input = &by;
      return machine.host().processes.run(command).value().status == 0;
    };
    const Secret none;
    SimHost machine(three_disk_machine());
    REQUIRE(format(machine));
    CHECK_FALSE(opens(machine, none, {"--test-passphrase", "/dev/vdb"}));
    CHECK_FALSE(enroll(machine, pin, nullptr));
    REQUIRE(enroll(machine, right, &pin));
    CHECK(header(machine).tpm2);
    CHECK_FALSE(header(machine).recovery);
    CHECK(opens(machine, pin, {"--test-passphrase", "/dev/vdb"}));
    CHECK_FALSE(opens(machine, none, {"--test-passphrase", "/dev/vdb"}));
    CHECK_FALSE(opens(machine, right, {"/dev/vdb", "data"}));
    CHECK(opens(machine, pin, {"/dev/vdb", "data"}));
    CHECK(machine.host().crypt.opened("data").value()->uuid == id);
    CHECK_FALSE(opens(machine, pin, {"/dev/vdb", "other"}));

    MachineSpec bare = three_disk_machine();
    bare.has_tpm = false;
    SimHost without(std::move(bare));
    REQUIRE(format(without));
    CHECK_FALSE(enroll(without, right, nullptr));

    SimHost cut(three_disk_machine(), {1, {{2, FaultKind::cut_midway, Loss::none}}});
    REQUIRE(format(cut));
    CHECK_THROWS_AS(enroll(cut, right, nullptr), PowerCut);
    cut.reboot(Loss::none);
    CHECK_FALSE(header(cut).tpm2);
    CHECK((cut.host().crypt.slots(vdb)->used == std::vector<int>{0, 1}));
  }

  TEST_CASE("each new key is another, and the seed's own, over boots too") {
    const auto keys = [](std::uint64_t seed) {
      SimHost machine(two_disk_machine(), {seed, {}});
      std::set<std::string> made;
      for (int i = 0; i < 4; ++i) {
        const auto fresh_key = machine.host().crypt.new_key(4096);
        REQUIRE(fresh_key);
        CHECK(fresh_key->size() == 8192);
        CHECK(fresh_key->view().find_first_not_of("0123456789abcdef") == std::string_view::npos);
        made.emplace(fresh_key->view());
        machine.reboot(Loss::any);
      }
      CHECK(machine.calls() == 0);
      return made;
    };
    const auto first = keys(1);
    CHECK(first.size() == 4);
    CHECK((keys(1) == first));
    CHECK((keys(2) != first));
  }

  TEST_CASE("a volume on an array") {
    SimHost machine(three_disk_machine());
    const std::string array = uuid("array").text();
    const DeviceRef md{"/dev/md/data", "", 0};
    REQUIRE(run(machine, "mdadm",
                {"--create", "/dev/md/data", "--run", "--level=raid1", "--raid-devices=2", "--uuid=" + array,
                 "/dev/vdb", "/dev/vdc"}) == 0);
    REQUIRE(format(machine, md));
    REQUIRE(open(machine, md).value());
    CHECK(machine.host().disks.users(md).value() == Strings{"the encrypted volume data"});
    CHECK(run(machine, "mdadm", {"--stop", "/dev/md/data"}) == 1);
    REQUIRE(mkfs(machine, "/dev/mapper/data") == 0);
    write_on_volume(machine);
    machine.reboot_orderly();
    CHECK(open(machine, md).error().code == Code::device_missing);
    REQUIRE(run(machine, "mdadm", {"--assemble", "/dev/md/data", "--run", "--uuid=" + array, "/dev/vdb", "/dev/vdc"}) ==
            0);
    CHECK(machine.luks("/dev/md127")->header == fresh);
    REQUIRE(open(machine, md).value());
    REQUIRE(machine.host().mounts.mount("/dev/mapper/data", "/sysroot/var", "ext4", ""));
    CHECK(read(machine, "/var/file") == "hello");
  }

  TEST_CASE("volumes of an earlier life, opened by the distro or not, and mounted by it") {
    SimHost idle(machine_with_volume());
    CHECK(header(idle) == fresh);
    CHECK_FALSE(idle.host().disks.await(mapped, {}));
    CHECK(idle.snapshot().find("volume " + id + ":/file") != std::string::npos);
    auto spec = machine_with_volume("data");
    spec.mounts.push_back({"/dev/mapper/data", "/sysroot/var", "ext4", "rw"});
    SimHost running(spec);
    for (const bool again : {false, true}) {
      CHECK(running.host().crypt.opened("data").value() == host::OpenVolume{id, "/dev/dm-0"});
      CHECK(read(running, "/var/file") == "old");
      if (!again) {
        running.reboot(Loss::all);
      }
    }
    CHECK(running.touched().empty());
  }

  TEST_CASE("volumes of an earlier life on a partition, an array and without a key, and one of LUKS1") {
    MachineSpec spec = three_disk_machine();
    spec.disks[1].disk_guid = uuid("disk b");
    const ArraySpec array{uuid("array"), "data", "raid1", 1, std::nullopt, true};
    spec.disks[1].partitions = {partition(1, 1, 100, "one", {}), partition(2, 101, 100, "two", {}),
                                partition(3, 201, 100, "three", member_of(array))};
    spec.arrays = {array};
    spec.volumes = {{"/dev/vdb1", id, "", true, 2, "right", std::nullopt, ""},
                    {"/dev/vdb2", uuid("keyless").text(), "", false, 2, std::nullopt, std::nullopt, "keyless"},
                    {"/dev/md/data", uuid("on array").text(), "", false, 2, "right", std::nullopt, ""},
                    {"/dev/vdc", uuid("one").text(), "", false, 1, "right", std::nullopt, ""}};
    SimHost machine(spec);
    CHECK(header(machine, vdb1) == LuksHeader{2, id, "", true, true});
    CHECK(machine.luks("/dev/vdb1")->flags.discards);
    CHECK(header(machine, {"/dev/vdb2", "", 0}) == LuksHeader{2, uuid("keyless").text(), "", false, false});
    CHECK(machine.host().crypt.opened("keyless").value() == std::nullopt);
    CHECK(header(machine, {"/dev/md/data", "", 0}).uuid == uuid("on array").text());
    CHECK(header(machine, vdc).version == 1);
    CHECK(open(machine, {"/dev/md/data", "", 0}).value());
    CHECK(machine.problems() == Strings{"/dev/vdb2: the encrypted volume has no key slot"});
  }
}

}  // namespace provision::test
