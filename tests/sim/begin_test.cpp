// SPDX-License-Identifier: Apache-2.0
// The beginning of a first boot: on the machine that began it, on another one, with another config; and what derived
// identities rest on.
#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "base/path.hpp"
#include "host/sim/simhost.hpp"
#include "plan/volume_keys.hpp"
#include "run/journal.hpp"
#include "sim/machines.hpp"
#include "stages/hooks.hpp"
#include "stages/stage.hpp"
#include "support/stage_run.hpp"

using namespace provision;
using namespace provision::test;
using namespace provision::host::sim;

namespace {

// Two partitions of which nothing but the label is given; and then a file that is in the way.
constexpr std::string_view config = R"({"ignition": {"version": "3.4.0"}, "storage": {
  "disks": [{"device": "/dev/vdb", "partitions": [{"label": "a", "sizeMiB": 64}, {"label": "b"}]}],
  "filesystems": [{"device": "/dev/disk/by-partlabel/a", "format": "ext4"}],
  "files": [{"path": "/etc/os-release", "contents": {"source": "data:,in%20the%20way"}}]}})";
constexpr std::string_view config_item = "opt/com.coreos/config";

class Words final : public run::Listener {
 public:
  void on(const run::Event& event) override { said += event.text + "\n"; }
  std::string said;
};

class Machine {
 public:
  explicit Machine(const host::Machine& identity, std::uint64_t seed = 1, const std::string& argument = {})
      : sim_(spec(identity, argument), {seed, {}}) {
    give(config);
  }

  void give(std::string_view text) { sim_.set_fw_cfg(std::string(config_item), std::string(text)); }
  // As a copy of the disk with the journal would be.
  void take_journal_of(Machine& other) {
    const std::string text = other.journal();
    REQUIRE(sim_.host().state.replace("/journal", text, 0600, {}));
  }
  std::string journal() { return sim_.host().state.read("/journal", 1 << 20).value_or(""); }
  void credential(const std::string& word) {
    const std::string path = "/run/credentials/@system/provision.unfinished";
    REQUIRE(stages::make_own_directory(sim_.host().own, path::parent(path)));
    REQUIRE(sim_.host().own.replace(path, word, 0400, {}));
  }
  // How the stages up to `last` ended: the first error's name and text.
  std::string run(std::string_view last) {
    for (const auto& stage : stages::stages()) {
      host::Host host = sim_.host();
      stages::Context context{host, words_, "qemu", {}, std::chrono::milliseconds(1000), {}};
      context.options.workers = 0;
      const auto result = stages::run_stage(context, stage);
      if (!result) {
        return std::string(row(result.error().code).name) + ": " + to_string(result.error());
      }
      if (stage.name == last) {
        break;
      }
    }
    return {};
  }
  std::string guids() {
    std::string found;
    const auto table = sim_.host().disks.read_table({"/dev/vdb", {}, 0});
    REQUIRE(table);
    for (const auto& partition : table->partitions) {
      found += partition.guid.text() + " ";
    }
    return found;
  }
  SimHost& sim() { return sim_; }
  std::string& said() { return words_.said; }

 private:
  static MachineSpec spec(const host::Machine& identity, const std::string& argument) {
    MachineSpec machine = two_disk_machine();
    machine.identity = identity;
    machine.disks[1].facts.serial.clear();
    machine.command_line += " " + argument;
    return machine;
  }

  SimHost sim_;
  Words words_;
};

const host::Machine one{"1b4e28ba-2fa1-11d2-883f-0016d3cca427", "M-1"};
const host::Machine two{"2b4e28ba-2fa1-11d2-883f-0016d3cca427", "M-2"};
const host::Machine unknown{};

bool has(const std::string& text, std::string_view part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

// It has partitioned its disk, and stopped at the file.
void stop_half_way(Machine& machine) { REQUIRE(has(machine.run("files"), "conflict: ")); }

}  // namespace

TEST_SUITE_BEGIN("sim begin");

