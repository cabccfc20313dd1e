// SPDX-License-Identifier: Apache-2.0
// JSON text (RFC 8259) to values with offsets, and back. Reading is strict: UTF-8 only, no byte order mark, no
// comments, no trailing commas or data, no lone surrogates, at most `max_depth` levels. A repeated key is kept, for the
// caller to judge.
#pragma once

#include <string>

#include "base/result.hpp"
#include "fields/document.hpp"

namespace provision::fields {

inline constexpr int max_depth = 128;
// Offsets are 32 bits wide.
inline constexpr std::size_t max_document_bytes = std::size_t{1} << 30U;

// Fills the document's root. The error (Code::bad_config) has the exact place of the first bad byte.
Result<void> parse_json(Document& document);

enum class Layout : std::uint8_t { compact, indented };
// Members in the order they stand; strings escaped as JSON asks; no final newline.
std::string write_json(const Value& value, Layout layout = Layout::compact);

}  // namespace provision::fields
