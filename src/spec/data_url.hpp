// SPDX-License-Identifier: Apache-2.0
// data: URLs (RFC 2397), as strict as the spec's validator: see decode_data_url.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"

namespace provision::spec {

// The bytes of a data: URL. Refused are what other engines refuse too: a missing comma, "base64" in other letters or
// not directly before the comma, characters that must be escaped, base64 without padding or of the URL alphabet. The
// error (Code::bad_config) never quotes the data.
Result<std::string> decode_data_url(std::string_view url);

}  // namespace provision::spec
