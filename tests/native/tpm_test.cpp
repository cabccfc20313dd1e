// SPDX-License-Identifier: Apache-2.0
// The TPM's bytes: as they are written in its specification, and as an emulated TPM takes them.
#include <doctest/doctest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "base/digest.hpp"
#include "host/linux/descriptor.hpp"
#include "host/linux/firmware.hpp"
#include "host/linux/processes.hpp"
#include "host/linux/tpm.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;
using namespace std::string_literals;

namespace {

// One end of a connection, and what answers at the other one.
class Connection {
 public:
  Connection() {
    std::array<int, 2> ends{};
    REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()) == 0);
    ours_ = host::Descriptor(ends[0]);
    theirs_ = host::Descriptor(ends[1]);
  }
  [[nodiscard]] int ours() const { return ours_.get(); }
  [[nodiscard]] int theirs() const { return theirs_.get(); }
  void close_theirs() { static_cast<void>(theirs_.close()); }
  void close_ours() { static_cast<void>(ours_.close()); }

 private:
  host::Descriptor ours_;
  host::Descriptor theirs_;
};

// A TPM 2.0 of its own, just switched on.
class EmulatedTpm {
 public:
  EmulatedTpm() {
    const std::string fd = std::to_string(line_.theirs());
    const std::string state = "dir=" + new_folder();
    child_ = ::fork();
    REQUIRE(child_ >= 0);
    if (child_ == 0) {
      // It ends when the other end is closed: it must not hold that one itself.
      line_.close_ours();
      ::execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state.c_str(), "--fd", fd.c_str(), "--flags",
               "not-need-init,startup-clear", "--log", "file=/dev/null", static_cast<char*>(nullptr));
      ::_exit(127);
    }
    line_.close_theirs();
  }
  EmulatedTpm(const EmulatedTpm&) = delete;
  EmulatedTpm& operator=(const EmulatedTpm&) = delete;
  EmulatedTpm(EmulatedTpm&&) = delete;
  EmulatedTpm& operator=(EmulatedTpm&&) = delete;
  ~EmulatedTpm() {
    line_.close_ours();
    ::kill(child_, SIGTERM);
    ::waitpid(child_, nullptr, 0);
  }

  [[nodiscard]] int fd() const { return line_.ours(); }

  // PCR 12 of the bank of a hash (TPM_ALG_ID), by TPM2_PCR_Read.
  [[nodiscard]] std::string pcr_12(char bank, std::size_t bytes) const {
    const std::string command = "\x80\x01\0\0\0\x14\0\0\x01\x7e\0\0\0\x01\0"s + bank + "\x03\0\x10\0"s;
    REQUIRE(::write(fd(), command.data(), command.size()) == static_cast<ssize_t>(command.size()));
    std::string answer(4096, '\0');
    const ssize_t count = ::read(fd(), answer.data(), answer.size());
    REQUIRE(count == static_cast<ssize_t>(30 + bytes));
    return answer.substr(30, bytes);
  }

 private:
  Connection line_;
  pid_t child_ = -1;
};

// The bytes of a digest.
std::string raw(const Digest& digest) {
  std::string bytes;
  for (std::size_t i = 0; i < digest.hex().size(); i += 2) {
    bytes += static_cast<char>(std::stoi(digest.hex().substr(i, 2), nullptr, 16));
  }
  return bytes;
}

}  // namespace

TEST_SUITE_BEGIN("native tpm");

TEST_CASE("the command, byte by byte") {
  // Part 3 of the specification, TPM2_PCR_Event: header, handle, the password session, TPM2B_EVENT.
  CHECK(host::pcr_event_command(12, "abc") ==
        "\x80\x02\0\0\0\x20\0\0\x01\x3c"
        "\0\0\0\x0c"
        "\0\0\0\x09\x40\0\0\x09\0\0\0\0\0"
        "\0\x03"
        "abc"s);
  CHECK(host::pcr_event_command(0x01020304, std::string(1024, 'x')).substr(2, 4) == "\0\0\x04\x1d"s);
}

TEST_CASE("an emulated TPM extends every bank, each time anew") {
  NEED_PRIVATE_FOLDER();
  NEED_PROGRAM("swtpm");
  const EmulatedTpm tpm;
  const std::string event = "provision config sha256:00";
  CHECK(tpm.pcr_12('\x0b', 32) == std::string(32, '\0'));
  REQUIRE(host::extend_pcr(tpm.fd(), 12, event));
  const std::string once = raw(Digest::sha256(std::string(32, '\0') + raw(Digest::sha256(event))));
  CHECK(tpm.pcr_12('\x0b', 32) == once);
  CHECK(tpm.pcr_12('\x04', 20) != std::string(20, '\0'));
  REQUIRE(host::extend_pcr(tpm.fd(), 12, "another"));
  CHECK(tpm.pcr_12('\x0b', 32) == raw(Digest::sha256(once + raw(Digest::sha256("another")))));
}

TEST_CASE("what an emulated TPM refuses is an error that has its code") {
  NEED_PRIVATE_FOLDER();
  NEED_PROGRAM("swtpm");
  const EmulatedTpm tpm;
  // There are 24 PCRs.
  const auto refused = host::extend_pcr(tpm.fd(), 99, "x");
  REQUIRE(!refused);
  CHECK(refused.error().code == Code::tpm_failed);
  CHECK(refused.error().what.find("0x184") != std::string::npos);
}

TEST_CASE("an answer in pieces is read whole; one that ends too early is an error") {
  Connection line;
  for (const std::string& piece : {"\x80\x02\0\0"s, "\0\x0a\0\0\0\0"s}) {
    REQUIRE(::write(line.theirs(), piece.data(), piece.size()) == static_cast<ssize_t>(piece.size()));
  }
  CHECK(host::extend_pcr(line.ours(), 12, "x"));
  REQUIRE(::write(line.theirs(), "\x80\x02\0\0", 4) == 4);
  REQUIRE(::shutdown(line.theirs(), SHUT_WR) == 0);
  const auto broken = host::extend_pcr(line.ours(), 12, "x");
  REQUIRE(!broken);
  CHECK(broken.error().code == Code::tpm_failed);
}

TEST_CASE("a machine without a TPM measures nothing; what is no TPM is an error") {
  NEED_PRIVATE_FOLDER();
  const std::string folder = new_folder();
  host::LinuxProcesses processes;
  host::FirmwarePaths paths;
  paths.tpm = folder + "/tpmrm0";
  paths.acpi_tpm = folder + "/TPM2";
  host::LinuxFirmware firmware(processes, paths);
  CHECK(firmware.measure("x") == false);
  write_file(paths.tpm, "");
  const auto broken = firmware.measure("x");
  REQUIRE(!broken);
  CHECK(broken.error().code == Code::tpm_failed);
}

TEST_SUITE_END();
