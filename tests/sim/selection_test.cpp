// SPDX-License-Identifier: Apache-2.0
// Disks that the config selects by what they are, through the stages of a first boot: disks that come late, too many or
// none, and the wrong one in the boot after a power cut.
#include <doctest/doctest.h>

#include <algorithm>
#include <optional>
#include <string>

#include "host/forwarded_disks.hpp"
#include "host/sim/simhost.hpp"
#include "run/journal.hpp"
#include "sim/machines.hpp"
#include "stages/selection.hpp"
#include "stages/stage.hpp"

using namespace provision;
using namespace provision::test;
using namespace provision::host::sim;
using std::chrono::milliseconds;

namespace {

constexpr std::string_view config_item = "opt/com.coreos/config";
constexpr std::string_view stamp = "/run/provision/boot/ignition.firstboot";

// The one disk on USB gets a file system, which is mounted, and a file on it.
std::string config(const std::string& selector = R"("transport": "usb")", const std::string& more = {}) {
  return R"({"ignition": {"version": "3.6.0+provision.1"},
    "provision": {"diskSelectors": [{"name": "data", )" +
         selector + R"(}]},
    "storage": {
      "disks": [{"device": "/dev/disk/by-selector/data", "partitions": [{"number": 1, "label": "www", "sizeMiB": 256}]}],
      "filesystems": [{"device": "/dev/disk/by-selector/data-part1", "format": "ext4", "path": "/var/www"})" +
         more + R"(],
      "files": [{"path": "/var/www/page", "contents": {"source": "data:,page"}}]}})";
}

// vdb and vdc, of which one is on USB.
MachineSpec machine() {
  MachineSpec spec = two_disk_machine();
  spec.disks[1].transport = "usb";
  spec.disks.push_back(blank_disk("/dev/vdc", "other-disk"));
  spec.disks[2].transport = "sata";
  spec.disks[2].content = foreign("crypto_LUKS", "", uuid("luks").text());
  return spec;
}

// As if somebody had changed the two disks' places.
class Exchanged final : public host::ForwardedDisks {
 public:
  using ForwardedDisks::ForwardedDisks;
  Result<std::vector<host::WholeDisk>> whole_disks(const host::DiskSearch& search) override {
    auto disks = TRY(ForwardedDisks::whole_disks(search));
    for (auto& disk : disks) {
      disk.transport = disk.transport == "usb" ? "sata" : disk.transport == "sata" ? "usb" : disk.transport;
    }
    return disks;
  }
};

class Words final : public run::Listener {
 public:
  void on(const run::Event& event) override { said += event.text + "\n"; }
  std::string said;
};

class Booted {
 public:
  explicit Booted(MachineSpec spec, const std::string& text, FaultPlan faults = {})
      : sim_(prepared(std::move(spec), text), std::move(faults)) {}

  // How the stages up to `last` ended: the first error's name, text and place. Nothing: the power went.
  std::optional<std::string> run(std::string_view last = "umount") {
    try {
      return try_run(last);
    } catch (const PowerCut& cut) {
      sim_.reboot(cut.loss);
      return std::nullopt;
    }
  }
  void exchange() { exchanged_ = true; }
  bool has_touched(const std::string& node) {
    const auto touched = sim_.touched();
    return std::any_of(touched.begin(), touched.end(), [&](const std::string& one) { return one.starts_with(node); });
  }
  SimHost& sim() { return sim_; }
  std::string text(std::string_view path) { return sim_.host().own.read(path, 1 << 20).value_or(""); }

 private:
  static MachineSpec prepared(MachineSpec spec, const std::string& text) {
    spec.fw_cfg.emplace(config_item, text);
    return spec;
  }

