// SPDX-License-Identifier: Apache-2.0
// A platform: where its user-data is. Bytes come out; what they mean is not known here.
#pragma once

#include <chrono>
#include <functional>
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

// There is no user-data for us: only ever from an authoritative answer. `foreign`: there is some, in a format that is
// not ours ("a cloud-config").
struct None {
  std::string reason;
  std::string foreign{};
};

// It cannot be told before the network is up.
struct NeedNet {
  std::string reason;
};

// "Could not tell" is neither: it is an Error (Code::config_unavailable), and the boot stops.
using Outcome = std::variant<UserData, None, NeedNet>;

// What a platform is asked with.
struct Asking {
  host::Host& host;
  // The network is up; without it what needs it is NeedNet.
  bool network = false;
  // Takes a line for the console: what was asked, what came, when the next try is.
  std::function<void(const std::string& line)> say;
  // For a device, or an answer: all attempts together.
  std::chrono::milliseconds patience{120'000};
  // What keeps the host out of this machine ("Intel TDX"): then the host's own channels, fw_cfg and
  // what stands in for it, are not read. Empty: an ordinary machine.
  std::string confidential{};
};

struct Platform {
  // As in ignition.platform.id=.
  std::string_view id;
  // As Container Linux and Flatcar call it (coreos.oem.id=, flatcar.oem.id=); empty: the same.
  std::string_view also;
  std::string_view source;
  Result<Outcome> (*fetch)(const Asking& asking);
  // Tells the platform that the first boot is done or, with what went wrong for people to read, that it stopped. Null:
  // nobody there wants to know.
  Result<void> (*report)(const Asking& asking, std::string_view failure) = nullptr;
};

std::span<const Platform> platforms();
const Platform* find_platform(std::string_view id);
// "metal, qemu": for messages.
std::string known_platforms();

}  // namespace provision::providers
