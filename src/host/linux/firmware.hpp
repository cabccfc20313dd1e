// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host/firmware.hpp"
#include "host/processes.hpp"

namespace provision::host {

// Where the kernel shows what; tests give folders of their own.
struct FirmwarePaths {
  std::string command_line = "/proc/cmdline";
  std::string boot_id = "/proc/sys/kernel/random/boot_id";
  std::string dmi = "/sys/class/dmi/id";
  std::string fw_cfg = "/sys/firmware/qemu_fw_cfg";
  // Only a TPM 2.0 has it.
  std::string tpm = "/dev/tpmrm0";
  std::string acpi_tpm = "/sys/firmware/acpi/tables/TPM2";
};

class LinuxFirmware final : public Firmware {
 public:
  // `processes` runs modprobe.
  explicit LinuxFirmware(Processes& processes, FirmwarePaths paths = {});

  Result<std::string> command_line() override;
  Result<std::string> boot_id() override;
  Result<Machine> machine() override;
  Result<std::string> confidential() override;
  Result<std::optional<std::string>> fw_cfg(std::string_view name) override;
  Result<bool> measure(std::string_view event) override;

 private:
  Result<void> need_fw_cfg();

  Processes& processes_;
  FirmwarePaths paths_;
};

// Nothing that tells machines apart: what vendors leave in the fields of a board.
bool is_junk_identity(std::string_view value);

}  // namespace provision::host
