// SPDX-License-Identifier: Apache-2.0
// What the report says that an initramfs has to set up.
#include <doctest/doctest.h>

#include "spec/parse.hpp"
#include "stages/initrd_needs.hpp"

using namespace provision;

namespace {

const Uuid uuid = *Uuid::parse("01234567-89ab-8cde-8f01-23456789abcd");

plan::Step step(plan::Operation operation) {
  plan::Step step;
  step.operation = std::move(operation);
  return step;
}

plan::MakeVolume volume(const std::string& name, bool bound) {
  plan::MakeVolume made;
  made.name = name;
  made.uuid = uuid.text();
  made.bound = bound;
  return made;
}

spec::Config config() {
  const auto parsed = spec::parse("c", R"({"ignition": {"version": "3.6.0"}, "storage": {"luks": [
    {"name": "tang", "device": "/dev/vda", "clevis": {"tang": [{"url": "http://x/", "thumbprint": "0123456789abcdef"}]}},
    {"name": "tpm", "device": "/dev/vdb", "clevis": {"tpm2": true}},
    {"name": "own", "device": "/dev/vdc", "clevis": {"custom": {"pin": "p", "config": "{}", "needsNetwork": true}}},
    {"name": "file", "device": "/dev/vdd", "keyFile": {"source": "data:,k"}}]}})");
  REQUIRE(parsed.config);
  return *parsed.config;
}

}  // namespace

TEST_CASE("needs of the initramfs: an array by its words, a volume by its header, made or found") {
  plan::Plan disks;
  plan::MakeArray array;
  array.name = "root";
  array.uuid = uuid;
  array.there = true;
  disks.steps = {step(plan::WriteTable{}), step(array), step(volume("file", false)), step(plan::MakeFilesystem{})};
  const std::vector<run::InitrdNeed> needs = stages::initrd_needs(disks, config());
  const std::vector<run::InitrdNeed> wanted{
      {"array", "root", "01234567:89ab8cde:8f012345:6789abcd", "rd.md.uuid=01234567:89ab8cde:8f012345:6789abcd", false},
      {"volume", "file", uuid.text(), "rd.luks.name=" + uuid.text() + "=file", false}};
  CHECK(needs == wanted);
}

TEST_CASE("needs of the initramfs: the network, for what only servers open") {
  for (const auto& [name, bound, network] : std::vector<std::tuple<std::string, bool, bool>>{
           {"tang", true, true}, {"tpm", true, false}, {"own", true, true}, {"file", false, false}}) {
    plan::Plan disks;
    disks.steps = {step(volume(name, bound))};
    const std::vector<run::InitrdNeed> needs = stages::initrd_needs(disks, config());
    REQUIRE(needs.size() == 1);
    const bool told = needs.front().network;
    const std::string volume_name = name;
    CAPTURE(volume_name);
    const bool wanted = network;
    CHECK(told == wanted);
  }
}
