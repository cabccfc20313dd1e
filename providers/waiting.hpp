// SPDX-License-Identifier: Apache-2.0
// Waiting for what a platform attaches.
#pragma once

#include <optional>
#include <string>

#include "providers/provider.hpp"

namespace provision::providers {

// Looks again and again, until there is something or the patience has ended. From the fifth second on the console tells
// what is waited for: "waiting for the cidata drive: 5 s of 30 s", with the last word of `last` if there is one.
template <class Look>
auto wait_for(const Asking& asking, const std::string& what, std::chrono::milliseconds patience,
              const std::string& last, const Look& look) -> decltype(look()) {
  constexpr std::chrono::milliseconds between_looks{250};
  constexpr std::chrono::seconds quiet{5};
  const auto seconds = [](auto time) {
    return std::to_string(std::chrono::duration_cast<std::chrono::seconds>(time).count()) + " s";
  };
  host::Clock& clock = asking.host.clock;
  const auto start = clock.monotonic();
  auto told = start;
  while (true) {
    auto found = look();
    const auto now = clock.monotonic();
    if (!found || *found || now - start >= patience) {
      return found;
    }
    if (now - told >= quiet) {
      told = now;
      asking.say("waiting for " + what + ": " + seconds(now - start) + " of " + seconds(patience) +
                 (last.empty() ? "" : "; " + last));
    }
    clock.sleep(between_looks);
  }
}

}  // namespace provision::providers
