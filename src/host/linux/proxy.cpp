// SPDX-License-Identifier: Apache-2.0
#include "host/linux/proxy.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <optional>

#include "base/text.hpp"

namespace provision::host {
namespace {

// An address as 16 bytes; IPv4 as IPv6 has it mapped, so that both are compared the same way.
using Address = std::array<std::uint8_t, 16>;

std::optional<Address> parse_address(std::string_view text) {
  const std::string name(text);
  Address address{};
  if (::inet_pton(AF_INET6, name.c_str(), address.data()) == 1) {
    return address;
  }
  address = {};
  address[10] = address[11] = 0xff;
  if (::inet_pton(AF_INET, name.c_str(), address.data() + 12) == 1) {
    return address;
  }
  return {};
}

std::optional<unsigned> parse_number(std::string_view text) {
  unsigned number = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (text.empty() || failure != std::errc() || end != text.data() + text.size()) {
    return {};
  }
  return number;
}

bool shares_prefix(const Address& a, const Address& b, unsigned bits) {
  for (std::size_t i = 0; i < a.size(); ++i) {
    const unsigned rest = bits > 8 * i ? std::min(8U, bits - static_cast<unsigned>(8 * i)) : 0;
    const auto mask = static_cast<std::uint8_t>(0xff00U >> rest);
    if (((a.at(i) ^ b.at(i)) & mask) != 0) {
      return false;
    }
  }
  return true;
}

bool is_this_machine(std::string_view host) {
  if (host == "localhost") {
    return true;
  }
  const auto address = parse_address(host);
  const auto v4 = parse_address("127.0.0.0");
  const auto v6 = parse_address("::1");
  return address && (shares_prefix(*address, *v4, 96 + 8) || *address == *v6);
}

bool in_network(std::string_view entry, std::string_view host) {
  const std::size_t slash = entry.find('/');
  const auto network = parse_address(entry.substr(0, slash));
  const auto bits = parse_number(entry.substr(slash + 1));
  const auto address = parse_address(host);
  if (!network || !bits || !address) {
    return false;
  }
  const bool four = entry.find(':') == std::string_view::npos;
  return shares_prefix(*network, *address, *bits + (four ? 96 : 0));
}

// "example.com:8080", "[::1]:80" and those without a port: the name, and whether the port is right.
struct Entry {
  std::string_view name;
  std::optional<unsigned> port;
};

Entry parse_entry(std::string_view text) {
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    const std::string_view rest = end == std::string_view::npos ? "" : text.substr(end + 1);
    return {text.substr(1, end - 1), rest.starts_with(':') ? parse_number(rest.substr(1)) : std::nullopt};
  }
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos || text.find(':', colon + 1) != std::string_view::npos) {
    return {text, std::nullopt};
  }
  return {text.substr(0, colon), parse_number(text.substr(colon + 1))};
}

bool excepts(std::string_view text, const ProxyTarget& target, std::string_view host) {
  if (text == "*") {
    return true;
  }
  if (text.find('/') != std::string_view::npos) {
    return in_network(text, host);
  }
  const Entry entry = parse_entry(text);
  if (entry.port && *entry.port != target.port) {
    return false;
  }
  if (const auto address = parse_address(entry.name)) {
    return address == parse_address(host);
  }
  std::string below(entry.name);
  if (below.starts_with("*.")) {
    below.erase(0, 1);
  }
  if (below.starts_with('.')) {
    return host.ends_with(below);
  }
  return !below.empty() && (host == below || host.ends_with("." + below));
}

}  // namespace

std::string proxy_for(const FetchSettings& settings, const ProxyTarget& target) {
  std::string host = lower_ascii(target.host);
  if (host.ends_with('.')) {
    host.pop_back();
  }
  const auto excepted = [&](const std::string& entry) { return excepts(lower_ascii(trim(entry)), target, host); };
  if (is_this_machine(host) || std::any_of(settings.no_proxy.begin(), settings.no_proxy.end(), excepted)) {
    return {};
  }
  const bool own = target.scheme == "https" && !settings.https_proxy.empty();
  return own ? settings.https_proxy : settings.http_proxy;
}

}  // namespace provision::host
