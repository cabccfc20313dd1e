// SPDX-License-Identifier: Apache-2.0
// The bytes of those resources that the config itself holds.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "spec/config.hpp"

namespace provision::spec {

// No source, an empty one, or a data: URL. Everything else is fetched.
bool is_inline(const Resource& resource);

// What a data: URL may unpack to. It is held in memory as a whole; a config that needs more fetches it.
inline constexpr std::uint64_t max_inline_bytes = std::uint64_t{1} << 30U;

// The bytes of an inline resource: decoded, unpacked to no more than `max_bytes`, and verified by the hash that the
// config gives. No source: no bytes. Code::bad_config otherwise; the error never quotes the bytes.
Result<std::string> inline_bytes(const Resource& resource, std::uint64_t max_bytes = max_inline_bytes);

}  // namespace provision::spec
