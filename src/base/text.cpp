// SPDX-License-Identifier: Apache-2.0
#include "base/text.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>

namespace provision {

namespace {

constexpr std::size_t block_bytes = 4096;

// Bytes that begin a character: all but the continuation bytes 10xxxxxx.
std::size_t count_characters(std::string_view text) {
  constexpr std::uint64_t ones = 0x0101010101010101;
  std::size_t continuations = 0;
  std::size_t at = 0;
  for (; at + sizeof(std::uint64_t) <= text.size(); at += sizeof(std::uint64_t)) {
    std::uint64_t word = 0;
    std::memcpy(&word, text.data() + at, sizeof(word));
    // Each such byte is 1 in its place; the product sums the eight of them in its highest byte.
    continuations += ((word >> 7U & ~word >> 6U & ones) * ones) >> 56U;
  }
  for (; at < text.size(); ++at) {
    const bool continuation = (static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U;
    continuations += continuation ? 1 : 0;
  }
  return text.size() - continuations;
}

}  // namespace

LineIndex::LineIndex(std::string_view text) {
  starts_.push_back(0);
  for (std::size_t at = text.find('\n'); at != std::string_view::npos; at = text.find('\n', at + 1)) {
    starts_.push_back(at + 1);
  }
  characters_before_block_.reserve(text.size() / block_bytes + 1);
  characters_before_block_.push_back(0);
  for (std::size_t at = block_bytes; at <= text.size(); at += block_bytes) {
    characters_before_block_.push_back(characters_before_block_.back() +
                                       count_characters(text.substr(at - block_bytes, block_bytes)));
  }
}

std::size_t LineIndex::characters(std::string_view text, std::size_t offset) const {
  const std::size_t block = offset / block_bytes;
  return characters_before_block_[block] +
         count_characters(text.substr(block * block_bytes, offset - block * block_bytes));
}

Position LineIndex::position(std::string_view text, std::size_t offset) const {
  offset = std::min(offset, text.size());
  const auto next = std::upper_bound(starts_.begin(), starts_.end(), offset);
  const std::size_t index = static_cast<std::size_t>(next - starts_.begin()) - 1;
  const std::size_t column = characters(text, offset) - characters(text, starts_[index]) + 1;
  return {static_cast<std::uint32_t>(index + 1), static_cast<std::uint32_t>(column)};
}

std::size_t LineIndex::offset(std::string_view text, const Position& position) const {
  const std::string_view content = line(text, position.line);
  if (content.empty() || position.column == 0) {
    return position.line == 0 || position.line > starts_.size() ? text.size() : starts_[position.line - 1];
  }
  const std::size_t start = starts_[position.line - 1];
  // The character that is sought is the one with so many before it, counted from the text's start.
  const std::size_t wanted = characters(text, start) + position.column - 1;
  const auto after = std::upper_bound(characters_before_block_.begin(), characters_before_block_.end(), wanted);
  const auto block = static_cast<std::size_t>(after - characters_before_block_.begin()) - 1;
  std::size_t at = std::max(block * block_bytes, start);
  std::size_t before = characters(text, at);
  for (; at < start + content.size(); ++at) {
    const bool begins = (static_cast<unsigned char>(text[at]) & 0xC0U) != 0x80U;
    if (begins && before == wanted) {
      break;
    }
    before += begins ? 1 : 0;
  }
  return std::min(at, start + content.size());
}

std::string_view LineIndex::line(std::string_view text, std::uint32_t number) const {
  if (number == 0 || number > starts_.size()) {
    return {};
  }
  const std::size_t start = starts_[number - 1];
  std::size_t end = number < starts_.size() ? starts_[number] - 1 : text.size();
  if (end > start && text[end - 1] == '\r') {
    --end;
  }
  return text.substr(start, end - start);
}

std::size_t utf8_sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto tail = [&](std::size_t i, unsigned low = 0x80, unsigned high = 0xBF) {
    return i < text.size() && byte(i) >= low && byte(i) <= high;
  };
  if (text.empty()) {
    return 0;
  }
  const unsigned first = byte(0);
  if (first < 0x80) {
    return 1;
  }
  if (first >= 0xC2 && first <= 0xDF) {
    return tail(1) ? 2 : 0;
  }
  if (first >= 0xE0 && first <= 0xEF) {
    const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
    const unsigned high = first == 0xED ? 0x9F : 0xBF;
    return tail(1, low, high) && tail(2) ? 3 : 0;
  }
  if (first >= 0xF0 && first <= 0xF4) {
    const unsigned low = first == 0xF0 ? 0x90 : 0x80;
    const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
    return tail(1, low, high) && tail(2) && tail(3) ? 4 : 0;
  }
  return 0;
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  std::size_t start = 0;
  while (true) {
    const std::size_t end = text.find(separator, start);
    if (end == std::string_view::npos) {
      parts.push_back(text.substr(start));
      return parts;
    }
    parts.push_back(text.substr(start, end - start));
    start = end + 1;
  }
}

std::string_view trim(std::string_view text) {
  constexpr std::string_view white = " \t\r\n";
  const std::size_t first = text.find_first_not_of(white);
  if (first == std::string_view::npos) {
    return {};
  }
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

std::string lower_ascii(std::string_view text) {
  std::string lowered(text);
  for (char& c : lowered) {
    if (c >= 'A' && c <= 'Z') {
      c = static_cast<char>(c - 'A' + 'a');
    }
  }
  return lowered;
}

std::string join(const std::vector<std::string>& parts, std::string_view separator) {
  std::string joined;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    joined += i == 0 ? std::string_view{} : separator;
    joined += parts[i];
  }
  return joined;
}

std::string printable(std::string_view text) {
  constexpr std::string_view hex = "0123456789abcdef";
  std::string shown;
  while (!text.empty()) {
    const std::size_t length = utf8_sequence_length(text);
    const auto byte = static_cast<unsigned char>(text.front());
    const bool c1 = length == 2 && byte == 0xC2 && static_cast<unsigned char>(text[1]) < 0xA0;
    const bool control = byte < 0x20 || byte == 0x7F || c1;
    if (length == 0 || control) {
      for (std::size_t i = 0; i < std::max<std::size_t>(length, 1); ++i) {
        const auto bad = static_cast<unsigned char>(text[i]);
        shown += bad == '\t' ? std::string(" ") : std::string("\\x") + hex[bad >> 4U] + hex[bad & 0xFU];
      }
    } else {
      shown += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return shown;
}

std::string human_size(std::int64_t bytes) {
  constexpr std::array<std::string_view, 6> units{"bytes", "KiB", "MiB", "GiB", "TiB", "PiB"};
  std::size_t unit = 0;
  std::int64_t one = 1;
  while (unit + 1 < units.size() && bytes >= one * 1024) {
    one *= 1024;
    ++unit;
  }
  // Rounded down: nothing is called larger than it is.
  const std::int64_t tenths = bytes / one * 10 + bytes % one * 10 / one;
  const std::string decimal = tenths % 10 != 0 ? "." + std::to_string(tenths % 10) : "";
  return std::to_string(tenths / 10) + decimal + " " + std::string(units.at(unit));
}

std::size_t edit_distance(std::string_view a, std::string_view b) {
  // The rows of the table for the last characters of `a`, the newest first.
  std::array<std::vector<std::size_t>, 3> rows;
  rows.fill(std::vector<std::size_t>(b.size() + 1));
  std::iota(rows[0].begin(), rows[0].end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::rotate(rows.begin(), rows.end() - 1, rows.end());
    rows[0][0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t other = a[i - 1] == b[j - 1] ? 0 : 1;
      rows[0][j] = std::min({rows[1][j - 1] + other, rows[1][j] + 1, rows[0][j - 1] + 1});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        rows[0][j] = std::min(rows[0][j], rows[2][j - 2] + 1);
      }
    }
  }
  return rows[0][b.size()];
}

namespace {

constexpr std::string_view base64_alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto at = [&](std::size_t k) {
      return i + k < bytes.size() ? static_cast<std::uint32_t>(static_cast<unsigned char>(bytes[i + k])) : 0U;
    };
    const std::uint32_t group = at(0) << 16U | at(1) << 8U | at(2);
    text += base64_alphabet[group >> 18U];
    text += base64_alphabet[group >> 12U & 63U];
    text += i + 1 < bytes.size() ? base64_alphabet[group >> 6U & 63U] : '=';
    text += i + 2 < bytes.size() ? base64_alphabet[group & 63U] : '=';
  }
  return text;
}

Result<std::string> base64_decode(std::string_view text) {
  const auto wrong = [](std::size_t at) {
    return Error(Code::bad_contents, "it is no base64 at byte " + std::to_string(at + 1));
  };
  std::string bytes;
  bytes.reserve(text.size() / 4 * 3);
  std::uint32_t group = 0;
  std::size_t digits = 0;
  std::size_t padding = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (std::string_view(" \t\r\n").find(text[i]) != std::string_view::npos) {
      continue;
    }
    const std::size_t value = base64_alphabet.find(text[i]);
    if (text[i] == '=' ? digits % 4 < 2 : value == std::string_view::npos || padding > 0) {
      return wrong(i);
    }
    padding += text[i] == '=' ? 1U : 0U;
    group = group << 6U | (text[i] == '=' ? 0U : static_cast<std::uint32_t>(value));
    if (++digits % 4 == 0) {
      for (std::size_t k = 0; k < 3 - padding; ++k) {
        bytes += static_cast<char>(group >> (16U - 8U * k) & 255U);
      }
    }
  }
  return digits % 4 == 0 ? Result<std::string>(std::move(bytes)) : wrong(text.size());
}

std::size_t shown_width(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

}  // namespace provision
