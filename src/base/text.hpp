// SPDX-License-Identifier: Apache-2.0
// Text: positions, UTF-8, and small string work.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"

namespace provision {

// Line and column, both from 1; the column counts UTF-8 code points, so that a caret stands under the right character.
struct Position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  bool operator==(const Position&) const = default;
};

// The starts of all lines of a text, and how many characters stand before each block of it: byte offsets become
// positions in O(log lines), also in a text that is one long line.
class LineIndex {
 public:
  explicit LineIndex(std::string_view text);
  // An offset beyond the end is the position just after the last byte.
  [[nodiscard]] Position position(std::string_view text, std::size_t offset) const;
  // The inverse: the byte at a position; a column beyond its line is the line's end.
  [[nodiscard]] std::size_t offset(std::string_view text, const Position& position) const;
  // The line's text without its end; empty for a line that does not exist.
  [[nodiscard]] std::string_view line(std::string_view text, std::uint32_t number) const;

 private:
  // Characters in the text before a byte.
  [[nodiscard]] std::size_t characters(std::string_view text, std::size_t offset) const;

  std::vector<std::size_t> starts_;
  std::vector<std::size_t> characters_before_block_;
};

// Bytes of the well-formed UTF-8 sequence at the start of `text`, or 0 if it is ill-formed (Unicode 15, table 3-7).
std::size_t utf8_sequence_length(std::string_view text);

std::vector<std::string_view> split(std::string_view text, char separator);
std::string_view trim(std::string_view text);
std::string lower_ascii(std::string_view text);
std::string join(const std::vector<std::string>& parts, std::string_view separator);

// Control characters (also DEL and C1 in UTF-8) are made visible, so that no input can drive a terminal.
std::string printable(std::string_view text);

// Bytes as people read them: "512 bytes", "1 MiB", "1.5 GiB"; one decimal where it is not whole.
std::string human_size(std::int64_t bytes);
// Characters of UTF-8, for alignment; what is double-wide or combining is off by one there.
std::size_t shown_width(std::string_view text);

// The number of edits between two words, of single characters or of two neighbours that changed places: for "did you
// mean".
std::size_t edit_distance(std::string_view a, std::string_view b);

// Standard base64 with padding (RFC 4648 section 4).
std::string base64_encode(std::string_view bytes);
// The same, with line breaks and blanks anywhere. Code::bad_contents names the first byte that is wrong.
Result<std::string> base64_decode(std::string_view text);

}  // namespace provision