TEST_CASE("identity: the same on a rerun, another on another machine of the fleet") {
  Machine first(one);
  REQUIRE(first.run("disks").empty());
  const auto guids = first.guids();
  REQUIRE(guids.size() == 74);
  Machine same(one, 2);
  REQUIRE(same.run("disks").empty());
  CHECK(same.guids() == guids);
  Machine other(two);
  REQUIRE(other.run("disks").empty());
  CHECK(other.guids() != guids);
}

TEST_CASE("identity: a machine without any draws a seed, once") {
  Machine first(unknown, 1);
  REQUIRE(first.run("fetch").empty());
  // The power goes before a disk is touched: the seed is what the journal says, not a new one.
  first.sim().reboot(Loss::all);
  REQUIRE(first.run("disks").empty());
  const auto guids = first.guids();
  Machine copy(unknown, 2);
  copy.take_journal_of(first);
  REQUIRE(copy.run("fetch").empty());
  CHECK(has(copy.said(), "going on"));
  Machine other(unknown, 3);
  REQUIRE(other.run("disks").empty());
  CHECK(other.guids() != guids);
  first.sim().reboot(Loss::all);
  REQUIRE(first.run("disks").empty());
  CHECK(first.guids() == guids);
}

// A partition without a number is known by its derived GUID alone.
TEST_CASE("identity: the seed stays for a second first boot") {
  Machine machine(unknown);
  machine.give(R"({"ignition": {"version": "3.4.0"}, "storage": {
    "disks": [{"device": "/dev/vdb", "partitions": [{"label": "whole"}]}]}})");
  REQUIRE(machine.run("complete").empty());
  const auto guids = machine.guids();
  machine.sim().reboot_orderly();
  CHECK(machine.run("complete") == "");
  CHECK(machine.guids() == guids);
}

TEST_CASE("begin: a first boot that another machine has begun stops, and touches nothing") {
  Machine first(one);
  stop_half_way(first);
  Machine copy(two);
  copy.take_journal_of(first);
  const std::string before = copy.sim().snapshot();
  CHECK(has(copy.run("files"), "journal-other-machine: "));
  CHECK(copy.sim().snapshot() == before);
}

TEST_CASE("begin: on a machine that cannot be known, nobody says it is another") {
  Machine first(one);
  stop_half_way(first);
  Machine copy(unknown);
  copy.take_journal_of(first);
  CHECK(copy.run("fetch").empty());
  CHECK(has(copy.said(), "going on"));
}

TEST_CASE("begin: another machine or config begins anew where nothing was done") {
  Machine first(one);
  first.give(
      R"({"ignition": {"version": "3.4.0"}, "storage": {"files": [{"path": "/etc/os-release", "contents": {"source": "data:,x"}}]}})");
  stop_half_way(first);
  Machine copy(two);
  copy.take_journal_of(first);
  CHECK(copy.run("disks").empty());
  CHECK(has(copy.said(), "nothing was done; it begins anew"));
}

TEST_CASE("begin: a system credential chooses nothing where it may be the word of an untrusted host") {
  Machine machine(one, 1, "provision.confidential=yes");
  const auto put = [&](std::string_view text) {
    REQUIRE(machine.sim().host().own.replace("/config.ign", text, 0400, {}));
  };
  put(config);
  stop_half_way(machine);
  machine.sim().reboot_orderly();
  put(R"({"ignition": {"version": "3.4.0"}})");
  machine.credential("start-over");
  CHECK(has(machine.run("files"), "journal-other-config: "));
  CHECK(has(machine.said(), "the credential provision.unfinished is not heard: this is a confidential machine"));
}

