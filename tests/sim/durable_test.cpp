// SPDX-License-Identifier: Apache-2.0
// What a stage has said to be done outlives a power cut, wherever the paths of the config lead.
#include <doctest/doctest.h>

#include "host/sim/simhost.hpp"
#include "sim/machines.hpp"
#include "support/stage_run.hpp"

using namespace provision;
using namespace provision::test;
using namespace provision::host::sim;

namespace {

// The data disk's file system is mounted at /var, and /home and /opt/there lead into it.
MachineSpec linked_machine() {
  MachineSpec machine = two_disk_machine();
  machine.disks[1].disk_guid = uuid("data disk");
  machine.disks[1].partitions = {
      partition(1, 1, 256, "var", file_system("ext4", "var", uuid("var").text(), tree({{"/home", directory()}})))};
  machine.mounts.push_back({"/dev/disk/by-partlabel/var", "/sysroot/var", "ext4", "rw"});
  Tree& root = machine.disks[0].partitions[1].content->files;
  root.insert_or_assign("/home", symlink("var/home"));
  for (const auto& [path, entry] : tree({{"/opt/there", symlink("/home")}})) {
    root.insert_or_assign(path, entry);
  }
  return machine;
}

Result<void> run_files(host::Host host, const spec::Parsed& config) {
  const model::Inventory before = TRY(model::observe(host, config, {.files = true}));
  const plan::Plan plan = TRY(plan::plan_files({config, before}));
  run::Journal journal = TRY(run::Journal::open(host.state));
  TRY(journal.begin({"test", spec::meaning(*config.config), "c", "boot"}));
  TRY(journal.planned(plan));
  const plan::ContentSource contents(*config.config);
  Quiet quiet;
  TRY(run::execute(host, plan, contents, journal, quiet, {}));
  return {};
}

}  // namespace

TEST_CASE("durable: a file behind a link to another file system") {
  for (const char* path : {"/home/f", "/home/a/b/f", "/opt/there/f", "/var/home/f", "/etc/f"}) {
    CAPTURE(path);
    SimHost machine(linked_machine());
    const auto config =
        config_of(std::string(R"({"files": [{"path": ")") + path + R"(", "contents": {"source": "data:,kept"}}]})");
    const auto done = run_files(machine.host(), config);
    REQUIRE_MESSAGE(done, to_string(done.error()));
    machine.reboot(Loss::all);
    const auto text = machine.host().target.read(path, 100);
    REQUIRE_MESSAGE(text, to_string(text.error()));
    CHECK(*text == "kept");
  }
}

TEST_CASE("durable: which file system holds a path") {
  SimHost machine(linked_machine());
  host::Files& target = machine.host().target;
  const auto of = [&](const char* path) { return target.file_system_of(path).value(); };
  CHECK(of("/") == of("/etc"));
  CHECK(of("/etc/not/there") == of("/"));
  CHECK(of("/var") != of("/"));
  CHECK(of("/home") == of("/var"));
  CHECK(of("/home/not/there") == of("/var"));
}
