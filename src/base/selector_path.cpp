// SPDX-License-Identifier: Apache-2.0
#include "base/selector_path.hpp"

#include <algorithm>
#include <charconv>

namespace provision {
namespace {

constexpr std::size_t longest_name = 64;
constexpr std::string_view part = "-part";

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Without a leading zero, as udev writes it; 0 where it is none.
std::int64_t number_of(std::string_view digits) {
  std::int64_t number = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  const bool whole = failure == std::errc{} && end == digits.data() + digits.size();
  return whole && !digits.starts_with('0') && !digits.starts_with('-') ? number : 0;
}

}  // namespace

std::optional<SelectorPath> parse_selector_path(std::string_view path) {
  if (!path.starts_with(by_selector)) {
    return std::nullopt;
  }
  const std::string_view name = path.substr(by_selector.size());
  const std::size_t at = name.rfind(part);
  const std::int64_t number = at == std::string_view::npos ? 0 : number_of(name.substr(at + part.size()));
  return SelectorPath{std::string(number > 0 ? name.substr(0, at) : name), number};
}

std::string selector_path(std::string_view name) { return std::string(by_selector) + std::string(name); }

bool is_selector_name(std::string_view name) {
  const auto fits = [](char c) { return is_word(c) || c == '-' || c == '_' || c == '.'; };
  return !name.empty() && name.size() <= longest_name && is_word(name.front()) &&
         std::all_of(name.begin(), name.end(), fits) && parse_selector_path(selector_path(name))->number == 0;
}

}  // namespace provision