TEST_CASE("begin: a changed config stops with both digests; what becomes of it can be said") {
  const std::string corrected = R"({"ignition": {"version": "3.6.0+provision.1"},CHOICE "storage": {
    "disks": [{"device": "/dev/vdb", "partitions": [{"label": "a", "sizeMiB": 64}, {"label": "c"}]}],
    "filesystems": [{"device": "/dev/disk/by-partlabel/a", "format": "ext4"}]}})";
  const auto with = [&](const std::string& choice) {
    std::string text = corrected;
    return text.replace(text.find("CHOICE"), 6, choice);
  };
  struct Case {
    std::string argument;
    std::string credential;
    std::string config;
    std::string error;
    std::string said;
  };
  const std::vector<Case> cases{
      {"", "", with(""), "journal-other-config: ", ""},
      {"provision.unfinished=resume", "", with(""), "", "the stages that are done stay"},
      {"provision.unfinished=start-over", "", with(""), "", "is started over"},
      {"provision.unfinished=resume", "start-over", with(""), "", "the stages that are done stay"},
      {"", "start-over\n", with(R"("provision": {"unfinished": "resume"},)"), "", "is started over"},
      {"", "", with(R"("provision": {"unfinished": "resume"},)"), "", "the stages that are done stay"},
      {"", "", with(R"("provision": {"unfinished": "start-over"},)"), "", "is started over"},
      {"provision.unfinished=yes", "", with(""), "bad-config: the kernel command line says \"yes\"", ""},
      {"", "no", with(""), "bad-config: the credential provision.unfinished says \"no\"", ""},
  };
  for (const auto& each : cases) {
    CAPTURE(each.argument);
    CAPTURE(each.credential);
    CAPTURE(each.config);
    Machine machine(one, 1, each.argument);
    stop_half_way(machine);
    const auto guids = machine.guids();
    machine.sim().reboot_orderly();
    machine.give(each.config);
    if (!each.credential.empty()) {
      machine.credential(each.credential);
    }
    const std::string error = machine.run("files");
    CHECK(each.error.empty() == error.empty());
    CHECK(has(error, each.error));
    CHECK(has(machine.said(), each.said));
    // Resumed, or stopped: the disks are as the first config left them.
    CHECK((machine.guids() == guids) == (each.said != "is started over"));
  }
}

// Not a word of it is in the config's meaning: the config alone, or said with it, is one and the same.
TEST_CASE("begin: what becomes of an unfinished first boot is no part of the config") {
  const std::string plain = R"({"ignition": {"version": "3.6.0+provision.1"}, "storage": {
    "disks": [{"device": "/dev/vdb", "partitions": [{"label": "a"}]}], "files": [{"path": "/etc/os-release", "contents": {"source": "data:,x"}}]}})";
  std::string saying = plain;
  saying.replace(saying.find("\"storage\""), 9, R"("provision": {"unfinished": "start-over"}, "storage")");
  Machine machine(one);
  machine.give(plain);
  stop_half_way(machine);
  machine.sim().reboot_orderly();
  machine.give(saying);
  CHECK(has(machine.run("files"), "conflict: "));
  CHECK(has(machine.said(), "going on"));
}

// The power went when the keys were erased, and the stamp was still there. Another config then needs what is gone.
TEST_CASE("begin: keys of encrypted volumes that were handed over are none for another config") {
  const std::string first = R"({"ignition": {"version": "3.6.0+provision.1"},"storage": {
    "luks": [{"name": "data", "device": "/dev/vdb"}], "files": [{"path": "/etc/FILE", "contents": {"source": "data:,x"}}]}})";
  const auto with = [&](const std::string& file) {
    std::string text = first;
    return text.replace(text.find("FILE"), 4, file);
  };
  struct Case {
    std::string argument;
    std::string file;
    std::string error;
  };
  const std::vector<Case> cases{
      {"", "one", ""},
      {"provision.unfinished=resume", "two", "its key is not kept any more: set wipeVolume and start over"},
      {"provision.unfinished=start-over", "two", ""},
  };
  for (const auto& each : cases) {
    CAPTURE(each.argument);
    Machine machine(one, 1, each.argument);
    machine.give(with("one"));
    REQUIRE(machine.run("files").empty());
    const auto header = machine.sim().luks("/dev/vdb");
    REQUIRE(header);
    REQUIRE(plan::hand_over_keys(machine.sim().host().state));
    machine.sim().reboot_orderly();
    machine.give(with(each.file));
    const std::string error = machine.run("complete");
    CHECK(has(error, each.error));
    CHECK(each.error.empty() == error.empty());
    CHECK_FALSE(machine.sim().host().state.look("/keys").value());
    const auto key = machine.sim().host().target.read("/etc/luks/data", 9000);
    CHECK(key.value_or("") == machine.sim().luks("/dev/vdb")->keys.at(0));
    CHECK((machine.sim().luks("/dev/vdb")->keys.at(0) == header->keys.at(0)) ==
          (each.argument != "provision.unfinished=start-over"));
  }
}

