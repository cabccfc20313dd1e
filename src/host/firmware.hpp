// SPDX-License-Identifier: Apache-2.0
// What the firmware, the hypervisor and the kernel say about this machine.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace provision::host {

// SMBIOS type 1 uuid and serial (/sys/class/dmi/id); empty where there is none or it is a known junk value.
struct Machine {
  std::string uuid;
  std::string serial;
  // Drawn by chance when the first boot of a machine with neither began, and kept in the journal. No firmware tells it.
  std::string seed{};
  [[nodiscard]] bool is_known() const { return !uuid.empty() || !serial.empty(); }
  bool operator==(const Machine&) const = default;
};

// The one that systemd measures into what configures a system from outside: command lines, credentials, extensions of
// an initramfs. What is sealed to the running system's own is not sealed to a boot that a config has had its way with.
inline constexpr std::uint32_t config_pcr = 12;

class Firmware {
 public:
  Firmware() = default;
  Firmware(const Firmware&) = delete;
  Firmware& operator=(const Firmware&) = delete;
  Firmware(Firmware&&) = delete;
  Firmware& operator=(Firmware&&) = delete;
  virtual ~Firmware() = default;

  // The kernel command line (/proc/cmdline).
  virtual Result<std::string> command_line() = 0;
  // This boot's id (/proc/sys/kernel/random/boot_id).
  virtual Result<std::string> boot_id() = 0;
  virtual Result<Machine> machine() = 0;
  // What keeps the host out of this machine, by the processor's own word ("AMD SEV-SNP", "Intel TDX", …); empty where
  // nothing does. In such a machine SMBIOS and fw_cfg are the word of somebody who is not trusted.
  virtual Result<std::string> confidential() = 0;
  // The bytes of a QEMU fw_cfg item ("opt/com.coreos/config"); nothing if QEMU has no such item. Not being able to tell
  // is an error, with ENODEV where there is no such device, or no driver.
  virtual Result<std::optional<std::string>> fw_cfg(std::string_view name) = 0;
  // Has the TPM hash `event` and extend PCR `config_pcr` by it, in each bank. False if this machine has no TPM 2.0. Not
  // to be undone before the next boot. Code::tpm_failed if there is one and it does not.
  virtual Result<bool> measure(std::string_view event) = 0;
};

}  // namespace provision::host
