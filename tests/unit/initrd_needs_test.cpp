// SPDX-License-Identifier: Apache-2.0
// What the report says that an initramfs has to set up: encrypted volumes and volume groups. Arrays are in
// tests/vm/raid.
#include <doctest/doctest.h>

#include "spec/parse.hpp"
#include "stages/initrd_needs.hpp"

using namespace provision;

TEST_CASE("needs of the initramfs: volumes by their headers, with the network for what only servers open") {
  const auto parsed = spec::parse("c", R"({"ignition": {"version": "3.6.0"}, "storage": {"luks": [
    {"name": "tang", "device": "/dev/vda", "clevis": {"tang": [{"url": "http://x/", "thumbprint": "0123456789abcdef"}]}},
    {"name": "tpm", "device": "/dev/vdb", "clevis": {"tpm2": true}},
    {"name": "own", "device": "/dev/vdc", "clevis": {"custom": {"pin": "p", "config": "{}", "needsNetwork": true}}},
    {"name": "file", "device": "/dev/vdd", "keyFile": {"source": "data:,k"}},
    {"name": "gone", "device": "/dev/vde", "keyFile": {"source": "data:,k"}}]}})");
  REQUIRE(parsed.config);
  model::Inventory inventory;
  for (const std::string name : {"tang", "tpm", "own", "file"}) {
    model::VolumeView view;
    view.name = name;
    view.header.uuid = "uuid-of-" + name;
    inventory.volumes.push_back(view);
  }
  const auto needs = stages::initrd_needs_in({parsed, inventory});
  REQUIRE(needs);
  const std::vector<run::InitrdNeed> wanted{
      {"volume", "tang", "uuid-of-tang", "rd.luks.name=uuid-of-tang=tang", true},
      {"volume", "tpm", "uuid-of-tpm", "rd.luks.name=uuid-of-tpm=tpm", false},
      {"volume", "own", "uuid-of-own", "rd.luks.name=uuid-of-own=own", true},
      {"volume", "file", "uuid-of-file", "rd.luks.name=uuid-of-file=file", false}};
  CHECK(needs.value() == wanted);
}

TEST_CASE("needs of the initramfs: the image's own key, where it has one, for a volume that cards protect") {
  const auto parsed = spec::parse("c", R"({"ignition": {"version": "3.6.0"}, "storage": {"luks": [
    {"name": "root", "device": "/dev/vda", "cex": {"enabled": true}}]}})");
  REQUIRE(parsed.config);
  model::Inventory inventory;
  model::VolumeView view;
  view.name = "root";
  view.header.uuid = "its-uuid";
  inventory.volumes.push_back(view);
  CHECK(stages::initrd_needs_in({parsed, inventory})->front().argument == "rd.luks.name=its-uuid=root");
  inventory.cards.key = true;
  CHECK(stages::initrd_needs_in({parsed, inventory})->front().argument ==
        "rd.luks.name=its-uuid=root rd.luks.key=its-uuid=/etc/luks/cex.key");
}

TEST_CASE("needs of the initramfs: volume groups that are there, by their names") {
  const auto parsed = spec::parse("c", R"({"ignition": {"version": "3.6.0+provision.1"}, "provision": {"volumeGroups": [
    {"name": "vg0", "devices": ["/dev/vda"]}, {"name": "gone", "devices": ["/dev/vdb"]}]}})");
  REQUIRE(parsed.config);
  model::Inventory inventory;
  inventory.found_groups.push_back({"vg0", "group's", 0, 0, {}, {}, 0, {}});
  const auto needs = stages::initrd_needs_in({parsed, inventory});
  REQUIRE(needs);
  const std::vector<run::InitrdNeed> wanted{{"volume group", "vg0", "group's", "rd.lvm.vg=vg0", false}};
  CHECK(needs.value() == wanted);
}
