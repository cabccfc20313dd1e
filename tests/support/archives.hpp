// SPDX-License-Identifier: Apache-2.0
// Tar archives as a test wants them, also such as no program writes.
#pragma once

#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

namespace provision::test {

struct TarItem {
  // As in the header: '0' a file, '1' a hard link, '2' a symbolic one, '5' a directory, 'x' a pax header, …
  char type = '0';
  std::string name;
  std::string content{};
  std::string link{};
  unsigned mode = 0644;
};

inline std::string padded(std::string text) {
  text.resize((text.size() + 511) / 512 * 512);
  return text;
}

inline std::string octal_field(std::size_t number, std::size_t size) {
  std::string digits(32, '\0');
  const int count = std::snprintf(digits.data(), digits.size(), "%0*zo", static_cast<int>(size - 1), number);
  digits.resize(static_cast<std::size_t>(count));
  digits.resize(size);
  return digits;
}

// With the sum that is right for it.
inline std::string summed(std::string header) {
  header.replace(148, 8, 8, ' ');
  std::size_t sum = 0;
  for (const char byte : header) {
    sum += static_cast<unsigned char>(byte);
  }
  return header.replace(148, 7, octal_field(sum, 7));
}

inline std::string tar_entry(const TarItem& item) {
  std::string header(512, '\0');
  const auto put = [&](std::size_t at, const std::string& text) { header.replace(at, text.size(), text); };
  put(0, item.name.substr(0, 100));
  put(100, octal_field(item.mode, 8));
  put(108, octal_field(1000, 8));
  put(116, octal_field(1000, 8));
  put(124, octal_field(item.content.size(), 12));
  put(136, octal_field(1, 12));
  put(156, std::string(1, item.type));
  put(157, item.link.substr(0, 100));
  put(257, std::string("ustar\00000", 8));
  return summed(header) + padded(item.content);
}

inline std::string tar_of(const std::vector<TarItem>& items) {
  std::string bytes;
  for (const auto& item : items) {
    bytes += tar_entry(item);
  }
  return bytes + std::string(1024, '\0');
}

// "27 path=a/very/long/name\n": the length counts itself.
inline std::string pax_record(const std::string& key, const std::string& value) {
  const std::size_t rest = key.size() + value.size() + 3;
  std::size_t length = rest + 1;
  while (std::to_string(length).size() + rest != length) {
    ++length;
  }
  return std::to_string(length) + " " + key + "=" + value + "\n";
}

inline std::string base64(std::string_view bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    unsigned three = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      three = three << 8U | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text += at + i <= bytes.size() ? digits[three >> (18 - 6 * i) & 63U] : '=';
    }
  }
  return text;
}

}  // namespace provision::test
