// SPDX-License-Identifier: Apache-2.0
#include "spec/data_url.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <optional>

#include "base/text.hpp"

namespace provision::spec {
namespace {

constexpr std::array<std::string_view, 7> types{"text",        "image",   "audio",    "video",
                                                "application", "message", "multipart"};

Error bad(std::string what) { return {Code::bad_config, std::move(what)}; }

int hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  const char lowered = lower_ascii(std::string_view(&c, 1)).front();
  return lowered >= 'a' && lowered <= 'f' ? lowered - 'a' + 10 : -1;
}

// The characters that may stand unescaped in the data: printable ASCII without those RFC 3986 leaves to escapes.
bool may_stand_plain(char c) {
  constexpr std::string_view refused = " \"#<>\\^`{|}[]%";
  return c > 0x20 && c < 0x7F && refused.find(c) == std::string_view::npos;
}

Result<std::string> decode_plain(std::string_view data) {
  std::string bytes;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (data[i] == '%') {
      const int high = i + 1 < data.size() ? hex_digit(data[i + 1]) : -1;
      const int low = i + 2 < data.size() ? hex_digit(data[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return bad("the data URL has a \"%\" without two hex digits at byte " + std::to_string(i) + " of its data");
      }
      bytes += static_cast<char>(high * 16 + low);
      i += 2;
    } else if (may_stand_plain(data[i])) {
      bytes += data[i];
    } else {
      return bad("the data URL has a character at byte " + std::to_string(i) +
                 " of its data that must be escaped as %XX");
    }
  }
  return bytes;
}

int base64_digit(char c) {
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t index = alphabet.find(c);
  return index == std::string_view::npos ? -1 : static_cast<int>(index);
}

Result<std::string> decode_base64(std::string_view data) {
  std::string bytes;
  std::uint32_t group = 0;
  std::size_t count = 0;
  std::size_t padding = 0;
  for (std::size_t i = 0; i < data.size(); ++i) {
    const char c = data[i];
    if (c == '\n' || c == '\r') {
      continue;
    }
    const int digit = base64_digit(c);
    if (c == '=' && count >= 2) {
      ++padding;
    } else if (digit < 0 || padding > 0) {
      return bad("the data URL is not valid base64 at byte " + std::to_string(i) + " of its data");
    }
    group = group << 6U | static_cast<std::uint32_t>(std::max(digit, 0));
    if (++count == 4) {
      for (std::size_t k = 0; k < 3 - padding; ++k) {
        bytes += static_cast<char>(group >> (16U - 8U * static_cast<unsigned>(k)) & 0xFFU);
      }
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

bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    constexpr std::string_view others = "!#$&^_.+-";
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           others.find(c) != std::string_view::npos;
  });
}

bool is_media_type(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos || !is_token(text.substr(slash + 1))) {
    return false;
  }
  const std::string type = lower_ascii(text.substr(0, slash));
  return std::find(types.begin(), types.end(), type) != types.end() || (type.starts_with("x-") && is_token(type));
}

// The position of the comma that ends the header: the first one outside a quoted parameter value.
std::optional<std::size_t> header_end(std::string_view rest) {
  bool quoted = false;
  for (std::size_t i = 0; i < rest.size(); ++i) {
    if (rest[i] == '"') {
      quoted = !quoted;
    } else if (rest[i] == '\\' && quoted) {
      ++i;
    } else if (rest[i] == ',' && !quoted) {
      return i;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<std::string> decode_data_url(std::string_view url) {
  constexpr std::string_view scheme = "data:";
  if (!url.starts_with(scheme)) {
    return bad("not a data URL");
  }
  const std::string_view rest = url.substr(scheme.size());
  const auto comma = header_end(rest);
  if (!comma) {
    return bad("the data URL has no \",\" before its data");
  }
  std::string_view header = rest.substr(0, *comma);
  const std::string_view data = rest.substr(*comma + 1);
  const bool base64 = header == ";base64" || header.ends_with(";base64");
  if (base64) {
    header.remove_suffix(std::string_view(";base64").size());
  }
  const auto parts = split(header, ';');
  if (!parts.front().empty() && !is_media_type(parts.front())) {
    return bad("the data URL's media type is not one");
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const std::size_t equals = parts[i].find('=');
    if (equals == std::string_view::npos || !is_token(parts[i].substr(0, equals))) {
      return bad(
          "the data URL has a parameter that is not \"name=value\"; \"base64\" stands last and in small letters");
    }
  }
  return base64 ? decode_base64(data) : decode_plain(data);
}

}  // namespace provision::spec
