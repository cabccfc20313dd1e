// SPDX-License-Identifier: Apache-2.0
#include "spec/data_url.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/text.hpp"

namespace provision::spec {
namespace {

constexpr std::array<std::string_view, 9> types{"text",    "image",     "audio", "video", "application",
                                                "message", "multipart", "x-",    "X-"};

Error bad(std::string what) { return {Code::bad_config, std::move(what)}; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lowered = lower_ascii(std::string_view(&c, 1)).front();
  return lowered >= 'a' && lowered <= 'f' ? lowered - 'a' + 10 : -1;
}

// A value for each byte, looked up for every byte of every inline file.
template <class Of>
constexpr auto table_of(Of of) {
  std::array<decltype(of(char{})), 256> table{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = of(static_cast<char>(static_cast<unsigned char>(i)));
  }
  return table;
}

// The characters that may stand unescaped in the data: printable ASCII without those RFC 3986 leaves to escapes.
constexpr auto plain_characters = table_of([](char c) {
  constexpr std::string_view refused = " \"#<>\\^`{|}[]%";
  return c > 0x20 && c < 0x7F && refused.find(c) == std::string_view::npos;
});

bool may_stand_plain(char c) { return plain_characters[static_cast<unsigned char>(c)]; }

// What stands from `at` on up to the next character that cannot stand for itself.
std::string_view plain_run(std::string_view data, std::size_t at) {
  const auto* const end = std::find_if_not(data.begin() + at, data.end(), may_stand_plain);
  return data.substr(at, static_cast<std::size_t>(end - data.begin()) - at);
}

Result<std::string> decode_plain(std::string_view data) {
  std::string bytes;
  for (std::size_t i = 0; i < data.size();) {
    const std::string_view run = plain_run(data, i);
    bytes += run;
    i += run.size();
    if (i == data.size()) {
      break;
    }
    if (data[i] != '%') {
      return bad("the data URL has a character at byte " + std::to_string(i) +
                 " of its data that must be escaped as %XX");
    }
    const int high = i + 1 < data.size() ? hex_digit(data[i + 1]) : -1;
    const int low = i + 2 < data.size() ? hex_digit(data[i + 2]) : -1;
    if (high < 0 || low < 0) {
      return bad("the data URL has a \"%\" without two hex digits at byte " + std::to_string(i) + " of its data");
    }
    bytes += static_cast<char>(high * 16 + low);
    i += 3;
  }
  return bytes;
}

constexpr std::uint32_t no_digit = 64;
constexpr auto base64_digits = table_of([](char c) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t index = alphabet.find(c);
  return index == std::string_view::npos ? no_digit : static_cast<std::uint32_t>(index);
});

std::uint32_t base64_digit(char c) { return base64_digits[static_cast<unsigned char>(c)]; }

// Writes the three bytes of a group to `to`.
void put_group(char* to, std::uint32_t group) {
  to[0] = static_cast<char>(group >> 16U & 0xFFU);
  to[1] = static_cast<char>(group >> 8U & 0xFFU);
  to[2] = static_cast<char>(group & 0xFFU);
}

// Decodes whole groups of four digits from the start of `data`, and says how many characters that were. Most of the
// time that checking a config takes goes here.
std::size_t decode_whole_groups(std::string_view data, std::string& bytes) {
  bytes.resize(data.size() / 4 * 3);
  char* to = bytes.data();
  const char* from = data.data();
  const char* const end = from + data.size() / 4 * 4;
  for (; from != end; from += 4, to += 3) {
    const std::uint32_t a = base64_digit(from[0]);
    const std::uint32_t b = base64_digit(from[1]);
    const std::uint32_t c = base64_digit(from[2]);
    const std::uint32_t d = base64_digit(from[3]);
    if ((a | b | c | d) >= no_digit) {
      break;
    }
    put_group(to, a << 18U | b << 12U | c << 6U | d);
  }
  bytes.resize(static_cast<std::size_t>(to - bytes.data()));
  return static_cast<std::size_t>(from - data.data());
}

Result<std::string> decode_base64(std::string_view data) {
  std::string bytes;
  std::uint32_t group = 0;
  std::size_t count = 0;
  std::size_t padding = 0;
  for (std::size_t i = decode_whole_groups(data, bytes); i < data.size(); ++i) {
    const char c = data[i];
    if (c == '\n' || c == '\r') {
      continue;
    }
    const std::uint32_t digit = base64_digit(c);
    if (c == '=' && count >= 2) {
      ++padding;
    } else if (digit == no_digit || padding > 0) {
      return bad("the data URL is not valid base64 at byte " + std::to_string(i) + " of its data");
    }
    group = group << 6U | digit % no_digit;
    if (++count == 4) {
      std::array<char, 3> three{};
      put_group(three.data(), group);
      bytes.append(three.data(), three.size() - padding);
      count = 0;
      group = 0;
      if (padding > 0 && !trim(data.substr(i + 1)).empty()) {
        return bad("the data URL has more base64 after its padding");
      }
    }
  }
  if (count != 0) {
    return bad("the base64 of the data URL is cut off, or its padding (\"=\") is missing");
  }
  return bytes;
}

// Of the types only the beginning is looked at, as others do.
bool is_media_type(std::string_view type) {
  return std::any_of(types.begin(), types.end(), [&](std::string_view known) { return type.starts_with(known); });
}

// RFC 2045: printable ASCII without the marks that have a meaning here.
std::string_view take_token(std::string_view& rest) {
  const auto* const end = std::find_if_not(rest.begin(), rest.end(), [](char c) {
    constexpr std::string_view marks = "()<>@,;:\\\"/[]?=";
    return c > 0x20 && c < 0x7F && marks.find(c) == std::string_view::npos;
  });
  const std::string_view token = rest.substr(0, static_cast<std::size_t>(end - rest.begin()));
  rest.remove_prefix(token.size());
  return token;
}

bool take(std::string_view& rest, char mark) {
  const bool there = rest.starts_with(mark);
  rest.remove_prefix(there ? 1 : 0);
  return there;
}

// The number that so many digits of the base are; nothing if there are fewer.
std::optional<std::uint32_t> take_digits(std::string_view& rest, std::size_t count, int base) {
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < count; ++i) {
    const int digit = i < rest.size() ? hex_digit(rest[i]) : -1;
    if (digit < 0 || digit >= base) {
      return std::nullopt;
    }
    number = number * static_cast<std::uint32_t>(base) + static_cast<std::uint32_t>(digit);
  }
  rest.remove_prefix(count);
  return number;
}

