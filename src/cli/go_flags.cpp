// SPDX-License-Identifier: Apache-2.0
#include "cli/go_flags.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/text.hpp"

namespace provision::cli {
namespace {

using Milliseconds = std::chrono::milliseconds;

struct Unit {
  std::string_view name;
  double milliseconds;
};

// A unit's name comes before one that it begins with.
constexpr std::array units{Unit{"ns", 1e-6}, Unit{"us", 1e-3},  Unit{"\xc2\xb5s", 1e-3}, Unit{"ms", 1},
                           Unit{"s", 1'000}, Unit{"m", 60'000}, Unit{"h", 3'600'000}};
// As Go's longest, in which nanoseconds fit 63 bits.
constexpr double longest = 9.2e12;

// Takes "1.5h" off the front.
std::optional<double> take_part(std::string_view& text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || number < 0) {
    return std::nullopt;
  }
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  for (const auto& unit : units) {
    if (text.starts_with(unit.name)) {
      text.remove_prefix(unit.name.size());
      return number * unit.milliseconds;
    }
  }
  return std::nullopt;
}

// The words of Go's strconv.ParseBool.
std::optional<bool> parse_go_bool(std::string_view word) {
  constexpr std::array<std::string_view, 6> yes{"1", "t", "T", "true", "TRUE", "True"};
  constexpr std::array<std::string_view, 6> no{"0", "f", "F", "false", "FALSE", "False"};
  if (std::find(yes.begin(), yes.end(), word) != yes.end()) {
    return true;
  }
  return std::find(no.begin(), no.end(), word) != no.end() ? std::optional(false) : std::nullopt;
}

// False: the word is no value of such a flag.
bool set(const GoFlag& flag, std::string_view word) {
  if (const auto* const text = std::get_if<std::string*>(&flag.value)) {
    **text = word;
    return true;
  }
  if (const auto* const duration = std::get_if<Milliseconds*>(&flag.value)) {
    const auto value = parse_go_duration(word);
    **duration = value.value_or(**duration);
    return value.has_value();
  }
  bool& target = *std::get<bool*>(flag.value);
  const auto value = parse_go_bool(word);
  target = value.value_or(target);
  return value.has_value();
}

Error wrong(std::string what) { return {Code::usage, std::move(what)}; }

// A flag as it was written: its name, and its value where one stood behind "=".
struct Written {
  std::string_view name;
  std::optional<std::string_view> value;
};

Written written(std::string_view word) {
  word.remove_prefix(word.starts_with("--") ? 2 : 1);
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) {
    return {word, std::nullopt};
  }
  return {word.substr(0, equals), word.substr(equals + 1)};
}

bool is_flag(std::string_view word) { return word.size() > 1 && word.front() == '-'; }

const GoFlag* find_flag(std::span<const GoFlag> flags, std::string_view name) {
  const auto found = std::find_if(flags.begin(), flags.end(), [&](const GoFlag& flag) { return flag.name == name; });
  return found == flags.end() ? nullptr : &*found;
}

// Takes the flag that `words` begin with, and its value.
Result<void> take_flag(std::span<const GoFlag> flags, std::span<const std::string_view>& words) {
  const Written flag = written(words.front());
  const std::string shown = "-" + printable(flag.name);
  words = words.subspan(1);
  const GoFlag* const known = find_flag(flags, flag.name);
  if (known == nullptr) {
    return wrong("there is no flag " + shown);
  }
  std::string_view value = flag.value.value_or("true");
  if (!flag.value && !std::holds_alternative<bool*>(known->value)) {
    if (words.empty()) {
      return wrong("the flag " + shown + " needs a value");
    }
    value = words.front();
    words = words.subspan(1);
  }
  return set(*known, value) ? Result<void>() : wrong("\"" + printable(value) + "\" is no value of the flag " + shown);
}

}  // namespace

std::optional<Milliseconds> parse_go_duration(std::string_view text) {
  text.remove_prefix(text.starts_with('+') ? 1 : 0);
  if (text == "0") {
    return Milliseconds(0);
  }
  double total = 0;
  if (text.empty()) {
    return std::nullopt;
  }
  while (!text.empty()) {
    const auto part = take_part(text);
    total += part.value_or(0);
    if (!part || total > longest) {
      return std::nullopt;
    }
  }
  return Milliseconds(static_cast<Milliseconds::rep>(total));
}

Result<GoArguments> parse_go_flags(std::span<const GoFlag> flags, std::span<const std::string_view> words) {
  GoArguments found;
  while (!words.empty() && is_flag(words.front())) {
    if (words.front() == "--") {
      words = words.subspan(1);
      break;
    }
    const std::string_view name = written(words.front()).name;
    if ((name == "h" || name == "help") && find_flag(flags, name) == nullptr) {
      found.help = true;
      return found;
    }
    TRY(take_flag(flags, words));
  }
  found.rest.assign(words.begin(), words.end());
  return found;
}

std::string describe_go_flags(std::span<const GoFlag> flags) {
  std::string text;
  for (const auto& flag : flags) {
    text += fmt::format("  -{:<15} {}\n", flag.name, flag.doc);
  }
  return text;
}

}  // namespace provision::cli
