// SPDX-License-Identifier: Apache-2.0
// Metadata services: user-data by HTTP from a link-local address. A platform gives the rows; how they are asked, what
// is tried again and what an answer means is here.
#pragma once

#include <span>
#include <string_view>
#include <utility>

#include "providers/payload.hpp"

namespace provision::providers {

using Header = std::pair<std::string_view, std::string_view>;

// A session token: asked for by PUT, its answer goes into a header of the question proper.
struct Token {
  std::string_view path;
  Header lifetime;
  std::string_view header;
  // The service knows no tokens: go on without.
  std::span<const long> unknown;
  // The service is switched off, which is the answer: there is no user-data.
  std::span<const long> switched_off;
};

struct Service {
  // "AWS", for messages.
  std::string_view name;
  // "http://169.254.169.254": asked at once, the first user-data wins. "%" in an address of a link: once for each
  // network interface, with its name in that place.
  std::span<const std::string_view> addresses;
  std::string_view path;
  std::span<const Header> headers;
  const Token* token = nullptr;
  // Each answer of the real service has it (lower case); without it something else has answered.
  Header mark{};
  // Beside 404; what is in `again` is not.
  std::span<const long> none{};
  // Beside 408, 429 and all from 500 on.
  std::span<const long> again{};
  Coding coding = Coding::raw;
  // Where the service says whether the user-data is in base64. Asked for only where that can be: 404 is "it is not".
  std::string_view coding_path{};
};

// None: the service said so, or it has nothing but another program's. Code::config_unavailable: it refused, or
// nothing came within the patience; with the last word of each address.
Result<Outcome> ask(const Asking& asking, const Service& service);

}  // namespace provision::providers
