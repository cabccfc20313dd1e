// SPDX-License-Identifier: Apache-2.0
// URLs of sources and proxies, taken apart and refused as Go's net/url does, in terms of which the spec's rules are.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "fields/context.hpp"

namespace provision::spec {

struct Url {
  // In lower case; empty: a relative URL.
  std::string scheme;
  // What follows "scheme:" where that is no "/": "arn:…", "data:…".
  std::string opaque;
  std::string query;
};

// Errors (Code::bad_config) quote nothing: a URL may hold a password.
Result<Url> parse_url(std::string_view text);

// A URL for messages: without user, password, query and fragment, any of which may be a secret. Of a data: URL no more
// than that it is one.
std::string public_form(std::string_view url);

// What is wrong with a source by the rules of that spec version; nothing: it is fine. Not for the empty source, which
// is the empty content.
std::optional<Error> source_fault(std::string_view source, fields::Version version);

// The value of the first parameter of that name, decoded; nothing if there is none.
std::optional<std::string> query_value(std::string_view query, std::string_view name);

}  // namespace provision::spec
