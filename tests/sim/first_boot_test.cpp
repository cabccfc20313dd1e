// SPDX-License-Identifier: Apache-2.0
// Whether a boot is a first boot: the table of the decision, and what the stages make of it on a simulated machine.
#include "stages/first_boot.hpp"
#include "stages/hooks.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "base/path.hpp"
#include "host/sim/simhost.hpp"
#include "run/journal.hpp"
#include "sim/machines.hpp"

using namespace provision;
using namespace provision::test;

namespace {

using host::sim::regular;
using stages::Verdict;
using Stamp = stages::Evidence::Stamp;
using Record = stages::Evidence::Record;

constexpr std::string_view stamp = "/run/provision/boot/ignition.firstboot";
constexpr std::string_view boot_label = "/dev/disk/by-partlabel/BOOT";
constexpr std::string_view config =
    R"({"ignition": {"version": "3.4.0"}, "storage": {"files": [
      {"path": "/made", "overwrite": true, "contents": {"source": "data:,made"}}]}})";

class Listener final : public run::Listener {
 public:
  void on(const run::Event& event) override { said += event.text + "\n"; }
  std::string said;
};

struct Asked {
  bool asked_for = true;
  bool stamp_is_ours = true;
  std::string stamp_path = std::string(stamp);
  bool stamp_is_disk_guid = false;
};

// One machine, boot after boot.
class Booted {
 public:
  explicit Booted(const host::sim::MachineSpec& spec = machine())
      : sim_(spec), host_(sim_.host()), state_path_(spec.state_path) {}

  static host::sim::MachineSpec machine() {
    auto spec = two_disk_machine();
    spec.fw_cfg.emplace("opt/com.coreos/config", config);
    return spec;
  }
  // BOOT is not mounted yet, and the paths are those that `decide` looks at.
  static host::sim::MachineSpec undecided() {
    auto spec = machine();
    spec.mounts.pop_back();
    spec.state_path = std::string(stages::look_path) + "/provision";
    return spec;
  }

  std::string run(std::string_view name, const Asked& asked) {
    stages::Context context{
        host_,
        listener_,
        "qemu",
        asked.stamp_path,
        std::chrono::milliseconds(500),
        {},
        {std::string(boot_label), state_path_, asked.asked_for, asked.stamp_is_ours,
         [](std::string_view type) { return "ro,for=" + std::string(type); }, asked.stamp_is_disk_guid}};
    const auto result = stages::run_stage(context, *stages::find_stage(name));
    return result ? std::string() : to_string(result.error());
  }
  // All stages as the units run them; how they ended.
  std::string boot(const Asked& asked) {
    for (const auto& stage : stages::stages()) {
      if (const std::string error = stage.name == "decide" ? "" : run(stage.name, asked); !error.empty()) {
        return std::string(stage.name) + ": " + error;
      }
    }
    std::string results;
    for (const auto& stage : run::load_report(host_.own).stages) {
      results += (results.empty() ? "" : " ") + stage.name + "=" + stage.result;
    }
    return results;
  }
  void put(const std::string& path, const std::string& content) {
    REQUIRE(stages::make_own_directory(host_.own, path::parent(path)));
    REQUIRE(host_.own.replace(path, content, 0600, {}));
    REQUIRE(host_.own.sync(path));
  }
  void remove(std::string_view path) {
    REQUIRE(host_.own.remove(path));
    REQUIRE(host_.own.sync(path::parent(path)));
  }
  bool has(std::string_view path) { return host_.own.look(path)->has_value(); }
  void power_cut() { sim_.reboot(host::sim::Loss::all); }
  host::Host& host() { return host_; }
  host::sim::SimHost& sim() { return sim_; }
  std::string said() { return std::exchange(listener_.said, {}); }

 private:
  host::sim::SimHost sim_;
  host::Host host_;
  std::string state_path_;
  Listener listener_;
};

constexpr std::string_view all_done =
    "fetch-offline=done fetch=skipped disks=done mount=done files=done complete=done umount=done";
constexpr std::string_view all_skipped =
    "fetch-offline=skipped fetch=skipped disks=skipped mount=skipped files=skipped complete=skipped umount=skipped";

