// SPDX-License-Identifier: Apache-2.0
#include "fields/json.hpp"

#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/unicode.hpp"

namespace provision::fields {
namespace {

class Parser {
 public:
  explicit Parser(const Document& document) : document_(document), text_(document.text()) {}

  Result<Value> document() {
    Value root;
    TRY(document_into(root));
    return root;
  }

 private:
  Result<void> document_into(Value& root) {
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
    TRY(value(root, 0));
    skip_white();
    if (!done()) {
      return fail(at_, "there is more text after the end of the JSON value");
    }
    return {};
  }

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

  // Values are filled where they stand: handing each up through two results would be most of the time.
  Result<void> value(Value& into, int depth) {
    if (depth > max_depth) {
      return fail(at_, "values are nested more than " + std::to_string(max_depth) + " levels deep");
    }
    into.at = static_cast<std::uint32_t>(at_);
    TRY(value_unplaced(into, depth));
    into.end = static_cast<std::uint32_t>(at_);
    return {};
  }

  Result<void> value_unplaced(Value& into, int depth) {
    switch (peek()) {
      case '{':
        return object(into, depth);
      case '[':
        return array(into, depth);
      case '"':
        into.kind = Value::Kind::string;
        return string(into.string);
      case 't':
        into.kind = Value::Kind::boolean;
        into.boolean = true;
        return word("true");
      case 'f':
        into.kind = Value::Kind::boolean;
        return word("false");
      case 'n':
        return word("null");
      default:
        return number(into);
    }
  }

  Result<void> word(std::string_view expected) {
    for (const char wanted : expected) {
      if (peek() != wanted) {
        return fail(at_, "expected a value, found " + here() + "; strings stand in double quotes");
      }
      ++at_;
    }
    return {};
  }

  Result<void> object(Value& into, int depth) {
    into.kind = Value::Kind::object;
    const std::size_t first = members_.size();
    ++at_;
    skip_white();
    if (peek() == '}') {
      ++at_;
      return {};
    }
    for (bool ended = false; !ended;) {
      Member member;
      TRY(key(member));
      TRY(value(member.value, depth + 1));
      members_.push_back(std::move(member));
      ended = TRY(separator('}'));
    }
    move_tail(members_, first, into.members);
    return {};
  }

  // The key, the colon, and the white space behind it.
  Result<void> key(Member& member) {
    if (peek() != '"') {
      const bool comma_before_end = peek() == '}';
      return fail(at_, comma_before_end ? "a comma before \"}\" is not allowed"
                                        : "expected a key in double quotes, found " + here());
    }
    member.key_at = static_cast<std::uint32_t>(at_);
    TRY(string(member.key));
    skip_white();
    if (peek() != ':') {
      return fail(at_, "expected \":\" after the key \"" + printable(member.key) + "\", found " + here());
    }
    ++at_;
    skip_white();
    return {};
  }

  Result<void> array(Value& into, int depth) {
    into.kind = Value::Kind::array;
    const std::size_t first = items_.size();
    ++at_;
    skip_white();
    if (peek() == ']') {
      ++at_;
      return {};
    }
    for (bool ended = false; !ended;) {
      if (peek() == ']') {
        return fail(at_, "a comma before \"]\" is not allowed");
      }
      Value item;
      TRY(value(item, depth + 1));
      items_.push_back(std::move(item));
      ended = TRY(separator(']'));
    }
    move_tail(items_, first, into.items);
    return {};
  }

  // The parts from number `first` on become a vector that is no larger than it must be.
  template <class Part>
  static void move_tail(std::vector<Part>& from, std::size_t first, std::vector<Part>& into) {
    const auto begin = from.begin() + static_cast<std::ptrdiff_t>(first);
    into.assign(std::make_move_iterator(begin), std::make_move_iterator(from.end()));
    from.erase(begin, from.end());
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

  Result<void> number(Value& into) {
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
    const std::string_view text = text_.substr(start, at_ - start);
    const auto parsed = std::from_chars(text.data(), text.data() + text.size(), into.integer);
    const bool fits = whole && parsed.ec == std::errc{};
    into.kind = fits ? Value::Kind::integer : Value::Kind::other_number;
    into.string = fits ? HeldText{} : HeldText::piece(text);
    return {};
  }

  Result<void> string(HeldText& into) {
    const std::size_t start = ++at_;
    TRY(run());
    if (peek() == '"') {
      into = HeldText::piece(text_.substr(start, at_ - start));
      ++at_;
      return {};
    }
    std::string decoded(text_.substr(start, at_ - start));
    while (peek() != '"') {
      TRY(escape(decoded));
      const std::size_t from = at_;
      TRY(run());
      decoded += text_.substr(from, at_ - from);
    }
    ++at_;
    into = HeldText(decoded);
    return {};
  }

  // Goes on to the quote or backslash that ends a run of characters that stand for themselves.
  Result<void> run() {
    while (true) {
      while (!done() && stands_plain(text_[at_])) {
        ++at_;
      }
      if (done()) {
        return fail(at_, "the document ends inside a string");
      }
      if (peek() == '"' || peek() == '\\') {
        return {};
      }
      if (static_cast<unsigned char>(peek()) < 0x20) {
        return fail(at_, "a string must not hold a control character or a line break; write \\n");
      }
      const std::size_t length = utf8_sequence_length(text_.substr(at_));
      if (length == 0) {
        return fail(at_, "invalid UTF-8 in a string; save the document as UTF-8");
      }
      at_ += length;
    }
  }

  static bool stands_plain(char c) {
    return c >= 0x20 && c != '"' && c != '\\' && static_cast<unsigned char>(c) < 0x80;
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

  const Document& document_;
  std::string_view text_;
  std::size_t at_ = 0;
  // The parts of objects and arrays that have not ended yet, the innermost last.
  std::vector<Member> members_;
  std::vector<Value> items_;
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
      return value.string.str();
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
        made[member.key.str()] = to_library(member.value);
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
