// SPDX-License-Identifier: Apache-2.0
#include "fields/document.hpp"

#include <utility>

#include "base/text.hpp"

namespace provision::fields {

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

Value Value::of(std::string value) {
  Value made;
  made.kind = Kind::string;
  made.string = std::move(value);
  return made;
}

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
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    if (member->key == key) {
      return &member->value;
    }
  }
  return nullptr;
}

const Value* Value::find_folded(std::string_view key) const {
  for (auto member = members.rbegin(); member != members.rend(); ++member) {
    if (equal_folded(member->key, key)) {
      return &member->value;
    }
  }
  return nullptr;
}

bool equal_folded(std::string_view a, std::string_view b) {
  if (a == b) {
    return true;
  }
  // Our keys are ASCII letters. Go also folds the long s and the Kelvin sign, the only others that fold to such.
  std::string plain(a);
  constexpr std::string_view long_s = "\xC5\xBF";
  constexpr std::string_view kelvin = "\xE2\x84\xAA";
  for (const auto& [special, letter] : {std::pair{long_s, "s"}, std::pair{kelvin, "k"}}) {
    for (std::size_t at = plain.find(special); at != std::string::npos; at = plain.find(special)) {
      plain.replace(at, special.size(), letter);
    }
  }
  return plain.size() == b.size() && lower_ascii(plain) == lower_ascii(b);
}

void Value::add(std::string key, Value value) { members.push_back({std::move(key), 0, std::move(value)}); }

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
    : name_(std::move(name)), text_(std::move(text)), lines_(text_) {}

Origin Document::origin(std::size_t offset, std::string path) const {
  const Position where = position(offset);
  return {name_, where.line, where.column, std::move(path)};
}

}  // namespace provision::fields
