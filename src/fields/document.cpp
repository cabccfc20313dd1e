// SPDX-License-Identifier: Apache-2.0
#include "fields/document.hpp"

#include <algorithm>

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
  const auto found =
      std::find_if(members.rbegin(), members.rend(), [&](const Member& member) { return member.key == key; });
  return found == members.rend() ? nullptr : &found->value;
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
