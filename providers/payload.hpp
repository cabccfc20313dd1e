// SPDX-License-Identifier: Apache-2.0
// What user-data is wrapped in, and what it is when it is not ours.
#pragma once

#include <cstdint>
#include <string>

#include "providers/provider.hpp"

namespace provision::providers {

enum class Coding : std::uint8_t { raw, base64 };

// The largest user-data of any platform is 1 MiB (VMware); this is for what it unpacks to as well.
inline constexpr std::size_t max_user_data = std::size_t{16} << 20U;

// Takes the platform's own coding off, base64 where what is in it is known by its beginning, NULs from the end, and
// gzip or zstd where the bytes say that they are (RFC 1952, RFC 8878: no JSON begins so). None where nothing is left,
// or where it is another program's: a cloud-config, a script, a MIME message. Code::config_unavailable where it cannot
// be read.
Result<Outcome> unwrap(std::string bytes, Coding coding, const std::string& document);

// An HTML page is no user-data of any platform: a proxy or a captive portal answers in its place.
bool is_html(std::string_view bytes);

}  // namespace provision::providers
