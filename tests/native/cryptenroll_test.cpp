// SPDX-License-Identifier: Apache-2.0
// What is enrolled for volumes, as Debian's systemd-cryptenroll and cryptsetup see it: headers on loop devices, and an
// emulated TPM that systemd-cryptenroll is led to. That a TPM opens a volume is in tests/vm/cryptenroll: systemd's
// plugin takes none but the kernel's.
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <string>

#include "base/text.hpp"
#include "host/linux/linux_host.hpp"
#include "loop_disk.hpp"
#include "plan/enrollment.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;

namespace {

constexpr std::string_view uuid = "3b7a1c52-90d4-4e1f-8a66-0c5d2f9be714";
constexpr std::string_view program = "/usr/bin/systemd-cryptenroll";

Secret secret(std::string text) {
  auto made = Secret::taken(std::move(text));
  REQUIRE(why(made).empty());
  return *std::move(made);
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
  host::LuksHeader header() { return *host().crypt.header(device()); }
  std::vector<int> slots() { return host().crypt.slots(device())->used; }
  std::vector<std::string> tokens() { return host().crypt.slots(device())->tokens; }
  Result<void> enroll_tpm(std::vector<std::int64_t> pcrs, const Secret& pin, const Secret& by) {
    spec::Enrollment asked;
    asked.tpm2.pcrs = std::move(pcrs);
    host::Host machine = host();
    return plan::enroll_tpm2(machine, device(), asked, by, pin);
  }

  LoopDisk disk;
  host::LinuxHost linux_host;
  Secret key;
};

// A TPM of this process' own; in its mounts the program is led to that.
class EmulatedTpm {
 public:
  // `number`: which one of this process; without a resource manager one has room for the sessions of one enrollment.
  explicit EmulatedTpm(int number) : folder_(new_folder()) {
    constexpr int first = 20'000;
    constexpr int processes = 5'000;
    constexpr int ports = 8;
    const int port = first + ports * static_cast<int>(::getpid() % processes) + 2 * number;
    must_run("swtpm", {"socket", "--tpm2", "--tpmstate", "dir=" + folder_, "--server",
                       "type=tcp,port=" + std::to_string(port) + ",disconnect", "--ctrl",
                       "type=tcp,port=" + std::to_string(port + 1), "--flags", "not-need-init,startup-clear",
                       "--daemon", "--pid", "file=" + folder_ + "/pid"});
    process_ = std::stoi(must_run("cat", {folder_ + "/pid"}));
    must_run("cp", {std::string(program), folder_ + "/systemd-cryptenroll"});
    write_file(folder_ + "/led", "#!/bin/sh\nSYSTEMD_TPM2_DEVICE=swtpm:host=127.0.0.1,port=" + std::to_string(port) +
                                     " exec " + folder_ + "/systemd-cryptenroll \"$@\"\n");
    must_run("chmod", {"755", folder_ + "/led"});
    const std::string at(program);
    REQUIRE(::mount((folder_ + "/led").c_str(), at.c_str(), nullptr, MS_BIND, nullptr) == 0);
  }
  EmulatedTpm(const EmulatedTpm&) = delete;
  EmulatedTpm& operator=(const EmulatedTpm&) = delete;
  EmulatedTpm(EmulatedTpm&&) = delete;
  EmulatedTpm& operator=(EmulatedTpm&&) = delete;
  ~EmulatedTpm() {
    const std::string at(program);
    ::umount(at.c_str());
    ::kill(process_, SIGKILL);
  }

 private:
  std::string folder_;
  pid_t process_ = 0;
};

}  // namespace

TEST_SUITE_BEGIN("native cryptenroll");

