// SPDX-License-Identifier: Apache-2.0
#include "host/linux/firmware.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#if defined(__x86_64__) || defined(__i386__)
#include <sys/io.h>
#define PROVISION_PORT_IO 1
#else
#define PROVISION_PORT_IO 0
#endif

#include <algorithm>
#include <array>
#include <charconv>

#include "base/path.hpp"
#include "base/text.hpp"
#include "base/uuid.hpp"
#include "host/linux/confidential.hpp"
#include "host/linux/descriptor.hpp"
#include "host/linux/tpm.hpp"

namespace provision::host {
namespace {

constexpr std::size_t most_bytes = std::size_t{64} << 20U;

// In lower case. From what dmidecode users, systemd (hwdb, machine-id) and fleet tools have met.
constexpr std::array<std::string_view, 38> junk{
    "to be filled by o.e.m.",
    "to be filled by o.e.m",
    "to be filled by oem",
    "filled by o.e.m.",
    "o.e.m.",
    "oem",
    "not specified",
    "not available",
    "not applicable",
    "not settable",
    "not present",
    "none",
    "null",
    "n/a",
    "na",
    "unknown",
    "undefined",
    "default",
    "default string",
    "default_string",
    "empty",
    "invalid",
    "serial",
    "serial number",
    "system serial number",
    "chassis serial number",
    "base board serial number",
    "system version",
    "type1 - serial number",
    "sernum0",
    "0123456789",
    "123456789",
    "1234567890",
    "0123456789abcdef",
    "03000200-0400-0500-0006-000700080009",
    "03020100-0504-0706-0809-0a0b0c0d0e0f",
    "00020003-0004-0005-0006-000700080009",
    "12345678-1234-5678-90ab-cddeefaabbcc",
};

Error unavailable(std::string sentence, int saved_errno = 0) {
  return {Code::config_unavailable, std::move(sentence), saved_errno};
}

template <class Number>
std::optional<Number> number(std::string_view text) {
  Number value{};
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc{} && end == text.data() + text.size() ? std::optional<Number>(value) : std::nullopt;
}

// A field of SMBIOS, or nothing where it is junk.
std::string identity(const std::string& path) {
  std::string value = kernel_text(path);
  return is_junk_identity(value) ? std::string() : value;
}

#if PROVISION_PORT_IO
// The selector and data registers of fw_cfg (QEMU, docs/specs/fw_cfg.rst). The kernel's driver selects the item anew
// and skips byte by byte for each 4 KiB that is read from sysfs: a blob of 1 MiB takes eight seconds there and a tenth
// of a second here.
constexpr unsigned short selector_port = 0x510;
constexpr unsigned short data_port = 0x511;

// Nothing if the kernel does not let us at the ports (lockdown, seccomp).
std::optional<std::string> read_ports(unsigned short key, std::size_t size) {
  if (::ioperm(selector_port, 2, 1) != 0) {
    return std::nullopt;
  }
  std::string content(size, '\0');
  outw(key, selector_port);
  insb(data_port, content.data(), size);
  ::ioperm(selector_port, 2, 0);
  return content;
}
#else
std::optional<std::string> read_ports(unsigned short /*key*/, std::size_t /*size*/) { return std::nullopt; }
#endif

constexpr std::size_t ports_worth_it = std::size_t{128} << 10U;

// The driver may have selected another item in between, and another board may have something else at these ports: so
// the beginning is compared with what the driver itself reads.
std::optional<std::string> read_large(const std::string& item, std::size_t size, std::string_view beginning) {
  const auto key = number<unsigned short>(kernel_text(item + "/key"));
  if (size <= ports_worth_it || !key) {
    return std::nullopt;
  }
  auto content = read_ports(*key, size);
  return content && content->starts_with(beginning) ? content : std::nullopt;
}

Result<std::string> read_item(const std::string& item, std::string_view name) {
  const std::string what = "the fw_cfg item " + std::string(name);
  const auto size = number<std::size_t>(kernel_text(item + "/size"));
  if (!size) {
    return unavailable(what + " has no size");
  }
  if (*size > most_bytes) {
    return unavailable(what + " is longer than " + std::to_string(most_bytes) + " bytes");
  }
  const Descriptor raw(uninterrupted([&] { return ::open((item + "/raw").c_str(), O_RDONLY | O_CLOEXEC); }));
  if (!raw.valid()) {
    return unavailable("cannot open " + what, errno);
  }
  auto beginning = read_at(raw.get(), 0, std::min<std::size_t>(*size, 4096), what);
  if (!beginning) {
    return unavailable(beginning.error().what, beginning.error().system_error);
  }
  if (auto content = read_large(item, *size, *beginning)) {
    return std::move(*content);
  }
  auto content = read_at(raw.get(), 0, *size, what);
  if (!content) {
    return unavailable(content.error().what, content.error().system_error);
  }
  return content;
}

}  // namespace

bool is_junk_identity(std::string_view value) {
  const std::string lowered = lower_ascii(trim(value));
  if (std::find(junk.begin(), junk.end(), lowered) != junk.end()) {
    return true;
  }
  // Nothing but one character and separators: "0", "00000000", "ffffffff-ffff-…", "xxxx", "....".
  std::string distinct;
  for (const char c : lowered) {
    if (c != '-' && c != ' ' && c != '.' && distinct.find(c) == std::string::npos) {
      distinct += c;
    }
  }
  return distinct.size() <= 1;
}

LinuxFirmware::LinuxFirmware(Processes& processes, FirmwarePaths paths)
    : processes_(processes), paths_(std::move(paths)) {}

Result<std::string> LinuxFirmware::command_line() {
  const auto text = TRY(read_kernel_file(paths_.command_line));
  if (!text) {
    return Error(Code::io, "there is no " + paths_.command_line, ENOENT);
  }
  return std::string(trim(*text));
}

Result<std::string> LinuxFirmware::boot_id() {
  const auto text = TRY(read_kernel_file(paths_.boot_id));
  if (!text) {
    return Error(Code::io, "there is no " + paths_.boot_id, ENOENT);
  }
  return std::string(trim(*text));
}

Result<Machine> LinuxFirmware::machine() {
  Machine machine{lower_ascii(identity(paths_.dmi + "/product_uuid")), identity(paths_.dmi + "/product_serial")};
  if (!Uuid::parse(machine.uuid)) {
    machine.uuid.clear();
  }
  machine.serial = printable(machine.serial);
  return machine;
}

Result<std::string> LinuxFirmware::confidential() { return confidential_technology(this_machine(processes_)); }

Result<void> LinuxFirmware::need_fw_cfg() {
  const auto present = [&] { return ::access((paths_.fw_cfg + "/rev").c_str(), F_OK) == 0; };
  if (present()) {
    return {};
  }
  const auto loaded = processes_.run({"modprobe", {"qemu_fw_cfg"}, {}, std::chrono::seconds(30)});
  if (present()) {
    return {};
  }
  std::string cause = "modprobe qemu_fw_cfg found no device: is this QEMU?";
  if (!loaded) {
    cause = to_string(loaded.error());
  } else if (loaded->status != 0) {
    cause = "modprobe qemu_fw_cfg ended with status " + std::to_string(loaded->status) + ": " +
            std::string(trim(loaded->output));
  }
  return unavailable("no QEMU fw_cfg device (" + cause + ")", ENODEV);
}

Result<std::optional<std::string>> LinuxFirmware::fw_cfg(std::string_view name) {
  if (!path::is_clean_absolute("/" + std::string(name))) {
    return Error(Code::internal, "there can be no fw_cfg item " + printable(name));
  }
  TRY(need_fw_cfg());
  const std::string by_name = paths_.fw_cfg + "/by_name";
  // Without this the kernel shows nothing by name, and a missing item would prove nothing.
  struct stat status {};
  if (::stat(by_name.c_str(), &status) != 0) {
    return unavailable("cannot look at " + by_name, errno);
  }
  const std::string item = by_name + "/" + std::string(name);
  if (::stat((item + "/raw").c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return std::optional<std::string>{};
    }
    return unavailable("cannot look at " + item, errno);
  }
  return std::optional<std::string>(TRY(read_item(item, name)));
}

Result<bool> LinuxFirmware::measure(std::string_view event) {
  const auto exists = [](const std::string& path) { return ::access(path.c_str(), F_OK) == 0; };
  // Drivers may be modules that udev has not loaded so far.
  for (const char* const driver : {"tpm_crb", "tpm_tis"}) {
    if (exists(paths_.acpi_tpm) && !exists(paths_.tpm)) {
      static_cast<void>(processes_.run({"modprobe", {driver}, {}, std::chrono::seconds(30)}));
    }
  }
  const Descriptor tpm(uninterrupted([&] { return ::open(paths_.tpm.c_str(), O_RDWR | O_CLOEXEC); }));
  if (!tpm.valid() && errno == ENOENT) {
    return false;
  }
  if (!tpm.valid()) {
    return Error(Code::tpm_failed, "cannot open the TPM, " + paths_.tpm, errno);
  }
  TRY(extend_pcr(tpm.get(), config_pcr, event));
  return true;
}

}  // namespace provision::host
