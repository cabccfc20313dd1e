// SPDX-License-Identifier: Apache-2.0
#include "model/cards.hpp"

#include <algorithm>

#include "base/path.hpp"
#include "base/text.hpp"

namespace provision::model {
namespace {

constexpr std::string_view bus = "/sys/bus/ap";
constexpr std::string_view devices = "/sys/bus/ap/devices";
constexpr std::size_t max_attribute = 4096;

// "01.0004": card and domain in hex digits. Beside those the directory has the cards themselves ("card01").
bool is_domain(std::string_view name) {
  constexpr std::size_t dot = 2;
  constexpr std::size_t size = 7;
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  return name.size() == size && name[dot] == '.' && std::all_of(name.begin(), name.begin() + dot, is_hex) &&
         std::all_of(name.begin() + dot + 1, name.end(), is_hex);
}

// One that has gone since it was listed has no attributes.
std::string attribute(host::Files& own, const std::string& domain, std::string_view name) {
  return own.read(path::join(path::join(devices, domain), name), max_attribute).value_or(std::string());
}

// In the mode of the Common Cryptographic Architecture, and neither taken away nor switched off (zcrypt's attribute).
bool is_usable(host::Files& own, const std::string& domain) {
  const std::string event = attribute(own, domain, "uevent");
  const auto lines = split(event, '\n');
  const bool is_cca = std::find(lines.begin(), lines.end(), "MODE=cca") != lines.end();
  return is_cca && trim(attribute(own, domain, "online")) == "1";
}

}  // namespace

std::string secure_key_id(std::string_view volume) { return "ignition-luks-" + std::string(volume); }

std::string secure_key_path(std::string_view volume, std::string_view part) {
  return path::join(secure_keys_directory, secure_key_id(volume) + "." + std::string(part));
}

std::string secure_key_name(std::string_view volume, std::string_view part) {
  return std::string(volume) + "~" + std::string(part);
}

bool wants_card(const spec::Luks& volume) { return volume.cex.enabled.value_or(false); }

Result<CardsView> see_cards(host::Host& host) {
  CardsView view;
  view.zkey = host.processes.must_have("zkey").has_value() && host.processes.must_have("zkey-cryptsetup").has_value();
  const auto key = TRY(host.own.look(card_key_path));
  view.key = key && key->kind == host::NodeKind::regular && key->size > 0;
  view.bus = TRY(host.own.look(bus)).has_value();
  if (!view.bus || !TRY(host.own.look(devices))) {
    return view;
  }
  for (auto& name : TRY(host.own.list(devices))) {
    if (is_domain(name) && is_usable(host.own, name)) {
      view.domains.push_back(std::move(name));
    }
  }
  std::sort(view.domains.begin(), view.domains.end());
  return view;
}

}  // namespace provision::model
