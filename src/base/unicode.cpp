// SPDX-License-Identifier: Apache-2.0
#include "base/unicode.hpp"

namespace provision {
namespace {

constexpr std::uint32_t replacement = 0xFFFD;

bool is_first_half(std::uint32_t unit) { return unit >= 0xD800 && unit <= 0xDBFF; }
bool is_second_half(std::uint32_t unit) { return unit >= 0xDC00 && unit <= 0xDFFF; }

std::uint32_t unit_at(std::string_view bytes, std::size_t at) {
  const auto byte = [&](std::size_t i) { return std::uint32_t{static_cast<unsigned char>(bytes[i])}; };
  return byte(at) | byte(at + 1) << 8U;
}

}  // namespace

void append_utf8(std::string& text, std::uint32_t code) {
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

std::string utf8_of_utf16_le(std::string_view bytes) {
  std::string text;
  for (std::size_t at = 0; at + 1 < bytes.size() && unit_at(bytes, at) != 0; at += 2) {
    const std::uint32_t unit = unit_at(bytes, at);
    const std::uint32_t next = at + 3 < bytes.size() ? unit_at(bytes, at + 2) : 0;
    if (is_first_half(unit) && is_second_half(next)) {
      append_utf8(text, 0x10000 + ((unit - 0xD800) << 10U) + (next - 0xDC00));
      at += 2;
    } else {
      append_utf8(text, is_first_half(unit) || is_second_half(unit) ? replacement : unit);
    }
  }
  return text;
}

}  // namespace provision