TEST_CASE("the recovery key that we enroll, systemd lists and cryptsetup opens; systemd's own we know") {
  NEED_PRIVATE_FOLDER();
  NEED_PROGRAM("systemd-cryptenroll");
  NEED_PROGRAM("cryptsetup");
  Volume volume;
  host::Host machine = volume.host();
  const Secret drawn = machine.crypt.new_key(32).value();
  const Secret recovery = plan::recovery_key_of(drawn).value();
  CHECK_FALSE(volume.header().recovery);
  REQUIRE(why(plan::enroll_recovery_key(machine, volume.device(), volume.key, recovery)).empty());
  CHECK((volume.slots() == std::vector<int>{0, 1}));
  CHECK(volume.header().recovery);
  CHECK_FALSE(volume.header().tpm2);
  const std::string listed = must_run("systemd-cryptenroll", {volume.disk.node()});
  CHECK(listed.find("1 recovery") != std::string::npos);
  const std::string file = new_folder() + "/recovery";
  write_file(file, recovery.view());
  must_run("cryptsetup", {"open", "--test-passphrase", "--key-file", file, volume.disk.node()});

  Volume theirs;
  const std::string key_file = new_folder() + "/key";
  write_file(key_file, "its key");
  const std::string words =
      must_run("systemd-cryptenroll", {"--unlock-key-file=" + key_file, "--recovery-key", theirs.disk.node()});
  CHECK(theirs.header().recovery);
  // Ours has the form of theirs.
  const std::size_t dash = words.find('-');
  REQUIRE((dash != std::string::npos && dash >= 8));
  bool found = false;
  for (const auto line : split(words, '\n')) {
    const std::string_view word = trim(line);
    if (word.size() == recovery.size() && word.find(' ') == std::string_view::npos) {
      found = theirs.host().crypt.open(theirs.device(), {}, {}, secret(std::string(word))).value();
    }
  }
  CHECK(found);
}

TEST_CASE("a recovery key whose token was cut gets it, and no second slot") {
  NEED_PRIVATE_FOLDER();
  Volume volume;
  host::Host machine = volume.host();
  const Secret recovery = secret("cbdefghi-jklnrtuv");
  REQUIRE(machine.crypt.add_key(volume.device(), volume.key, recovery).value() == 1);
  REQUIRE(why(plan::enroll_recovery_key(machine, volume.device(), volume.key, recovery)).empty());
  CHECK((volume.slots() == std::vector<int>{0, 1}));
  CHECK(volume.header().recovery);
}

TEST_CASE("a TPM is enrolled by systemd-cryptenroll") {
  NEED_PRIVATE_FOLDER();
  NEED_PROGRAM("systemd-cryptenroll");
  NEED_PROGRAM("swtpm");
  const EmulatedTpm tpm(0);
  Volume volume;
  const std::string failed = why(volume.enroll_tpm({7}, Secret(), secret("another")));
  CHECK(failed.find("systemd-cryptenroll ended with status") != std::string::npos);
  CHECK((volume.slots() == std::vector<int>{0}));
  const std::string words = why(volume.enroll_tpm({7, 4, 7}, Secret(), volume.key));
  if (words.find("TPM2 support is not installed") != std::string::npos || words.find("TCTI") != std::string::npos) {
    SKIP_TEST("libtss2, with its module for swtpm");
  }
  REQUIRE(words.empty());
  CHECK(volume.header().tpm2);
  CHECK((volume.slots() == std::vector<int>{0, 1}));
  REQUIRE(volume.tokens().size() == 1);
  CHECK(volume.tokens()[0].find(R"("tpm2-pcrs":[4,7])") != std::string::npos);
  CHECK(volume.tokens()[0].find(R"("tpm2-pin":true)") == std::string::npos);
  host::Host machine = volume.host();
  for (int time = 0; time < 2; ++time) {
    REQUIRE(why(plan::remove_key_of_enrolled(machine, volume.device(), volume.key)).empty());
    CHECK((volume.slots() == std::vector<int>{1}));
  }
}

TEST_CASE("a TPM is enrolled with a PIN, which is given apart from the key") {
  NEED_PRIVATE_FOLDER();
  NEED_PROGRAM("systemd-cryptenroll");
  NEED_PROGRAM("swtpm");
  const EmulatedTpm tpm(1);
  Volume volume;
  host::Host machine = volume.host();
  CHECK(plan::remove_key_of_enrolled(machine, volume.device(), volume.key).error().code == Code::conflict);
  const std::string words = why(volume.enroll_tpm({7}, secret("82 43"), volume.key));
  if (words.find("TPM2 support is not installed") != std::string::npos || words.find("TCTI") != std::string::npos) {
    SKIP_TEST("libtss2, with its module for swtpm");
  }
  REQUIRE(words.empty());
  REQUIRE(volume.tokens().size() == 1);
  CHECK(volume.tokens()[0].find(R"("tpm2-pin":true)") != std::string::npos);
}

TEST_SUITE_END();
