// SPDX-License-Identifier: Apache-2.0
// Answers of processors that keep the host out, and of those that do not. None of them is here: what they say is from
// their makers' documents.
#include "host/linux/confidential.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <utility>

#include "host/linux/descriptor.hpp"
#include "host/linux/processes.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;
using host::CpuidAnswer;

namespace {

// At most four.
std::uint32_t letters(std::string_view text) {
  std::uint32_t value = 0;
  std::memcpy(&value, text.data(), std::min(text.size(), sizeof value));
  return value;
}

// A guest of KVM on AMD's or Intel's processors, without anything of the kind; then changed.
struct Processor {
  std::map<std::uint32_t, CpuidAnswer> leaves{
      {0, {0x20, 0, 0, 0}},
      {1, {0, 0, 1U << 31U, 0}},
      {0x40000000, {0x40000001, letters("KVMK"), letters("VMKV"), letters("M")}},
      {0x80000000, {0x80000008, 0, 0, 0}}};
  std::optional<std::uint64_t> sev_status{};
  bool has_driver = true;

  Processor& with(std::uint32_t leaf, CpuidAnswer answer) {
    leaves[leaf] = answer;
    return *this;
  }
  Processor& knows_sev(std::optional<std::uint64_t> status, bool driver = true) {
    with(0x80000000, {0x80000021, 0, 0, 0}).with(0x8000001F, {1U << 1U, 0, 0, 0});
    sev_status = status;
    has_driver = driver;
    return *this;
  }
  Processor& hyperv(std::uint32_t features, std::uint32_t isolation) {
    with(0x40000000, {0x4000000C, letters("Micr"), letters("osof"), letters("t Hv")});
    return with(0x40000003, {0, features, 0, 0}).with(0x4000000C, {0, isolation, 0, 0});
  }

  [[nodiscard]] std::string technology() const {
    host::ConfidentialClues clues;
    clues.cpuid = [&](std::uint32_t leaf, std::uint32_t subleaf) {
      const auto found = leaves.find(leaf);
      return found == leaves.end() || subleaf != 0 ? CpuidAnswer{} : found->second;
    };
    clues.msr = [&](std::uint32_t number) -> Result<std::optional<std::uint64_t>> {
      CHECK(number == 0xC0010131);
      if (!has_driver) {
        return Error(Code::io, "cannot open /dev/cpu/0/msr", ENOENT);
      }
      return sev_status;
    };
    return host::confidential_technology(clues);
  }
};

constexpr std::uint32_t isolates = 1U << 22U;
constexpr std::uint32_t manages = 1U << 12U;

}  // namespace

TEST_SUITE_BEGIN("native confidential");

TEST_CASE("AMD: what is active in the guest, not what the processor could") {
  CHECK(Processor().technology().empty());
  CHECK(Processor().knows_sev(0).technology().empty());
  CHECK(Processor().knows_sev(std::nullopt).technology().empty());
  CHECK(Processor().knows_sev(1).technology() == "AMD SEV");
  CHECK(Processor().knows_sev(3).technology() == "AMD SEV-ES");
  CHECK(Processor().knows_sev(7).technology() == "AMD SEV-SNP");
  // The host says whether there is a hypervisor; it does not say what the register does.
  CHECK(Processor().knows_sev(1).with(1, {}).technology() == "AMD SEV");
}

TEST_CASE("AMD: a register that cannot be read is not trusted to be 0") {
  const std::string said = Processor().knows_sev(0, false).technology();
  CHECK(said.starts_with("AMD SEV, as far as can be told: cannot open /dev/cpu/0/msr"));
  CHECK(Processor().knows_sev(0, false).with(1, {}).technology().empty());
}

TEST_CASE("Intel TDX") {
  const CpuidAnswer tdx{0, letters("Inte"), letters("    "), letters("lTDX")};
  CHECK(Processor().with(0, {0x21, 0, 0, 0}).with(0x21, tdx).technology() == "Intel TDX");
  CHECK(Processor().with(0, {0x21, 0, 0, 0}).technology().empty());
  CHECK(Processor().with(0, {0x21, 0, 0, 0}).with(0x21, tdx).with(1, {}).technology() == "Intel TDX");
  // A leaf beyond the highest answers as that one does.
  CHECK(Processor().with(0x21, tdx).technology().empty());
}

TEST_CASE("Azure, where Hyper-V tells and the processor does not") {
  CHECK(Processor().hyperv(isolates, 2).technology() == "AMD SEV-SNP, by Hyper-V");
  CHECK(Processor().hyperv(isolates, 0x13).technology() == "Intel TDX, by Hyper-V");
  CHECK(Processor().hyperv(isolates, 1).technology() == "Hyper-V isolation");
  CHECK(Processor().hyperv(isolates, 9).technology() == "Hyper-V isolation");
  CHECK(Processor().hyperv(isolates, 0).technology().empty());
  CHECK(Processor().hyperv(0, 2).technology().empty());
  CHECK(Processor().hyperv(isolates | manages, 2).technology().empty());
}

TEST_CASE("without CPUID the kernel tells") {
  NEED_PRIVATE_FOLDER();
  host::ConfidentialClues clues;
  clues.ultravisor = new_folder() + "/prot_virt_guest";
  clues.realm = new_folder() + "/arm-cca-dev";
  CHECK(host::confidential_technology(clues).empty());
  write_file(clues.realm, "");
  CHECK(host::confidential_technology(clues) == "Arm CCA");
  write_file(clues.ultravisor, "0\n");
  CHECK(host::confidential_technology(clues) == "Arm CCA");
  write_file(clues.ultravisor, "1\n");
  CHECK(host::confidential_technology(clues) == "IBM Secure Execution");
}

TEST_CASE("this machine is asked, and is what its kernel says") {
  host::LinuxProcesses processes;
  const std::string ours = host::confidential_technology(host::this_machine(processes));
  const std::string flags = host::read_kernel_file("/proc/cpuinfo").value().value_or("");
  INFO(ours);
  CHECK((ours == "Intel TDX") == (flags.find(" tdx_guest") != std::string::npos));
  if (flags.find(" hypervisor") == std::string::npos && flags.find(" sev") == std::string::npos) {
    CHECK((ours.empty() || ours == "Intel TDX"));
  }
}

TEST_SUITE_END();
