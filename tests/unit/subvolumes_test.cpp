// SPDX-License-Identifier: Apache-2.0
// Subvolumes: what they need of the rest of the config, and what becomes of them where other things change.
#include "spec/subvolumes.hpp"
#include "spec/references.hpp"

#include <doctest/doctest.h>

#include "plan/device_tree.hpp"
#include "plan/left_behind.hpp"
#include "plan/planners.hpp"
#include "plan/unsupported.hpp"
#include "spec/merge.hpp"

using namespace provision;

namespace {

spec::Parsed parsed(const std::string& subvolumes, const std::string& filesystems, const std::string& ignition = "") {
  auto config = spec::parse("c", R"({"ignition": {"version": "3.6.0+provision.1")" + ignition +
                                     R"(}, "provision": {"subvolumes": [)" + "\n" + subvolumes +
                                     R"(]}, "storage": {"filesystems": [)" + filesystems + "]}}");
  REQUIRE(config.config);
  return config;
}

// What the config is refused for, by itself and when it is to be carried out; empty: nothing.
std::string refusal(spec::Parsed config) {
  const auto error = plan::unsupported(config);
  spec::add_reference_notes(config);
  CHECK(config.config.has_value() == !error);
  if (!error) {
    return "";
  }
  const fields::Note& note = config.notes.first_error();
  CHECK(error->what == note.text + " (" + note.hint + ")");
  return to_string(*error->origin) + " " + error->origin->path + " " + note.text;
}

const std::string home = R"({"device": "/dev/a", "name": "home", "path": "/home"})";

model::Inventory machine_with(std::vector<host::SubvolumeEntry> entries) {
  model::Inventory inventory;
  inventory.devices.push_back({{"/dev/a", "", 0}, {"btrfs", "", "u", false}, {}, std::move(entries)});
  return inventory;
}

plan::Plan disks_of(const spec::Parsed& config, const model::Inventory& inventory) {
  auto plan = plan::plan_disks({config, inventory});
  REQUIRE(plan);
  return *std::move(plan);
}

}  // namespace

TEST_CASE("subvolumes: each is of a btrfs of the whole config") {
  const std::string btrfs = R"({"device": "/dev/a", "format": "btrfs"})";
  CHECK(refusal(parsed(home, btrfs)).empty());
  CHECK(refusal(parsed(home, "")) == "c:2:12 $.provision.subvolumes.0.device the config has no file system on /dev/a");
  CHECK(refusal(parsed(home, R"({"device": "/dev/a", "format": "xfs"})")) ==
        "c:2:12 $.provision.subvolumes.0.device the file system on /dev/a is no btrfs, which alone has subvolumes");
  // Another document may bring it.
  const auto part = parsed(home, "", R"(, "config": {"merge": [{"source": "http://x"}]})");
  CHECK(spec::subvolume_notes(part).all.empty());
  CHECK(refusal(spec::merge(parsed("", btrfs), parsed(home, ""))).empty());
}

TEST_CASE("subvolumes: the path of the one that it lies in, and where the config mounts") {
  CHECK(spec::parent_subvolume("home").empty());
  CHECK(spec::parent_subvolume("@/var/log") == "@/var");
  const auto config = parsed(home, R"({"device": "/dev/a", "format": "btrfs", "path": "/mnt"}, {"device": "/dev/b"})");
  CHECK(spec::mount_paths(*config.config) == std::vector<std::string>{"/mnt", "/home"});
  CHECK(spec::subvolumes_of(*config.config, "/dev/a").size() == 1);
  CHECK(spec::subvolumes_of(*config.config, "/dev/b").empty());
}

TEST_CASE("subvolumes: a file system that an earlier config of this first boot made is forgotten with what is in it") {
  const auto config = parsed(home, R"({"device": "/dev/a", "format": "btrfs"})");
  CHECK(disks_of(config, machine_with({})).steps.size() == 1);
  const auto there = machine_with({{"home", host::SubvolumeKind::subvolume, false}});
  CHECK(disks_of(config, there).steps.empty());
  plan::Step made;
  made.operation = plan::MakeFilesystem{{"/dev/a", "", 0}, "btrfs", "", "u", {}};
  const auto forgotten = plan::without(there, {made});
  CHECK(forgotten.devices.front().subvolumes.empty());
  CHECK(disks_of(config, forgotten).steps.size() == 2);
}

TEST_CASE("subvolumes: the tree of devices shows them below their file system") {
  const auto config = parsed(home + R"(, {"device": "/dev/a", "name": "root", "default": true})",
                             R"({"device": "/dev/a", "format": "btrfs"})");
  const auto before = machine_with({{"home", host::SubvolumeKind::subvolume, true}});
  const auto disks = disks_of(config, before);
  const auto after = plan::predicted(before, disks);
  const auto mounts = plan::plan_mount({config, after});
  REQUIRE(mounts);
  CHECK(plan::render(plan::device_tree(*config.config, before, {disks, *mounts}), false) ==
        "devices  before                 after\n"
        "/dev/a   btrfs                  btrfs\n"
        "├─ home  the default subvolume  a subvolume            /home\n"
        "└─ root  -                      the default subvolume\n");
}
