// SPDX-License-Identifier: Apache-2.0
// Flags as programs in Go take them (their package "flag"): one dash or two, "-name value" or "-name=value"; a word
// that is no flag, an empty one too, ends them, and so does "--". Image builders write Ignition's so.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/result.hpp"

namespace provision::cli {

struct GoFlag {
  std::string_view name;
  std::string_view doc;
  // Where its value goes. A bool needs no value; its "=" may give one (1, t, true, …).
  std::variant<bool*, std::string*, std::chrono::milliseconds*> value;
};

struct GoArguments {
  // -h or -help: the user wants to know the flags, and nothing after it was looked at.
  bool help = false;
  // What follows the flags.
  std::vector<std::string> rest;
};

// `words`: without the program's name. Code::usage where a flag is not known, or its value is missing or none.
Result<GoArguments> parse_go_flags(std::span<const GoFlag> flags, std::span<const std::string_view> words);

// One line a flag, for whoever asks.
std::string describe_go_flags(std::span<const GoFlag> flags);

// "2m", "1h30m", "1.5s", "300ms", "0" (Go: time.ParseDuration), not negative. Nothing for all else.
std::optional<std::chrono::milliseconds> parse_go_duration(std::string_view text);

}  // namespace provision::cli