bool has(const std::string& text, std::string_view part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE_BEGIN("first boot");

TEST_CASE("the decision, row by row") {
  struct Row {
    Record record;
    Stamp stamp;
    // Asked for and ours, asked for and the distribution's, only the stamp tells: ours, the distribution's.
    std::array<Verdict, 4> verdicts;
  };
  constexpr auto first = Verdict::first;
  constexpr auto over = Verdict::over;
  constexpr auto none = Verdict::none;
  const std::vector<Row> rows{
      {Record::none, Stamp::present, {first, first, first, first}},
      {Record::none, Stamp::renewed, {first, first, first, first}},
      {Record::none, Stamp::absent, {first, first, none, none}},
      {Record::none, Stamp::unknown, {first, first, none, none}},
      {Record::begun, Stamp::present, {first, first, first, first}},
      {Record::begun, Stamp::renewed, {first, first, first, first}},
      {Record::begun, Stamp::absent, {first, first, first, first}},
      {Record::begun, Stamp::unknown, {first, first, first, first}},
      {Record::all_done, Stamp::present, {first, first, first, first}},
      {Record::all_done, Stamp::renewed, {first, first, first, first}},
      {Record::all_done, Stamp::absent, {over, first, over, first}},
      {Record::all_done, Stamp::unknown, {first, first, first, first}},
      {Record::complete, Stamp::present, {first, over, first, over}},
      {Record::complete, Stamp::renewed, {first, first, first, first}},
      {Record::complete, Stamp::absent, {over, over, over, over}},
      {Record::complete, Stamp::unknown, {over, over, over, over}},
  };
  for (const auto& row : rows) {
    std::size_t column = 0;
    for (const bool asked_for : {true, false}) {
      for (const bool ours : {true, false}) {
        CAPTURE(static_cast<int>(row.record));
        CAPTURE(static_cast<int>(row.stamp));
        CAPTURE(column);
        CHECK(stages::judge({row.stamp, row.record, asked_for, ours}) == row.verdicts.at(column));
        ++column;
      }
    }
  }
}

TEST_CASE("the distribution's stamp: left alone, known again, and run anew for another one") {
  const Asked distro{.stamp_is_ours = false};
  Booted machine;
  CHECK(machine.boot(distro) == all_done);
  CHECK(machine.has(stamp));
  machine.power_cut();
  const std::string before = machine.sim().snapshot();
  machine.said();
  CHECK(machine.boot(distro) == all_skipped);
  CHECK(has(machine.said(), "this first boot was complete; the distribution has yet to clear its stamp"));
  machine.power_cut();
  CHECK(machine.sim().snapshot() == before);
  machine.remove(stamp);
  machine.put(std::string(stamp), "");
  machine.power_cut();
  CHECK(machine.boot(distro) == all_done);
  machine.power_cut();
  CHECK(machine.boot(distro) == all_skipped);
}

TEST_CASE("the journal's place alone: complete is complete") {
  const Asked blind{.stamp_path = ""};
  Booted machine;
  CHECK(machine.boot(blind) == all_done);
  machine.power_cut();
  CHECK(machine.boot(blind) == all_skipped);
  CHECK(has(machine.said(), "remove the file provision/journal of /dev/disk/by-partlabel/BOOT"));
  CHECK(machine.has(stamp));
}

// GRUB reads no journal of a file system: it may see a stamp that is gone.
TEST_CASE("our stamp was removed, and a boot loader saw it all the same") {
  Booted machine;
  CHECK(machine.boot({}) == all_done);
  CHECK_FALSE(machine.has(stamp));
  machine.power_cut();
  CHECK(machine.boot({}) == all_skipped);
  machine.put(std::string(stamp), "");
  machine.power_cut();
  CHECK(machine.boot({}) == all_done);
}

TEST_CASE("the power went between the stamp and the record of completion: the rest is done, and no more") {
  Booted machine;
  const std::string installed = "/run/provision/boot/ignition/config.ign";
  machine.put(installed, std::string(config));
  for (const auto* name : {"fetch-offline", "disks", "mount", "files"}) {
    CHECK(machine.run(name, {}) == "");
  }
  machine.remove(stamp);
  machine.power_cut();
  machine.sim().set_fw_cfg("opt/com.coreos/config", "not even a config");
  CHECK(machine.boot({}) == all_skipped);
  CHECK_FALSE(machine.has(installed));
  CHECK(run::Journal::open(machine.host().state)->complete());
}

TEST_CASE("only the stamp tells: seen, not seen, in progress") {
  const std::string below(stages::look_path);
  const Asked alone{.asked_for = false, .stamp_path = below + "/ignition.firstboot"};
  auto spec = Booted::undecided();
  Booted stamped(spec);
  CHECK(stamped.run("decide", alone) == "");
  CHECK_FALSE(stamped.has(stages::not_first_boot_path));

  auto& files = spec.disks[0].partitions[0].content->files;
  files.erase("/ignition.firstboot");
  Booted bare(spec);
  const std::size_t mounts = bare.host().mounts.list()->size();
  CHECK(bare.run("decide", alone) == "");
  CHECK(has(bare.said(), "this is no first boot: /dev/disk/by-partlabel/BOOT has neither"));
  CHECK(bare.boot(alone) == "decide=done " + std::string(all_skipped));
  for (const auto& touched : bare.sim().touched()) {
    CAPTURE(touched);
    CHECK((touched.starts_with("/run/") || touched == "/dev/vda1"));
  }
  CHECK(bare.host().mounts.list()->size() == mounts);

  // Begun, and somebody took the stamp away.
  Booted begun;
  CHECK(begun.run("fetch-offline", {}) == "");
  const std::string journal = *begun.host().state.read("/journal", 1 << 20);
  const auto with_journal = host::sim::tree({{"/provision/journal", regular(journal)}});
  files.insert(with_journal.begin(), with_journal.end());
  Booted going_on(spec);
  CHECK(going_on.run("decide", alone) == "");
  CHECK_FALSE(going_on.has(stages::not_first_boot_path));
}

TEST_CASE("only the stamp tells: asked again when the file system's own journal has been replayed") {
  Booted machine;
  CHECK(machine.boot({}) == all_done);
  machine.power_cut();
  CHECK(machine.boot({.asked_for = false}) == all_skipped);
  Booted other;
  other.remove(stamp);
  CHECK(other.boot({.asked_for = false}) == all_skipped);
  CHECK(has(other.said(), "this is no first boot"));
}

namespace {

constexpr std::string_view image_guid = "00000000-0000-0000-0000-000000000001";

// BOOT is partition 1 of a disk that has the image's GUID, or another one.
host::sim::MachineSpec with_disk_guid(host::sim::MachineSpec spec, std::string_view guid) {
  spec.disks[0].disk_guid = *Uuid::parse(guid);
  return spec;
}

// As the kernel tells which disk has the partition.
void tell_partitions(Booted& machine) {
  machine.put("/sys/devices/vda/vda1/partition", "1");
  machine.put("/sys/class/block/placeholder", "");
  REQUIRE(machine.host().own.make_link("/sys/class/block/vda1", {"../../devices/vda/vda1", false, {}, {}}));
}

std::string disk_guid(Booted& machine) {
  const auto table = machine.host().disks.read_table({"/dev/vda", {}, 0});
  return table ? (table->kind == host::TableKind::gpt ? "gpt " : "no whole gpt ") + table->disk_guid.text()
               : to_string(table.error());
}

constexpr Asked by_disk_guid(bool asked_for) {
  return {.asked_for = asked_for, .stamp_path = "", .stamp_is_disk_guid = true};
}

}  // namespace

TEST_CASE("the image's disk GUID is the stamp: seen, replaced, and not seen again") {
  for (const bool asked_for : {true, false}) {
    CAPTURE(asked_for);
    Booted machine(with_disk_guid(Booted::machine(), image_guid));
    tell_partitions(machine);
    CHECK(disk_guid(machine) == "gpt " + std::string(image_guid));
    CHECK(machine.boot(by_disk_guid(asked_for)) == all_done);
    const std::string own = disk_guid(machine);
    CHECK(own.starts_with("gpt "));
    CHECK(own != "gpt " + std::string(image_guid));
    machine.power_cut();
    tell_partitions(machine);
    CHECK(disk_guid(machine) == own);
    CHECK(machine.boot(by_disk_guid(asked_for)) == all_skipped);
    CHECK(has(machine.said(), "its disk has a GUID of its own, and nothing runs again"));
    CHECK(disk_guid(machine) == own);
  }
}

TEST_CASE("the image's disk GUID is the stamp: the power goes before it is replaced, or before that is recorded") {
  Booted machine(with_disk_guid(Booted::machine(), image_guid));
  tell_partitions(machine);
  for (const auto* name : {"fetch-offline", "disks", "mount", "files"}) {
    CHECK(machine.run(name, by_disk_guid(false)) == "");
  }
  // As the stage `disks` may have done it, or a completion that was cut short.
  auto table = *machine.host().disks.read_table({"/dev/vda", {}, 0});
  table.disk_guid = *Uuid::parse("11111111-2222-3333-4444-555555555555");
  REQUIRE(machine.host().disks.write_table({"/dev/vda", {}, 0}, table));
  machine.power_cut();
  tell_partitions(machine);
  CHECK(machine.boot(by_disk_guid(false)) ==
        "fetch-offline=done fetch=skipped disks=skipped mount=resumed files=skipped complete=done umount=done");
  CHECK(disk_guid(machine) == "gpt 11111111-2222-3333-4444-555555555555");
  CHECK(run::Journal::open(machine.host().state)->complete());
}

TEST_CASE("the image's disk GUID is the stamp: a disk with another one, and what is no disk") {
  Booted other(with_disk_guid(Booted::machine(), "11111111-2222-3333-4444-555555555555"));
  tell_partitions(other);
  CHECK(other.boot(by_disk_guid(false)) == all_skipped);
  CHECK(has(other.said(), "this is no first boot"));

  auto whole = Booted::undecided();
  whole.disks[0].disk_guid = *Uuid::parse(image_guid);
  Booted unknown(whole);
  CHECK(has(unknown.run("decide", by_disk_guid(false)), "BOOT is no partition of a disk"));
}

TEST_CASE("what cannot be told stops the boot") {
  const Asked alone{.asked_for = false, .stamp_path = std::string(stages::look_path) + "/ignition.firstboot"};
  auto absent = Booted::undecided();
  absent.disks[0].appears_after = host::sim::never;
  absent.mounts.clear();
  Booted missing(absent);
  for (const auto& asked : {Asked{}, alone}) {
    const std::string error = missing.run("decide", asked);
    CHECK(has(error, "there is no device /dev/disk/by-partlabel/BOOT"));
    CHECK(has(error, "asking /dev/disk/by-partlabel/BOOT whether this is a first boot"));
  }
  auto foreign = Booted::undecided();
  foreign.disks[0].partitions[0].content.reset();
  Booted unreadable(foreign);
  CHECK(has(unreadable.run("decide", alone), "there is no file system on /dev/disk/by-partlabel/BOOT"));
  CHECK_FALSE(unreadable.has(stages::not_first_boot_path));

  // An old disk that is still attached.
  Booted doubled(Booted::undecided());
  doubled.put("/run/udev/data/b253:1", "S:disk/by-partlabel/BOOT\nE:ID_FS_TYPE=ext4\n");
  doubled.put("/run/udev/data/b253:9", "S:disk/by-partlabel/BOOTS\nS:disk/by-label/BOOT\n");
  doubled.put("/run/udev/data/c1:1", "S:disk/by-partlabel/BOOT\n");
  CHECK(doubled.run("decide", {}) == "");
  doubled.put("/run/udev/data/b253:17", "I:1\nS:disk/by-partlabel/BOOT\n");
  for (const auto& asked : {Asked{}, alone}) {
    CHECK(has(doubled.run("decide", asked), "more than one device is /dev/disk/by-partlabel/BOOT: 253:1, 253:17"));
  }
  // A way to a disk, or a part of a RAID, is no other disk.
  doubled.put("/sys/devices/sdb/sdb1/partition", "1");
  doubled.put("/sys/devices/sdb/holders/dm-0", "");
  doubled.put("/sys/dev/block/placeholder", "");
  REQUIRE(doubled.host().own.make_link("/sys/dev/block/253:17", {"../../devices/sdb/sdb1", false, {}, {}}));
  CHECK(doubled.run("decide", {}) == "");
}
TEST_SUITE_END();
