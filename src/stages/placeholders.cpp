// SPDX-License-Identifier: Apache-2.0
#include "stages/placeholders.hpp"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "base/path.hpp"
#include "base/text.hpp"
#include "providers/trust.hpp"
#include "stages/confidential.hpp"
#include "stages/sources.hpp"

namespace provision::stages {
namespace {

constexpr std::string_view interfaces = "/sys/class/net";
constexpr std::size_t max_address_bytes = 256;

using Value = std::function<Result<std::string>()>;

// RFC 3986 section 2.3, and the colons of a hardware address, which a path and a query may have.
std::string escaped(std::string_view value) {
  constexpr std::string_view hex = "0123456789ABCDEF";
  std::string text;
  for (const char c : value) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       std::string_view("-._~:").find(c) != std::string_view::npos;
    const auto byte = static_cast<unsigned char>(c);
    text += plain ? std::string(1, c) : std::string{'%', hex[byte >> 4U], hex[byte & 15U]};
  }
  return text;
}

Result<std::string> replaced(std::string url, std::string_view placeholder, const Value& value) {
  for (std::size_t at = url.find(placeholder); at != std::string::npos; at = url.find(placeholder, at)) {
    const std::string text = escaped(TRY(value()));
    url.replace(at, placeholder.size(), text);
    at += text.size();
  }
  return url;
}

Result<std::string> or_missing(std::string value, std::string_view what) {
  if (value.empty()) {
    return Error(Code::config_unavailable, "ignition.config.url= on the kernel command line asks for this machine's " +
                                               std::string(what) + ", and it has none");
  }
  return value;
}

// "BOOTIF=01-52-54-00-12-34-56": the kind of hardware, 1 for Ethernet, and the address.
std::string booted_from(std::string_view line) {
  std::string address = kernel_argument(line, "BOOTIF=").value_or("");
  if (address.size() != 20 || !address.starts_with("01-")) {
    return {};
  }
  std::replace(address.begin(), address.end(), '-', ':');
  return lower_ascii(address.substr(3));
}

// Names are in their order. Bridges and the like have no device.
Result<std::string> first_card(host::Files& own) {
  if (!TRY(own.look(interfaces))) {
    return std::string();
  }
  std::vector<std::string> names = TRY(own.list(interfaces));
  std::sort(names.begin(), names.end());
  for (const auto& name : names) {
    const std::string place = path::join(interfaces, name);
    if (TRY(own.look(path::join(place, "device"))) && TRY(own.look(path::join(place, "address")))) {
      return std::string(trim(TRY(own.read(path::join(place, "address"), max_address_bytes))));
    }
  }
  return std::string();
}

// Whose config this machine gets is not for its host to choose.
Result<void> check_believed(host::Firmware& firmware, std::string_view url) {
  const bool from_smbios = url.find("{uuid}") != url.npos || url.find("{serial}") != url.npos;
  const std::string technology = from_smbios ? TRY(confidential_by(firmware)) : std::string();
  if (!technology.empty()) {
    return Error(Code::config_unavailable,
                 "ignition.config.url= on the kernel command line asks for the machine's SMBIOS "
                 "uuid or serial number; " +
                     providers::not_believed("SMBIOS", technology));
  }
  return {};
}

Result<std::string> mac(host::Host& host) {
  std::string address = booted_from(TRY(host.firmware.command_line()));
  return !address.empty() ? Result<std::string>(std::move(address)) : first_card(host.own);
}

}  // namespace

std::string with_some_machine(std::string url) {
  for (const std::string_view placeholder : {"{uuid}", "{serial}", "{mac}"}) {
    url = *replaced(std::move(url), placeholder, [] { return Result<std::string>("0"); });
  }
  return url;
}

Result<std::string> with_this_machine(host::Host& host, std::string url) {
  TRY(check_believed(host.firmware, url));
  const host::Machine machine = TRY(host.firmware.machine());
  url = TRY(replaced(std::move(url), "{uuid}", [&] { return or_missing(lower_ascii(machine.uuid), "SMBIOS uuid"); }));
  url = TRY(replaced(std::move(url), "{serial}", [&] { return or_missing(machine.serial, "SMBIOS serial number"); }));
  return replaced(std::move(url), "{mac}",
                  [&]() -> Result<std::string> { return or_missing(TRY(mac(host)), "network card's address"); });
}

}  // namespace provision::stages
