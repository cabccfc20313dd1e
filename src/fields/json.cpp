// SPDX-License-Identifier: Apache-2.0
#include "fields/json.hpp"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

namespace provision::fields {
namespace {

class Parser {
 public:
  explicit Parser(const Document& document) : document_(document), text_(document.text()) {}

  Result<Value> document() {
    if (text_.size() > max_document_bytes) {
      return fail(0, "the document is larger than 1 GiB");
    }
    if (text_.starts_with("\xEF\xBB\xBF")) {
      return fail(0, "the document starts with a byte order mark, which JSON does not allow; save it without one");
    }
    skip_white();
    if (done()) {
      return fail(at_, "the document is empty where a JSON object was expected");
    }
    Value root = TRY(value(0));
    skip_white();
    if (!done()) {
      return fail(at_, "there is more text after the end of the JSON value");
    }
    return root;
  }

 private:
  [[nodiscard]] bool done() const { return at_ >= text_.size(); }
  [[nodiscard]] char peek() const { return done() ? '\0' : text_[at_]; }

  [[nodiscard]] Error fail(std::size_t at, std::string what) const {
    return Error(Code::bad_config, std::move(what)).at(document_.origin(at, "$"));
  }

  // What stands at the cursor, for a message.
  [[nodiscard]] std::string here() const {
    if (done()) {
      return "the end of the document";
    }
    const std::size_t length = utf8_sequence_length(text_.substr(at_));
    return "\"" + printable(text_.substr(at_, length == 0 ? 1 : length)) + "\"";
  }

  void skip_white() {
    while (!done() && (peek() == ' ' || peek() == '\t' || peek() == '\n' || peek() == '\r')) {
      ++at_;
    }
  }

  Result<Value> value(int depth) {
    if (depth > max_depth) {
      return fail(at_, "values are nested more than " + std::to_string(max_depth) + " levels deep");
    }
    const std::size_t start = at_;
    Value read = TRY(value_unplaced(depth));
    read.at = static_cast<std::uint32_t>(start);
    read.end = static_cast<std::uint32_t>(at_);
    return read;
  }

  Result<Value> value_unplaced(int depth) {
    switch (peek()) {
      case '{':
        return object(depth);
      case '[':
        return array(depth);
      case '"':
        return Value::of(TRY(string()));
      case 't':
        return word("true", Value::of(true));
      case 'f':
        return word("false", Value::of(false));
      case 'n':
        return word("null", Value{});
      default:
        return number();
    }
  }

  Result<Value> word(std::string_view expected, Value meaning) {
    for (const char wanted : expected) {
      if (peek() != wanted) {
        return fail(at_, "expected a value, found " + here() + "; strings stand in double quotes");
      }
      ++at_;
    }
    return meaning;
  }

  Result<Value> object(int depth) {
    Value made = Value::object();
    ++at_;
    skip_white();
    if (peek() == '}') {
      ++at_;
      return made;
    }
    while (true) {
      if (peek() != '"') {
        const bool comma_before_end = peek() == '}';
        return fail(at_, comma_before_end ? "a comma before \"}\" is not allowed"
                                          : "expected a key in double quotes, found " + here());
      }
      Member member;
      member.key_at = static_cast<std::uint32_t>(at_);
      member.key = TRY(string());
      skip_white();
      if (peek() != ':') {
        return fail(at_, "expected \":\" after the key \"" + printable(member.key) + "\", found " + here());
      }
      ++at_;
      skip_white();
      member.value = TRY(value(depth + 1));
      made.members.push_back(std::move(member));
      if (TRY(separator('}'))) {
        return made;
      }
    }
  }

  Result<Value> array(int depth) {
    Value made = Value::array();
    ++at_;
    skip_white();
    if (peek() == ']') {
      ++at_;
      return made;
    }
    while (true) {
      if (peek() == ']') {
        return fail(at_, "a comma before \"]\" is not allowed");
      }
      made.items.push_back(TRY(value(depth + 1)));
      if (TRY(separator(']'))) {
        return made;
      }
    }
  }

  // Takes "," (false) or the closing mark (true).
  Result<bool> separator(char closing) {
    skip_white();
    if (peek() == closing) {
      ++at_;
      return true;
    }
    if (peek() != ',') {
      return fail(at_, std::string("expected \",\" or \"") + closing + "\", found " + here());
    }
    ++at_;
    skip_white();
    return false;
  }

  Result<Value> number() {
    const std::size_t start = at_;
    const auto digits = [&] {
      const std::size_t first = at_;
      while (peek() >= '0' && peek() <= '9') {
        ++at_;
      }
      return at_ - first;
    };
    if (peek() == '-') {
      ++at_;
    }
    const bool leading_zero = peek() == '0';
    const std::size_t count = digits();
    if (count == 0) {
      return fail(at_, "expected a value, found " + here() + "; strings stand in double quotes");
    }
    if (leading_zero && count > 1) {
      return fail(start, "a number must not start with 0; file modes are decimal in JSON (0644 is 420)");
    }
    bool whole = true;
    if (peek() == '.') {
      whole = false;
      ++at_;
      if (digits() == 0) {
        return fail(at_, "expected a digit after \".\", found " + here());
      }
    }
    if (peek() == 'e' || peek() == 'E') {
      whole = false;
      ++at_;
      if (peek() == '+' || peek() == '-') {
        ++at_;
      }
      if (digits() == 0) {
        return fail(at_, "expected a digit in the exponent, found " + here());
      }
    }
    return number_value(text_.substr(start, at_ - start), whole);
  }

