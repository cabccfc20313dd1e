// SPDX-License-Identifier: Apache-2.0
// UUIDs: the user's own, or derived from what identifies the machine and the thing.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace provision {

class Uuid {
 public:
  Uuid() = default;
  // 8-4-4-4-12 hex digits in either case.
  static std::optional<Uuid> parse(std::string_view text);
  // A UUID of version 8 (RFC 9562 section 5.8) over the parts: the same parts give the same UUID, on every run and
  // machine. The parts are length-prefixed, so that no two lists run together.
  static Uuid derive(const std::vector<std::string>& parts);

  // Lower case, as in file system UUIDs.
  [[nodiscard]] const std::string& text() const { return text_; }
  [[nodiscard]] bool empty() const { return text_.empty(); }
  auto operator<=>(const Uuid&) const = default;

 private:
  explicit Uuid(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace provision
