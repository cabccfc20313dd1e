// SPDX-License-Identifier: Apache-2.0
#include "fields/document.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace provision::fields {

HeldText::HeldText(std::string_view text) : size_(static_cast<std::uint32_t>(text.size())) {
  INVARIANT(text.size() == size_);
  if (!text.empty()) {
    auto* bytes = new char[text.size()];
    std::memcpy(bytes, text.data(), text.size());
    bytes_ = bytes;
    owned_ = true;
  }
}

HeldText HeldText::piece(std::string_view of_document) {
  HeldText made;
  made.bytes_ = of_document.data();
  made.size_ = static_cast<std::uint32_t>(of_document.size());
  return made;
}

Value Value::of(bool value) {
  Value made;
  made.kind = Kind::boolean;
  made.boolean = value;
  return made;
}

Value Value::of(std::int64_t value) {
  Value made;
  made.kind = Kind::integer;
  made.integer = value;
  return made;
}

Value Value::of(std::string_view value) {
  Value made;
  made.kind = Kind::string;
  made.string = HeldText(value);
  return made;
}

Value Value::of(const std::string& value) { return of(std::string_view(value)); }
Value Value::of(const char* value) { return of(std::string_view(value)); }

Value Value::array() {
  Value made;
  made.kind = Kind::array;
  return made;
}

Value Value::object() {
  Value made;
  made.kind = Kind::object;
  return made;
}

const Value* Value::find(std::string_view key) const {
  const auto found =
      std::find_if(members.rbegin(), members.rend(), [&](const Member& member) { return member.key == key; });
  return found == members.rend() ? nullptr : &found->value;
}

const Value* Value::find_folded(std::string_view key) const {
  const auto found = std::find_if(members.rbegin(), members.rend(),
                                  [&](const Member& member) { return equal_folded(member.key, key); });
  return found == members.rend() ? nullptr : &found->value;
}

namespace {

char lowered(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool equal_but_for_case(std::string_view a, std::string_view b) {
  return a.size() == b.size() &&
         std::equal(a.begin(), a.end(), b.begin(), [](char x, char y) { return lowered(x) == lowered(y); });
}

// Our keys are ASCII letters. Go also folds the long s and the Kelvin sign, the only others that fold to such.
std::string without_special_letters(std::string_view text) {
  std::string plain(text);
  constexpr std::string_view long_s = "\xC5\xBF";
  constexpr std::string_view kelvin = "\xE2\x84\xAA";
  for (const auto& [special, letter] : {std::pair{long_s, "s"}, std::pair{kelvin, "k"}}) {
    for (std::size_t at = plain.find(special); at != std::string::npos; at = plain.find(special)) {
      plain.replace(at, special.size(), letter);
    }
  }
  return plain;
}

}  // namespace

bool equal_folded(std::string_view a, std::string_view b) {
  if (a.size() == b.size()) {
    return equal_but_for_case(a, b);
  }
  // The special letters are longer than those they stand for.
  return a.size() > b.size() && equal_but_for_case(without_special_letters(a), b);
}

void Value::add(std::string_view key, Value value) { members.push_back({HeldText(key), 0, std::move(value)}); }

std::string_view name_of(Value::Kind kind) {
  switch (kind) {
    case Value::Kind::null:
      return "null";
    case Value::Kind::boolean:
      return "a boolean";
    case Value::Kind::integer:
      return "an integer";
    case Value::Kind::other_number:
      return "a number that is no 64-bit integer";
    case Value::Kind::string:
      return "a string";
    case Value::Kind::array:
      return "an array";
    case Value::Kind::object:
      return "an object";
  }
  return "a value";
}

Document::Document(std::string name, std::string text)
    : name_(std::move(name)), text_(std::make_shared<const std::string>(std::move(text))), lines_(*text_) {}

Origin Document::origin(std::size_t offset, std::string path) const {
  const Position where = position(offset);
  return {name_, where.line, where.column, std::move(path)};
}

}  // namespace provision::fields
