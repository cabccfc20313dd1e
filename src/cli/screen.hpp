// SPDX-License-Identifier: Apache-2.0
// The failure screen: one frame that says what failed, doing what, by which line of the config, and what to do next.
#pragma once

#include <string>

#include "base/error.hpp"
#include "fields/document.hpp"

namespace provision::cli {

// A line of the user's config with a caret under the column, in at most `width` characters; values that may be secrets
// are shown by their length only. Empty for an origin without a line, or of another document.
std::string excerpt(const fields::Document& document, const Origin& origin, std::size_t width);

// Plain ASCII frames, 79 columns, for any console. `document` may be null.
std::string failure_screen(const Error& error, const std::string& doing, const fields::Document* document);

}  // namespace provision::cli
