// SPDX-License-Identifier: Apache-2.0
#include "spec/unit_file.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace provision::spec {
namespace {

// White space as Unicode has it: the code point, and its length in UTF-8.
struct Rune {
  char32_t code = 0;
  std::size_t length = 1;
};

Rune rune_at(std::string_view text) {
  const std::size_t length = std::max<std::size_t>(utf8_sequence_length(text), 1);
  const auto byte = [&](std::size_t i) { return static_cast<char32_t>(static_cast<unsigned char>(text[i])); };
  if (length == 1) {
    return {byte(0), 1};
  }
  char32_t code = byte(0) & (0x7FU >> length);
  for (std::size_t i = 1; i < length; ++i) {
    code = code << 6U | (byte(i) & 0x3FU);
  }
  return {code, length};
}

bool is_space(char32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

bool is_blank(std::string_view text) {
  while (!text.empty()) {
    const Rune rune = rune_at(text);
    if (!is_space(rune.code)) {
      return false;
    }
    text.remove_prefix(rune.length);
  }
  return true;
}

// Reads as the validator does. It judges long lines by what its read buffer happens to hold, so the buffer is followed
// too: `loaded_` is the end of what the buffer has.
class Lexer {
 public:
  explicit Lexer(std::string_view text) : text_(text) {}

  Result<UnitFile> run() {
    while (true) {
      TRY(check_line_length());
      if (!load()) {
        return std::move(file_);
      }
      TRY(step());
    }
  }

 private:
  static constexpr std::size_t buffer_size = 4096;
  static constexpr std::size_t max_line = 2048;

  [[nodiscard]] Error bad(std::string what) const {
    const auto line = 1 + std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(at_), '\n');
    return {Code::bad_config, std::move(what) + " in line " + std::to_string(line) + " of the unit file"};
  }

  Result<void> check_line_length() const {
    const bool judged = loaded_ - at_ >= max_line;
    if (judged && text_.substr(at_, max_line).find_first_of("\r\n") == std::string_view::npos) {
      return bad("there are more than 2047 characters without a line break");
    }
    return {};
  }

  // Makes the character at hand available; false at the end.
  bool load() {
    if (loaded_ - at_ < utf8_sequence_length(text_.substr(at_)) || loaded_ == at_) {
      loaded_ = std::min(text_.size(), at_ + buffer_size);
    }
    return at_ < text_.size();
  }

  // What stands before the mark; reads past it. `found` is false if the text ends before.
  std::string_view read_to(char mark, bool& found) {
    const std::size_t start = at_;
    std::size_t fragment = at_;
    while (true) {
      const std::size_t next = text_.substr(0, loaded_).find(mark, fragment);
      found = next != std::string_view::npos;
      if (found || loaded_ == text_.size()) {
        at_ = found ? next + 1 : text_.size();
        return text_.substr(start, (found ? next : text_.size()) - start);
      }
      if (loaded_ - fragment >= buffer_size) {
        fragment = loaded_;
      }
      loaded_ = std::min(text_.size(), fragment + buffer_size);
    }
  }

  std::string_view line() {
    bool found = false;
    return read_to('\n', found);
  }

  Result<void> step() {
    const Rune rune = rune_at(text_.substr(at_));
    if (rune.code == '[') {
      ++at_;
      return section();
    }
    if (rune.code == '#' || rune.code == ';') {
      ++at_;
      return comment();
    }
    // What stands before the first section is not looked at.
    if (!in_section_ || is_space(rune.code)) {
      at_ += rune.length;
      return {};
    }
    return option();
  }

  Result<void> section() {
    TRY(check_line_length());
    bool found = false;
    const std::string_view name = read_to(']', found);
    if (!found) {
      return bad("a section name has no \"]\"");
    }
    TRY(check_line_length());
    const std::size_t start = at_;
    if (!is_blank(line())) {
      at_ = start;
      return bad("there is text behind a section name");
    }
    section_ = std::string(name);
    in_section_ = true;
    return {};
  }

  Result<void> comment() {
    TRY(check_line_length());
    while (true) {
      std::string_view text = line();
      if (text.ends_with(' ')) {
        text.remove_suffix(1);
      }
      if (!text.ends_with('\\')) {
        return {};
      }
    }
  }

  Result<void> option() {
    TRY(check_line_length());
    while (load() && text_[at_] != '=') {
      if (text_[at_] == '\n' || text_[at_] == '\r') {
        return bad("an option has no \"=\"");
      }
      at_ += rune_at(text_.substr(at_)).length;
    }
    if (at_ >= text_.size()) {
      return bad("an option has no \"=\"");
    }
    ++at_;
    file_.sections.insert(section_);
    TRY(check_line_length());
    while (true) {
      const std::string_view value = line();
      if (is_blank(value) || !value.ends_with('\\')) {
        return {};
      }
      TRY(check_line_length());
    }
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::size_t loaded_ = 0;
  bool in_section_ = false;
  std::string section_;
  UnitFile file_;
};

}  // namespace

Result<UnitFile> read_unit_file(std::string_view contents) { return Lexer(contents).run(); }

}  // namespace provision::spec
