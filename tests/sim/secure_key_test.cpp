// SPDX-License-Identifier: Apache-2.0
// Volumes whose volume keys CryptoExpress cards protect. Nobody had such cards when this was written: the commands are
// those that Ignition runs on machines that have them, word by word, and here they are written down.
#include "plan/secure_key.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "host/sim/simhost.hpp"
#include "model/cards.hpp"
#include "model/observe.hpp"
#include "plan/operations/make_volume.hpp"
#include "plan/volume_keys.hpp"
#include "sim/machines.hpp"

using namespace provision;
using namespace provision::test;
using namespace provision::host::sim;

namespace {

using Strings = std::vector<std::string>;

constexpr std::string_view key_path = "/etc/zkey/repository/ignition-luks-data.skey";
constexpr std::string_view info_path = "/etc/zkey/repository/ignition-luks-data.info";
constexpr std::size_t most = 9000;

MachineSpec machine(const std::string& card_key = {}) {
  MachineSpec spec = two_disk_machine();
  spec.cards = {{"02.0004", "cca"}, {"01.0004", "cca"}, {"01.0005", "-cca"}, {"03.0004", "ep11"}};
  spec.card_key = card_key;
  spec.programs = {"zkey", "zkey-cryptsetup"};
  return spec;
}

plan::MakeVolume volume() {
  plan::MakeVolume made;
  made.name = "data";
  made.device = {"/dev/vdb", {}, 0};
  made.uuid = uuid("data").text();
  made.cex = true;
  made.domains = {"01.0004", "02.0004"};
  return made;
}

// Writes down what is run, and who gets a secret: of those only how many bytes they have.
class Recorder final : public host::Processes {
 public:
  explicit Recorder(host::Processes& real) : real_(real) {}

  Result<void> must_have(const std::string& program) override { return real_.must_have(program); }
  Result<host::Exit> run(const host::Command& command) override {
    std::string line = command.program;
    for (const auto& argument : command.arguments) {
      line += argument.find(' ') == std::string::npos ? " " + argument : " '" + argument + "'";
    }
    if (command.secret_input != nullptr) {
      line += " <" + std::to_string(command.secret_input->size());
    }
    lines.push_back(line);
    return real_.run(command);
  }

  Strings lines;

 private:
  host::Processes& real_;
};

struct Machine {
  explicit Machine(const MachineSpec& spec, const FaultPlan& faults = {})
      : sim(spec, faults), real(sim.host()), recorder(real.processes) {}

  host::Host host() {
    return {real.target, real.target_path, real.state, real.own,      real.disks, real.crypt,
            real.mounts, recorder,         real.clock, real.firmware, real.http,  real.fetcher};
  }
  // Empty, or the error.
  std::string make(const plan::MakeVolume& wanted = volume()) {
    host::Host mine = host();
    const spec::Config config;
    const plan::ContentSource contents(config);
    plan::Work work{mine, contents};
    const auto made = plan::apply(work, wanted);
    return made ? std::string() : to_string(made.error());
  }
  Strings commands() {
    Strings some;
    for (const auto& line : recorder.lines) {
      if (!line.starts_with("modprobe ")) {
        some.push_back(line);
      }
    }
    return some;
  }
  std::string text(std::string_view path) { return real.own.read(path, most).value_or(""); }
  std::string kept(const std::string& name) {
    const auto key = plan::kept_key(real.state, name);
    return key && *key ? std::string((*key)->view()) : "";
  }

  SimHost sim;
  host::Host real;
  Recorder recorder;
};

}  // namespace

TEST_SUITE_BEGIN("secure keys");

TEST_CASE("the commands by which a volume is made, in their order") {
  Machine on(machine());
  REQUIRE(on.make().empty());
  const Strings wanted{
      "modprobe -a -q zcrypt_cex4 pkey pkey_cca paes_s390",
      "zkey generate --name ignition-luks-data --key-type CCA-AESCIPHER --xts --description 'Secure Key for data "
      "Volume' "
      "--apqns 01.0004,02.0004",
      "modprobe -a -q zcrypt_cex4 pkey pkey_cca paes_s390",
      "zkey-cryptsetup setvp /dev/vdb --key-file /dev/stdin <8192",
      "modprobe -a -q dm_mod dm_crypt",
      "modprobe -a -q zcrypt_cex4 pkey pkey_cca paes_s390",
  };
  CHECK(on.recorder.lines == wanted);
  const auto luks = on.sim.luks("/dev/vdb");
  REQUIRE(luks.has_value());
  CHECK(luks->format.cipher == "paes-xts-plain64");
  CHECK(luks->format.key_bits == 2176);
  CHECK(luks->header.paes);
  CHECK(luks->header.verified);
  CHECK(luks->volume_key == on.text(key_path));
  CHECK(luks->volume_key == on.kept("data~skey"));
  CHECK(on.text(info_path) == on.kept("data~info"));
  CHECK(luks->keys.at(0) == on.kept("data"));
  CHECK(on.real.crypt.opened("data").value()->uuid == uuid("data").text());
}