  std::string try_run(std::string_view last) {
    const host::Host all = sim_.host();
    Exchanged other(all.disks);
    host::Disks& disks = exchanged_ ? static_cast<host::Disks&>(other) : all.disks;
    host::Host host{all.target, all.target_path, all.state, all.own,      disks,    all.crypt,
                    all.mounts, all.processes,   all.clock, all.firmware, all.http, all.fetcher};
    for (const auto& stage : stages::stages()) {
      stages::Context context{host, words_, "qemu", std::string(stamp), milliseconds(10'000), {.workers = 0}};
      if (const auto result = stages::run_stage(context, stage); !result) {
        const Error& error = result.error();
        return std::string(stage.name) + " " + std::string(row(error.code).name) + " at " +
               (error.origin ? error.origin->path : "?") + ": " + to_string(error);
      }
      if (stage.name == last) {
        break;
      }
    }
    return {};
  }

  SimHost sim_;
  Words words_;
  bool exchanged_ = false;
};

bool has(const std::string& text, std::string_view part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE_BEGIN("sim selection");

TEST_CASE("selection: a disk that comes late is waited for, and its path stays the config's own") {
  MachineSpec spec = machine();
  spec.disks[1].appears_after = milliseconds(4000);
  Booted boot(spec, config());
  REQUIRE(boot.run() == "");
  CHECK(boot.has_touched("/dev/vdb1"));
  CHECK_FALSE(boot.has_touched("/dev/vdc"));
  CHECK(boot.sim().problems().empty());
  const auto host = boot.sim().host();
  CHECK(host.disks.probe({"/dev/vdb1", {}, 0}).value().type == "ext4");
  const std::string report = boot.text("/run/provision/report.json");
  CHECK(has(report, "make ext4 on /dev/disk/by-selector/data-part1"));
  CHECK_FALSE(has(report, "/dev/vdb"));
  CHECK(
      has(host.state.read("/journal", 1 << 20).value(), R"("selected":[{"selector":"data","disk":{"node":"/dev/vdb")"));
}

TEST_CASE("selection: a second one that comes a little later is seen before anything is written") {
  MachineSpec spec = machine();
  spec.disks[2].transport = "usb";
  spec.disks[2].appears_after = milliseconds(2500);
  Booted boot(spec, config());
  const std::string error = boot.run().value();
  CHECK(
      has(error, "disks bad-config at $.provision.diskSelectors.0.name: 2 disks are what the selector \"data\" says"));
  CHECK(has(error, "add the serial"));
  CHECK_FALSE(boot.has_touched("/dev/"));
}

TEST_CASE("selection: a serial number is of one disk, and nobody waits for others") {
  Booted boot(machine(), config(R"("serial": "data-disk")"));
  const auto before = boot.sim().host().clock.monotonic();
  REQUIRE(boot.run("files") == "");
  CHECK(boot.sim().host().clock.monotonic() - before < milliseconds(1000));
}

TEST_CASE("selection: without the disk the boot stops in time, and has written nothing") {
  Booted boot(machine(), config(R"("model": "none")"));
  const std::string error = boot.run().value();
  CHECK(has(error, "disks device-missing at $.provision.diskSelectors.0.name: no disk is what the selector \"data\""));
  CHECK(has(error, "/dev/vda (serial \"image-disk\", 4096 MiB) has no model that is known; /dev/vdb ("));
  CHECK(boot.sim().host().clock.monotonic() >= milliseconds(10'000));
  CHECK_FALSE(boot.has_touched("/dev/"));
}

TEST_CASE("selection: no disk has two names in a config") {
  Booted whole(machine(), config(R"("transport": "usb")", R"(, {"device": "/dev/vdb", "format": "swap"})"));
  CHECK(has(whole.run().value(),
            "disks bad-config at $.storage.filesystems.1.device: /dev/vdb is the same device as "
            "/dev/disk/by-selector/data (/dev/vdb): call it by one name in the whole config"));
  CHECK_FALSE(whole.has_touched("/dev/"));
}

TEST_CASE("selection: a later boot looks anew, and goes on with the same disk") {
  Booted boot(machine(), config());
  REQUIRE(boot.run("disks") == "");
  boot.sim().reboot(Loss::all);
  CHECK(boot.run() == "");
  CHECK_FALSE(boot.has_touched("/dev/vdc"));
}

TEST_CASE("selection: what was begun on one disk is never gone on with on another, wherever the power went") {
  std::size_t calls = 0;
  {
    Booted undisturbed(machine(), config());
    REQUIRE(undisturbed.run() == "");
    calls = undisturbed.sim().calls();
  }
  std::size_t stopped = 0;
  for (std::size_t at = 1; at <= calls; ++at) {
    for (const auto kind : {FaultKind::cut_before, FaultKind::cut_midway, FaultKind::cut_after}) {
      CAPTURE(at);
      CAPTURE(to_string(kind));
      Booted boot(machine(), config(), {at, {{at, kind, Loss::any}}});
      if (boot.run()) {
        continue;
      }
      const bool begun = boot.has_touched("/dev/vdb");
      const bool is_over = !boot.text("/run/provision/boot/ignition.firstboot").empty();
      boot.exchange();
      const std::string error = is_over ? "" : boot.run().value();
      CHECK_FALSE((begun && boot.has_touched("/dev/vdc")));
      if (begun && has(error, "this first boot was begun on another disk than the one that the selector \"data\"")) {
        ++stopped;
        CHECK(has(error, "then /dev/vdb (serial \"data-disk\", usb, 1024 MiB), now /dev/vdc ("));
      }
    }
  }
  CHECK(stopped > 20);
}

TEST_CASE("selection: another config for another disk does not take what is there for its own") {
  const std::string first = config();
  std::string second = config();
  second.replace(second.find("data:,page"), 10, "data:,more");
  MachineSpec spec = machine();
  spec.command_line += " provision.unfinished=start-over";
  Booted boot(spec, first);
  REQUIRE(boot.run("disks") == "");
  boot.sim().set_fw_cfg(std::string(config_item), second);
  boot.sim().reboot(Loss::all);
  boot.exchange();
  const std::string error = boot.run().value();
  CHECK(has(error, "disks conflict at"));
  CHECK_FALSE(boot.has_touched("/dev/vdc"));
}

TEST_CASE("selection: another config for the same disk starts over on it") {
  std::string second = config();
  second.replace(second.find("\"sizeMiB\": 256"), 14, "\"sizeMiB\": 128");
  MachineSpec spec = machine();
  spec.command_line += " provision.unfinished=start-over";
  Booted boot(spec, config());
  REQUIRE(boot.run("disks") == "");
  boot.sim().set_fw_cfg(std::string(config_item), second);
  boot.sim().reboot(Loss::all);
  CHECK(boot.run() == "");
}

TEST_SUITE_END();
