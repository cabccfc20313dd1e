// SPDX-License-Identifier: Apache-2.0
// What a field of that name may hold. A name that is not known here gets words of its type, so that a new field is
// tried out without an entry.
#pragma once

#include <span>
#include <string_view>

namespace provision::test {

// In a text, "~" becomes a number that no other value of the config has, "$" one of 1 to 3.
struct Plausible {
  // "label", or "partitions.label" where it counts whose label it is.
  std::string_view field;
  std::span<const std::string_view> good;
  // What is wrong, or nearly.
  std::span<const std::string_view> odd;
};

const Plausible& plausible_string(std::string_view record, std::string_view field);

}  // namespace provision::test
