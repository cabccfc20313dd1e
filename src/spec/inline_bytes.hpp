// SPDX-License-Identifier: Apache-2.0
// The bytes of those resources that the config itself holds.
#pragma once

#include <string>

#include "base/result.hpp"
#include "spec/config.hpp"

namespace provision::spec {

// No source, an empty one, or a data: URL. Everything else is fetched.
bool is_inline(const Resource& resource);

// The bytes of an inline resource: decoded, unpacked, and verified by the hash that the config gives. No source: no
// bytes. Code::bad_config otherwise; the error never quotes the bytes.
Result<std::string> inline_bytes(const Resource& resource);

}  // namespace provision::spec
