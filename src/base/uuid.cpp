// SPDX-License-Identifier: Apache-2.0
#include "base/uuid.hpp"

#include <cstddef>

#include "base/digest.hpp"
#include "base/text.hpp"

namespace provision {

std::optional<Uuid> Uuid::parse(std::string_view text) {
  if (text.size() != 36) {
    return std::nullopt;
  }
  std::string lowered = lower_ascii(text);
  for (std::size_t i = 0; i < lowered.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    const char c = lowered[i];
    const bool hex = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
    if (dash ? c != '-' : !hex) {
      return std::nullopt;
    }
  }
  return Uuid(std::move(lowered));
}

Uuid Uuid::derive(const std::vector<std::string>& parts) {
  std::string framed = "provision-uuid-1";
  for (const auto& part : parts) {
    framed += ":" + std::to_string(part.size()) + ":" + part;
  }
  std::string hex = Digest::sha256(framed).hex().substr(0, 32);
  hex[12] = '8';                                 // version 8
  constexpr std::string_view variants = "89ab";  // variant 10xx
  const char c = hex[16];
  hex[16] = variants[static_cast<std::size_t>(c <= '9' ? c - '0' : c - 'a' + 10) & 3U];
  return Uuid(hex.substr(0, 8) + "-" + hex.substr(8, 4) + "-" + hex.substr(12, 4) + "-" + hex.substr(16, 4) + "-" +
              hex.substr(20, 12));
}

}  // namespace provision
