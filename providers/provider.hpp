// SPDX-License-Identifier: Apache-2.0
// A platform: where its user-data is. Bytes come out; what they mean is not known here.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/result.hpp"
#include "host/host.hpp"

namespace provision::providers {

// The bytes, and how messages name the document they came from.
struct UserData {
  std::string bytes;
  std::string document;
};

// There is no user-data: only ever from an authoritative answer.
struct None {
  std::string reason;
};

// It cannot be told before the network is up.
struct NeedNet {
  std::string reason;
};

// "Could not tell" is neither: it is an Error (Code::config_unavailable), and the boot stops.
using Outcome = std::variant<UserData, None, NeedNet>;

struct Platform {
  // As in ignition.platform.id=.
  std::string_view id;
  std::string_view source;
  Result<Outcome> (*fetch)(host::Host& host);
};

std::span<const Platform> platforms();
const Platform* find_platform(std::string_view id);
// "metal, qemu": for messages.
std::string known_platforms();

}  // namespace provision::providers
