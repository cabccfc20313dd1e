// SPDX-License-Identifier: Apache-2.0
// Whether the processor keeps this machine's memory from its own host: then what the host says (SMBIOS, fw_cfg) is the
// word of somebody who is not trusted.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "host/processes.hpp"

namespace provision::host {

struct CpuidAnswer {
  std::uint32_t eax = 0;
  std::uint32_t ebx = 0;
  std::uint32_t ecx = 0;
  std::uint32_t edx = 0;
};

// What is asked; tests answer themselves.
struct ConfidentialClues {
  // Null where the processor has no such instruction.
  std::function<CpuidAnswer(std::uint32_t leaf, std::uint32_t subleaf)> cpuid;
  // A model-specific register; nothing where the processor has none of that number. An error: it cannot be told.
  std::function<Result<std::optional<std::uint64_t>>(std::uint32_t number)> msr;
  // IBM Secure Execution: the ultravisor says "1" (kernel: arch/s390/kernel/uv.c).
  std::string ultravisor = "/sys/firmware/uv/prot_virt_guest";
  // Arm CCA: the device that a realm has (kernel: drivers/virt/coco/arm-cca-guest).
  std::string realm = "/sys/devices/platform/arm-cca-dev";
};

// `processes` runs modprobe, for the register of AMD's processors.
ConfidentialClues this_machine(Processes& processes);

// "AMD SEV-SNP", "Intel TDX", …; empty where nothing keeps the host out. As systemd-detect-virt --cvm tells it (AMD
// APM 15.34, Intel TDX module specification, Microsoft TLFS 2.4.3), but that a guest of AMD's whose register cannot be
// read counts as one, and that a host which hides that there is a hypervisor hides nothing else by that.
std::string confidential_technology(const ConfidentialClues& clues);

}  // namespace provision::host