  static Value number_value(std::string_view text, bool whole) {
    std::int64_t integer = 0;
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), integer);
    if (whole && parsed.ec == std::errc{}) {
      return Value::of(integer);
    }
    Value made = Value::of(std::string(text));
    made.kind = Value::Kind::other_number;
    return made;
  }

  Result<std::string> string() {
    std::string decoded;
    ++at_;
    while (true) {
      const std::size_t run = text_.find_first_of("\"\\", at_);
      const std::size_t end = run == std::string_view::npos ? text_.size() : run;
      while (at_ < end) {
        const std::size_t length = utf8_sequence_length(text_.substr(at_));
        if (length == 0) {
          return fail(at_, "invalid UTF-8 in a string; save the document as UTF-8");
        }
        if (static_cast<unsigned char>(peek()) < 0x20) {
          return fail(at_, "a string must not hold a control character or a line break; write \\n");
        }
        decoded += text_.substr(at_, length);
        at_ += length;
      }
      if (done()) {
        return fail(at_, "the document ends inside a string");
      }
      if (peek() == '"') {
        ++at_;
        return decoded;
      }
      TRY(escape(decoded));
    }
  }

  Result<void> escape(std::string& decoded) {
    const std::size_t start = at_;
    ++at_;
    const char kind = peek();
    constexpr std::string_view marks = "\"\\/bfnrt";
    constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
    const std::size_t simple = done() ? std::string_view::npos : marks.find(kind);
    if (simple != std::string_view::npos) {
      ++at_;
      decoded += meanings[simple];
      return {};
    }
    if (kind != 'u') {
      return fail(start, "\"\\\" must be followed by one of \"\\/bfnrtu; write \\\\ for a backslash");
    }
    std::uint32_t code = TRY(hex4());
    if (code >= 0xD800 && code <= 0xDBFF) {
      if (text_.substr(at_, 2) != "\\u") {
        return fail(start, "a lone surrogate: the second half of the pair is missing");
      }
      ++at_;
      const std::uint32_t low = TRY(hex4());
      if (low < 0xDC00 || low > 0xDFFF) {
        return fail(start, "a lone surrogate: the second half of the pair is not one");
      }
      code = 0x10000 + ((code - 0xD800) << 10U) + (low - 0xDC00);
    } else if (code >= 0xDC00 && code <= 0xDFFF) {
      return fail(start, "a lone surrogate: the first half of the pair is missing");
    }
    append_utf8(decoded, code);
    return {};
  }

  // At "u": takes it and four hex digits.
  Result<std::uint32_t> hex4() {
    ++at_;
    const std::string_view digits = text_.substr(std::min(at_, text_.size()), 4);
    std::uint32_t code = 0;
    const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), code, 16);
    if (digits.size() != 4 || parsed.ptr != digits.data() + 4) {
      return fail(at_, "\"\\u\" must be followed by four hex digits");
    }
    at_ += 4;
    return code;
  }

  static void append_utf8(std::string& text, std::uint32_t code) {
    const auto put = [&](std::uint32_t byte) { text += static_cast<char>(byte); };
    if (code < 0x80) {
      put(code);
    } else if (code < 0x800) {
      put(0xC0U | code >> 6U);
      put(0x80U | (code & 0x3FU));
    } else if (code < 0x10000) {
      put(0xE0U | code >> 12U);
      put(0x80U | (code >> 6U & 0x3FU));
      put(0x80U | (code & 0x3FU));
    } else {
      put(0xF0U | code >> 18U);
      put(0x80U | (code >> 12U & 0x3FU));
      put(0x80U | (code >> 6U & 0x3FU));
      put(0x80U | (code & 0x3FU));
    }
  }

  const Document& document_;
  std::string_view text_;
  std::size_t at_ = 0;
};

nlohmann::ordered_json to_library(const Value& value) {
  using Json = nlohmann::ordered_json;
  switch (value.kind) {
    case Value::Kind::null:
      return nullptr;
    case Value::Kind::boolean:
      return value.boolean;
    case Value::Kind::integer:
      return value.integer;
    case Value::Kind::other_number:
    case Value::Kind::string:
      return value.string;
    case Value::Kind::array: {
      Json made = Json::array();
      for (const auto& item : value.items) {
        made.push_back(to_library(item));
      }
      return made;
    }
    case Value::Kind::object: {
      Json made = Json::object();
      for (const auto& member : value.members) {
        made[member.key] = to_library(member.value);
      }
      return made;
    }
  }
  return nullptr;
}

}  // namespace

Result<void> parse_json(Document& document) {
  document.set_root(TRY(Parser(document).document()));
  return {};
}

std::string write_json(const Value& value, Layout layout) {
  return to_library(value).dump(layout == Layout::indented ? 2 : -1, ' ', false,
                                nlohmann::ordered_json::error_handler_t::replace);
}

}  // namespace provision::fields
