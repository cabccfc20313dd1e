// SPDX-License-Identifier: Apache-2.0
#include "plan/key_slots.hpp"

#include <algorithm>
#include <charconv>
#include <optional>

#include "fields/document.hpp"
#include "fields/json.hpp"

namespace provision::plan {
namespace {

using fields::Value;

bool has(const std::vector<int>& slots, int slot) { return std::find(slots.begin(), slots.end(), slot) != slots.end(); }

std::optional<int> number(std::string_view text) {
  int slot = 0;
  const auto [end, error] = std::from_chars(text.begin(), text.end(), slot);
  return error == std::errc() && end == text.end() && !text.empty() ? std::optional(slot) : std::nullopt;
}

}  // namespace

std::vector<int> slots_of_tokens(const host::LuksSlots& slots, std::string_view type) {
  std::vector<int> found;
  for (const auto& token : slots.tokens) {
    fields::Document document("a token", token);
    if (!fields::parse_json(document) || document.root().kind != Value::Kind::object) {
      continue;
    }
    const Value* const named = document.root().find("type");
    const Value* const listed = document.root().find("keyslots");
    if (named == nullptr || listed == nullptr || (!type.empty() && named->string.view() != type)) {
      continue;
    }
    for (const auto& item : listed->items) {
      const auto slot = number(item.string.view());
      if (slot && has(slots.used, *slot) && !has(found, *slot)) {
        found.push_back(*slot);
      }
    }
  }
  return found;
}

Result<bool> opens_slot(host::Host& host, const host::DeviceRef& device, int slot, const Secret& key) {
  host::LuksOpen options;
  options.key_slot = slot;
  return host.crypt.open(device, {}, options, key);
}

Result<void> remove_strays(host::Host& host, const host::DeviceRef& device, const Secret& key,
                           const std::vector<int>& before) {
  const host::LuksSlots slots = TRY(host.crypt.slots(device));
  const auto known = slots_of_tokens(slots, {});
  for (const int slot : slots.used) {
    const bool is_another = has(known, slot) || has(before, slot);
    if (slots.used.size() > 1 && !is_another && !TRY(opens_slot(host, device, slot, key))) {
      TRY(host.crypt.remove_slot(device, slot));
    }
  }
  return {};
}

Result<void> remove_slots_of(host::Host& host, const host::DeviceRef& device, const Secret& key) {
  const host::LuksSlots slots = TRY(host.crypt.slots(device));
  const auto known = slots_of_tokens(slots, {});
  std::vector<int> opened;
  std::vector<int> dead;
  for (const int slot : slots.used) {
    if (!has(known, slot)) {
      (TRY(opens_slot(host, device, slot, key)) ? opened : dead).push_back(slot);
    }
  }
  // The material of a slot goes before its entry does: a cut between leaves one that nothing opens.
  for (const int slot : opened.empty() ? dead : opened) {
    TRY(host.crypt.remove_slot(device, slot));
    const host::LuksSlots left = TRY(host.crypt.slots(device));
    if (has(left.used, slot)) {
      return Error(Code::not_satisfied,
                   "nothing failed, yet key slot " + std::to_string(slot) + " of " + device.path + " is still there");
    }
  }
  return {};
}

}  // namespace provision::plan