// What follows a backslash in a quoted value is an escape of Go's.
bool take_escape(std::string_view& rest) {
  const char kind = rest.empty() ? '\0' : rest.front();
  if (hex_digit(kind) >= 0 && hex_digit(kind) < 8) {
    const auto byte = take_digits(rest, 3, 8);
    return byte && *byte <= 0xFF;
  }
  rest.remove_prefix(rest.empty() ? 0 : 1);
  if (kind == 'x') {
    return take_digits(rest, 2, 16).has_value();
  }
  if (kind == 'u' || kind == 'U') {
    const auto code = take_digits(rest, kind == 'u' ? 4 : 8, 16);
    return code && *code <= 0x10FFFF && (*code < 0xD800 || *code > 0xDFFF);
  }
  return kind != '\0' && std::string_view("abfnrtv\\\"").find(kind) != std::string_view::npos;
}

bool take_quoted(std::string_view& rest) {
  while (!rest.empty()) {
    const char c = rest.front();
    rest.remove_prefix(1);
    if (c == '"') {
      return true;
    }
    if (c < 0x20 || c >= 0x7F || (c == '\\' && !take_escape(rest))) {
      return false;
    }
  }
  return false;
}

bool take_value(std::string_view& rest) {
  if (take(rest, '"')) {
    return take_quoted(rest);
  }
  const std::string_view value = take_token(rest);
  for (std::size_t i = value.find('%'); i != std::string_view::npos; i = value.find('%', i + 1)) {
    std::string_view escape = value.substr(i + 1);
    if (!take_digits(escape, 2, 16)) {
      return false;
    }
  }
  return !value.empty();
}

// Reads up to the data: what stands before the comma, and the comma. Says whether the data is base64.
Result<bool> take_header(std::string_view& rest) {
  if (!rest.starts_with(';') && !rest.starts_with(',')) {
    const std::string_view type = take_token(rest);
    if (!is_media_type(type) || !take(rest, '/')) {
      return bad(rest.find(',') == std::string_view::npos ? "the data URL has no \",\" before its data"
                                                          : "the data URL's media type is not one");
    }
    take_token(rest);
  }
  while (take(rest, ';')) {
    const std::string_view name = take_token(rest);
    if (name == "base64" && take(rest, ',')) {
      return true;
    }
    if (name.empty() || !take(rest, '=') || !take_value(rest)) {
      return bad(
          "the data URL has a parameter that is not \"name=value\"; \"base64\" stands last and in small letters");
    }
  }
  if (!take(rest, ',')) {
    return bad(rest.find(',') == std::string_view::npos
                   ? "the data URL has no \",\" before its data"
                   : "the data URL has a character before its \",\" that must not stand there");
  }
  return false;
}

}  // namespace

Result<std::string> decode_data_url(std::string_view url) {
  constexpr std::string_view scheme = "data:";
  if (!url.starts_with(scheme)) {
    return bad("not a data URL");
  }
  std::string_view rest = url.substr(scheme.size());
  const bool base64 = TRY(take_header(rest));
  return base64 ? decode_base64(rest) : decode_plain(rest);
}

}  // namespace provision::spec
