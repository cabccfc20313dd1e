// SPDX-License-Identifier: Apache-2.0
// Volumes that Clevis itself opens: headers on loop devices are bound by us and looked at, and opened, by Debian's
// clevis. Its pin "null" needs nobody else; Tang servers and a TPM are in tests/vm/clevis.
#include "plan/clevis.hpp"

#include <doctest/doctest.h>

#include "base/text.hpp"
#include "host/linux/linux_host.hpp"
#include "loop_disk.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;

namespace {

constexpr std::string_view config = R"({"t": 1, "pins": {"null": {}}})";
constexpr std::string_view uuid = "3b7a1c52-90d4-4e1f-8a66-0c5d2f9be713";

Secret secret(std::string text) {
  auto made = Secret::taken(std::move(text));
  REQUIRE(why(made).empty());
  return *std::move(made);
}

spec::Clevis pin(std::string name, std::string_view its_config = config) {
  spec::Clevis made;
  made.custom.pin = std::move(name);
  made.custom.config = std::string(its_config);
  return made;
}

// A volume with one key slot.
struct Volume {
  Volume() : disk(64, 512), linux_host(new_folder(), new_folder()), key(secret("its key")) {
    host::LuksFormat format;
    format.uuid = uuid;
    format.pbkdf = "pbkdf2";
    format.pbkdf_iterations = 1000;
    REQUIRE(why(host().crypt.format(device(), format, key)).empty());
  }

  host::Host host() { return linux_host.host(); }
  [[nodiscard]] host::DeviceRef device() const { return {disk.node(), {}, 0}; }
  Result<void> bind(const spec::Clevis& clevis) {
    host::Host machine = host();
    return plan::bind_volume(machine, device(), clevis, key);
  }
  Result<bool> opens_by_clevis() {
    host::Host machine = host();
    return plan::open_bound(machine, device(), {}, {});
  }
  std::vector<int> slots() { return host().crypt.slots(device())->used; }

  LoopDisk disk;
  host::LinuxHost linux_host;
  Secret key;
};

bool have_clevis() { return have_program("clevis-encrypt-null") && have_program("clevis-luks-pass"); }

}  // namespace

TEST_SUITE_BEGIN("native clevis");

TEST_CASE("what we bind, Clevis lists and opens; what Clevis binds, we open") {
  if (!have_clevis()) {
    SKIP_TEST("clevis-encrypt-null and clevis-luks-pass (packages clevis and clevis-luks)");
  }
  Volume volume;
  CHECK_FALSE(volume.opens_by_clevis().value());
  REQUIRE(why(volume.bind(pin("sss"))).empty());
  CHECK((volume.slots() == std::vector<int>{0, 1}));
  CHECK(volume.host().crypt.header(volume.device())->bound);
  CHECK(volume.opens_by_clevis().value());
  const std::string listed = must_run("clevis", {"luks", "list", "-d", volume.disk.node()});
  CHECK(listed.starts_with("1: sss "));
  // Two hex digits for each of 32 bytes, and no line end.
  const std::string pass = must_run("clevis", {"luks", "pass", "-d", volume.disk.node(), "-s", "1"});
  CHECK(trim(pass).size() == 64);
  CHECK(volume.host().crypt.open(volume.device(), {}, {}, secret(std::string(trim(pass)))).value());

  Volume theirs;
  const std::string key_file = new_folder() + "/key";
  write_file(key_file, "its key");
  must_run("clevis", {"luks", "bind", "-f", "-k", key_file, "-d", theirs.disk.node(), "sss", std::string(config)});
  CHECK(theirs.host().crypt.header(theirs.device())->bound);
  CHECK(theirs.opens_by_clevis().value());
  theirs.key = secret("another");
  CHECK(theirs.bind(pin("sss")).error().code == Code::conflict);
}

TEST_CASE("at the end only the binding opens a volume whose key was drawn") {
  if (!have_clevis()) {
    SKIP_TEST("clevis-encrypt-null and clevis-luks-pass (packages clevis and clevis-luks)");
  }
  Volume volume;
  host::Host machine = volume.host();
  CHECK(plan::remove_key_of(machine, volume.device(), volume.key).error().code == Code::conflict);
  CHECK((volume.slots() == std::vector<int>{0}));
  REQUIRE(why(volume.bind(pin("sss"))).empty());
  for (int time = 0; time < 2; ++time) {
    REQUIRE(why(plan::remove_key_of(machine, volume.device(), volume.key)).empty());
    CHECK((volume.slots() == std::vector<int>{1}));
    CHECK_FALSE(machine.crypt.open(volume.device(), {}, {}, volume.key).value());
    CHECK(volume.opens_by_clevis().value());
  }
  CHECK(machine.crypt.remove_slot(volume.device(), 1).error().code == Code::conflict);
  // A key of somebody else's stays.
  const Secret other = secret("another's key");
  Volume shared;
  host::Host its_machine = shared.host();
  REQUIRE(why(shared.bind(pin("sss"))).empty());
  REQUIRE(its_machine.crypt.add_key(shared.device(), shared.key, other).value() == 2);
  REQUIRE(why(plan::remove_key_of(its_machine, shared.device(), shared.key)).empty());
  CHECK((shared.slots() == std::vector<int>{1, 2}));
  CHECK(its_machine.crypt.open(shared.device(), {}, {}, other).value());
  // What a cut has left of it: a slot that the key does not open any more.
  Volume torn;
  host::Host torn_machine = torn.host();
  REQUIRE(why(torn.bind(pin("sss"))).empty());
  REQUIRE(why(plan::remove_key_of(torn_machine, torn.device(), secret("no longer its key"))).empty());
  CHECK((torn.slots() == std::vector<int>{1}));
  CHECK(torn.opens_by_clevis().value());
}

TEST_CASE("a binding that was cut leaves no stray key slot") {
  if (!have_clevis()) {
    SKIP_TEST("clevis-encrypt-null and clevis-luks-pass (packages clevis and clevis-luks)");
  }
  Volume volume;
  const Secret lost = secret("nobody knows it any more");
  REQUIRE(volume.host().crypt.add_key(volume.device(), volume.key, lost).value() == 1);
  REQUIRE(why(volume.bind(pin("sss"))).empty());
  CHECK((volume.slots() == std::vector<int>{0, 1}));
  CHECK_FALSE(volume.host().crypt.open(volume.device(), {}, {}, lost).value());
  CHECK(volume.opens_by_clevis().value());
}

TEST_CASE("a pin that fails, or is not there, leaves the volume as it was, and its own words") {
  if (!have_clevis()) {
    SKIP_TEST("clevis-encrypt-null and clevis-luks-pass (packages clevis and clevis-luks)");
  }
  Volume volume;
  CHECK(why(volume.bind(pin("no-such-pin"))).find("clevis") != std::string::npos);
  CHECK(why(volume.bind(pin("sss", R"({"t": 3, "pins": {"null": {}}})"))).find("clevis ended with") !=
        std::string::npos);
  CHECK((volume.slots() == std::vector<int>{0}));
  // It is bound, and nothing decrypts what it was bound with.
  REQUIRE(why(volume.bind(pin("null", R"({"fail": true})"))).empty());
  CHECK(volume.opens_by_clevis().error().code == Code::program_failed);
}