TEST_CASE("the key that later boots of the image have opens the volume, where they have one") {
  Machine on(machine("no secret\n"));
  REQUIRE(on.make().empty());
  CHECK(on.sim.luks("/dev/vdb")->keys.at(0) == "no secret\n");
  CHECK(on.kept("data") == "no secret\n");
}

TEST_CASE("a volume that is there is opened by that key, and nothing is made") {
  MachineSpec spec = machine("no secret\n");
  VolumeSpec there{"/dev/vdb", uuid("data").text(), "", false, 2, "no secret\n", std::nullopt, ""};
  there.paes = true;
  there.verified = true;
  spec.volumes = {there};
  Machine on(spec);
  plan::MakeVolume wanted = volume();
  wanted.there = true;
  REQUIRE(on.make(wanted).empty());
  CHECK(on.commands().empty());
  CHECK(on.kept("data") == "no secret\n");
  CHECK(on.kept("data~skey").empty());
  spec.card_key.clear();
  Machine without(spec);
  CHECK(without.make(wanted).find("the image's initramfs has no /etc/luks/cex.key") != std::string::npos);
  spec.card_key = "another";
  Machine other(spec);
  CHECK(other.make(wanted).find("its key does not open the encrypted volume data") != std::string::npos);
}

TEST_CASE("what an earlier try left in zkey's repository is made again") {
  Machine on(machine());
  REQUIRE(on.real.own.make_directory("/etc/zkey", 0755, {}));
  REQUIRE(on.real.own.make_directory("/etc/zkey/repository", 0700, {}));
  REQUIRE(on.real.own.replace(key_path, "half a key", 0600, {}));
  REQUIRE(on.make().empty());
  CHECK(on.sim.luks("/dev/vdb")->volume_key == on.text(key_path));
  CHECK(on.text(key_path) != "half a key");
}

TEST_CASE("a secure key that is kept is gone on with, in another boot too") {
  Machine on(machine());
  const auto keep = [&](const std::string& name, const std::string& text) {
    const auto key = Secret::taken(std::string(text));
    REQUIRE(plan::keep_key(on.real.state, name, *key));
  };
  std::string key = "secure key of before";
  key.resize(272, '.');
  keep("data~skey", key);
  // Without what zkey knows of it, it is made again.
  REQUIRE(on.make().empty());
  CHECK(on.commands().size() == 2);
  CHECK(on.kept("data~skey") != key);
  Machine again(machine());
  for (const auto& [name, text] : {std::pair("data~skey", key), std::pair("data~info", std::string("info"))}) {
    const auto part = Secret::taken(std::string(text));
    REQUIRE(plan::keep_key(again.real.state, name, *part));
  }
  REQUIRE(again.make().empty());
  CHECK((again.commands() == Strings{"zkey-cryptsetup setvp /dev/vdb --key-file /dev/stdin <8192"}));
  CHECK(again.sim.luks("/dev/vdb")->volume_key == key);
}

TEST_CASE("where the cards or the programs fail, what is on the device stays") {
  MachineSpec spec = machine();
  spec.disks[1].content = file_system("ext4", "precious", uuid("precious").text());
  Machine on(spec);
  plan::MakeVolume wanted = volume();
  wanted.domains = {"01.0005"};
  CHECK(on.make(wanted).find("zkey ended with status 1: The APQN 01.0005 is not available") != std::string::npos);
  CHECK(on.real.disks.probe({"/dev/vdb", {}, 0})->label == "precious");
  spec.programs = {"zkey"};
  Machine without(spec);
  CHECK(without.make().find("zkey-cryptsetup, which the package s390-tools has") != std::string::npos);
  CHECK(without.real.disks.probe({"/dev/vdb", {}, 0})->label == "precious");
}

TEST_CASE("cards are seen as sysfs shows them: domains in CCA mode that are online, in order") {
  Machine on(machine("no secret\n"));
  host::Host host = on.host();
  const auto seen = model::see_cards(host);
  REQUIRE(seen);
  CHECK(seen->bus);
  CHECK((seen->domains == Strings{"01.0004", "02.0004"}));
  CHECK(seen->zkey);
  CHECK(seen->key);
  CHECK(on.recorder.lines.empty());
  MachineSpec bare = two_disk_machine();
  bare.programs = {"zkey"};
  Machine without(bare);
  host::Host other = without.host();
  CHECK(model::see_cards(other).value() == model::CardsView{});
  bare.cards = std::map<std::string, std::string>{};
  Machine empty(bare);
  host::Host third = empty.host();
  CHECK(model::see_cards(third)->bus);
  CHECK(model::see_cards(third)->domains.empty());
}

TEST_SUITE_END();
