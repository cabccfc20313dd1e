// SPDX-License-Identifier: Apache-2.0
#include "host/linux/confidential.hpp"

#include <fcntl.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>
#define PROVISION_CPUID 1
#else
#define PROVISION_CPUID 0
#endif

#include <array>
#include <cstring>

#include "base/text.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {
namespace {

// Leaves of CPUID.
constexpr std::uint32_t vendor_leaf = 0;
constexpr std::uint32_t features_leaf = 1;
constexpr std::uint32_t tdx_leaf = 0x21;
constexpr std::uint32_t hypervisor_leaf = 0x40000000;
constexpr std::uint32_t hyperv_features_leaf = 0x40000003;
constexpr std::uint32_t hyperv_isolation_leaf = 0x4000000C;
constexpr std::uint32_t highest_extended_leaf = 0x80000000;
constexpr std::uint32_t encrypted_memory_leaf = 0x8000001F;

// Bits of their answers.
constexpr std::uint32_t is_guest = 1U << 31U;           // features, ecx
constexpr std::uint32_t has_sev = 1U << 1U;             // encrypted memory, eax
constexpr std::uint32_t hyperv_isolates = 1U << 22U;    // Hyper-V features, ebx
constexpr std::uint32_t hyperv_manages = 1U << 12U;     // Hyper-V features, ebx: this is the root partition
constexpr std::uint32_t hyperv_isolation_kinds = 0xFU;  // Hyper-V isolation, ebx

// SEV_STATUS: what of SEV is active in this guest (AMD APM, volume 2, 15.34.10).
constexpr std::uint32_t sev_status = 0xC0010131;
constexpr std::uint64_t sev_active = 1U << 0U;
constexpr std::uint64_t sev_es_active = 1U << 1U;
constexpr std::uint64_t sev_snp_active = 1U << 2U;

std::string text_of(std::uint32_t first, std::uint32_t second, std::uint32_t third) {
  std::string text(12, '\0');
  std::memcpy(text.data(), &first, 4);
  std::memcpy(text.data() + 4, &second, 4);
  std::memcpy(text.data() + 8, &third, 4);
  return text;
}

// Azure's confidential machines: the paravisor hides the processor's own marks, and Hyper-V tells.
std::string by_hyperv(const ConfidentialClues& clues) {
  const CpuidAnswer hypervisor = clues.cpuid(hypervisor_leaf, 0);
  if (text_of(hypervisor.ebx, hypervisor.ecx, hypervisor.edx) != "Microsoft Hv" ||
      hypervisor.eax < hyperv_isolation_leaf) {
    return {};
  }
  const std::uint32_t features = clues.cpuid(hyperv_features_leaf, 0).ebx;
  if ((features & hyperv_isolates) == 0 || (features & hyperv_manages) != 0) {
    return {};
  }
  constexpr std::array<std::string_view, 4> kinds{"", "Hyper-V isolation", "AMD SEV-SNP, by Hyper-V",
                                                  "Intel TDX, by Hyper-V"};
  const std::uint32_t kind = clues.cpuid(hyperv_isolation_leaf, 0).ebx & hyperv_isolation_kinds;
  return std::string(kind < kinds.size() ? kinds.at(kind) : kinds[1]);
}

// On hardware that could do it and is no guest the driver need not be there.
std::string by_sev_status(const ConfidentialClues& clues, bool guest) {
  const auto status = clues.msr(sev_status);
  if (!status) {
    return guest ? "AMD SEV, as far as can be told: " + to_string(status.error()) : "";
  }
  const std::uint64_t active = status->value_or(0);
  return (active & sev_snp_active) != 0  ? "AMD SEV-SNP"
         : (active & sev_es_active) != 0 ? "AMD SEV-ES"
         : (active & sev_active) != 0    ? "AMD SEV"
                                         : "";
}

// That this is a guest is a bit the host sets, so it decides nothing that the processor itself tells.
std::string by_cpuid(const ConfidentialClues& clues) {
  const bool guest = (clues.cpuid(features_leaf, 0).ecx & is_guest) != 0;
  if (clues.cpuid(vendor_leaf, 0).eax >= tdx_leaf) {
    const CpuidAnswer tdx = clues.cpuid(tdx_leaf, 0);
    if (text_of(tdx.ebx, tdx.edx, tdx.ecx) == "IntelTDX    ") {
      return "Intel TDX";
    }
  }
  const bool knows_sev = clues.cpuid(highest_extended_leaf, 0).eax >= encrypted_memory_leaf &&
                         (clues.cpuid(encrypted_memory_leaf, 0).eax & has_sev) != 0;
  std::string found = knows_sev ? by_sev_status(clues, guest) : std::string();
  return found.empty() && guest ? by_hyperv(clues) : found;
}

#if PROVISION_CPUID
CpuidAnswer ask_cpuid(std::uint32_t leaf, std::uint32_t subleaf) {
  CpuidAnswer answer;
  __cpuid_count(leaf, subleaf, answer.eax, answer.ebx, answer.ecx, answer.edx);
  return answer;
}

// The driver gives a register as the eight bytes at the offset of its number, and EIO where there is none (msr(4)).
Result<std::optional<std::uint64_t>> ask_msr(Processes& processes, std::uint32_t number) {
  constexpr const char* node = "/dev/cpu/0/msr";
  const auto open_node = [] { return uninterrupted([] { return ::open(node, O_RDONLY | O_CLOEXEC); }); };
  Descriptor opened(open_node());
  if (!opened.valid()) {
    static_cast<void>(processes.run({"modprobe", {"msr"}, {}, std::chrono::seconds(30)}));
    opened = Descriptor(open_node());
  }
  if (!opened.valid()) {
    return io_error(std::string("cannot open ") + node);
  }
  std::uint64_t value = 0;
  const auto count = uninterrupted([&] { return ::pread(opened.get(), &value, sizeof value, number); });
  if (count == static_cast<ssize_t>(sizeof value)) {
    return std::optional(value);
  }
  return count < 0 && errno == EIO ? Result<std::optional<std::uint64_t>>(std::nullopt)
                                   : io_error(std::string("cannot read ") + node);
}
#endif

}  // namespace

ConfidentialClues this_machine([[maybe_unused]] Processes& processes) {
  ConfidentialClues clues;
#if PROVISION_CPUID
  clues.cpuid = &ask_cpuid;
  clues.msr = [&processes](std::uint32_t number) { return ask_msr(processes, number); };
#endif
  return clues;
}

std::string confidential_technology(const ConfidentialClues& clues) {
  if (clues.cpuid) {
    return by_cpuid(clues);
  }
  if (kernel_text(clues.ultravisor) == "1") {
    return "IBM Secure Execution";
  }
  return ::access(clues.realm.c_str(), F_OK) == 0 ? "Arm CCA" : "";
}

}  // namespace provision::host