TEST_CASE("begin: a table with somebody else's partition is not started over") {
  Machine machine(one, 1, "provision.unfinished=start-over");
  // The first config finds a partition there and adds its own.
  host::Table table = *machine.sim().host().disks.read_table({"/dev/vdb", {}, 0});
  table.kind = host::TableKind::gpt;
  table.disk_guid = uuid("somebody");
  table.partitions = {partition(5, 1, 16, "precious", foreign("none", "", "")).entry};
  REQUIRE(machine.sim().host().disks.write_table({"/dev/vdb", {}, 0}, table));
  stop_half_way(machine);
  machine.sim().reboot_orderly();
  machine.give(R"({"ignition": {"version": "3.4.0"}, "storage": {
    "disks": [{"device": "/dev/vdb", "partitions": [{"number": 1, "label": "other"}]}]}})");
  CHECK(has(machine.run("disks"), "conflict: "));
  const auto left = machine.sim().host().disks.read_table({"/dev/vdb", {}, 0})->partitions;
  CHECK(std::any_of(left.begin(), left.end(), [](const auto& entry) { return entry.label == "precious"; }));
}

// The kernel makes no partitions of a table that is broken; the config names one of them, and wipes the table.
TEST_CASE("begin: without a journal, what stands in a torn table is not waited for") {
  MachineSpec spec = two_disk_machine();
  spec.state_path = "/run/provision/volatile";
  spec.disks[1].disk_guid = uuid("data disk");
  spec.disks[1].partitions = {partition(1, 1, 256, "data", file_system("ext4", "data", uuid("data").text(), tree()))};
  spec.fw_cfg.emplace(config_item, R"({"ignition": {"version": "3.4.0"}, "storage": {
    "disks": [{"device": "/dev/vdb", "wipeTable": true, "partitions": [{"label": "data", "sizeMiB": 64}]}],
    "filesystems": [{"device": "/dev/disk/by-partlabel/data", "format": "ext4", "wipeFilesystem": true}]}})");
  const auto run = [](SimHost& sim) {
    Words words;
    host::Host host = sim.host();
    stages::Context context{host, words, "qemu", {}, std::chrono::milliseconds(1000), {}};
    context.options.workers = 0;
    std::string error;
    for (const std::string_view name : {"fetch-offline", "disks"}) {
      const auto result = stages::run_stage(context, *stages::find_stage(name));
      error += result ? "" : to_string(result.error());
    }
    return error;
  };
  std::size_t torn = 0;
  // How far the write of the table comes is a matter of the seed.
  for (std::uint64_t round = 0; round < std::uint64_t{40} * 8; ++round) {
    SimHost machine(spec, {round, {{1 + round / 8, FaultKind::cut_midway, Loss::any}}});
    try {
      static_cast<void>(run(machine));
      break;  // it has fewer calls
    } catch (const PowerCut& cut) {
      machine.reboot(cut.loss);
    }
    const auto table = machine.host().disks.read_table({"/dev/vdb", {}, 0});
    torn += table && table->kind == host::TableKind::damaged && !table->partitions.empty() ? 1U : 0U;
    CHECK(run(machine) == "");
  }
  CHECK(torn > 0);
}

TEST_SUITE_END();
