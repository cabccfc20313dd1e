// SPDX-License-Identifier: Apache-2.0
// A document of the user's: its name, its text, and the tree of values that know where they stood in it.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/text.hpp"
#include "fields/held_text.hpp"

namespace provision::fields {

struct Member;

// One JSON value. `at` and `end` are byte offsets in the document's text: [at, end).
struct Value {
  enum class Kind : std::uint8_t { null, boolean, integer, other_number, string, array, object };

  Kind kind = Kind::null;
  bool boolean = false;
  std::uint32_t at = 0;
  std::uint32_t end = 0;
  std::int64_t integer = 0;
  // The decoded string, or the text of a number that is no 64-bit integer.
  HeldText string;
  std::vector<Value> items;
  std::vector<Member> members;

  static Value of(bool value);
  static Value of(std::int64_t value);
  static Value of(std::string_view value);
  static Value of(const std::string& value);
  static Value of(const char* value);
  static Value array();
  static Value object();

  // The last member of that name, as Go reads them; null if there is none.
  [[nodiscard]] const Value* find(std::string_view key) const;
  // The last member whose name is `key`, or differs from it only by case, as Go matches them.
  [[nodiscard]] const Value* find_folded(std::string_view key) const;
  void add(std::string_view key, Value value);
};

// Whether two keys are the same to Go's JSON: equal but for the case of letters.
bool equal_folded(std::string_view a, std::string_view b);

struct Member {
  HeldText key;
  std::uint32_t key_at = 0;
  Value value;
};

std::string_view name_of(Value::Kind kind);

class Document {
 public:
  Document(std::string name, std::string text);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] const std::string& text() const { return *text_; }
  [[nodiscard]] const Value& root() const { return root_; }
  void set_root(Value root) { root_ = std::move(root); }

  [[nodiscard]] Position position(std::size_t offset) const { return lines_.position(*text_, offset); }
  // The byte at that place, the inverse of position(); a column beyond its line is the line's end.
  [[nodiscard]] std::size_t offset(const Position& position) const { return lines_.offset(*text_, position); }
  [[nodiscard]] std::string_view line(std::uint32_t number) const { return lines_.line(*text_, number); }
  [[nodiscard]] Origin origin(std::size_t offset, std::string path) const;

 private:
  std::string name_;
  // Values are pieces of it, so it stays in its place when the document is moved or copied.
  std::shared_ptr<const std::string> text_;
  LineIndex lines_;
  Value root_;
};

}  // namespace provision::fields
