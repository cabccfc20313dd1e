// SPDX-License-Identifier: Apache-2.0
// Text in the encodings that formats on disks and in documents have.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace provision {

// The code point as UTF-8; at most U+10FFFF, and no half of a surrogate pair.
void append_utf8(std::string& text, std::uint32_t code_point);

// UTF-16 in little-endian order, up to the first unit of zero, as UTF-8. A lone half of a surrogate pair, which is no
// text, becomes U+FFFD; half a unit at the end is left out.
std::string utf8_of_utf16_le(std::string_view bytes);

}  // namespace provision
