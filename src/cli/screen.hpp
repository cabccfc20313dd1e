// SPDX-License-Identifier: Apache-2.0
// The failure screen: one frame that says what failed, doing what, by which line of the config, and what to do next.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "fields/document.hpp"

namespace provision::cli {

// A line of a text in which values that may be secrets are hidden.
class MaskedLine {
 public:
  // What is shown of a part of the line, and the byte in it that stands for the caret.
  struct Shown {
    std::string text;
    std::size_t caret = 0;
    bool from_start = true;
    bool to_end = true;
  };

  explicit MaskedLine(std::string_view line);
  [[nodiscard]] Shown around(std::size_t caret_byte, std::size_t reach) const;

 private:
  struct Span {
    std::size_t begin = 0;
    std::size_t end = 0;
  };

  std::string_view line_;
  std::vector<Span> hidden_;
};

// Lines of one document with carets. It remembers the line it showed last: many notes on one long line cost no more
// than that line and their own surroundings.
class Excerpts {
 public:
  explicit Excerpts(const fields::Document& document) : document_(document) {}
  [[nodiscard]] std::string of(const Origin& origin, std::size_t width);

 private:
  const fields::Document& document_;
  std::uint32_t number_ = 0;
  std::optional<MaskedLine> line_;
};

// A line of the user's config with a caret under the column, in at most `width` characters; values that may be secrets
// are shown by their length only. Empty for an origin without a line, or of another document.
std::string excerpt(const fields::Document& document, const Origin& origin, std::size_t width);

// Plain ASCII frames, 79 columns, for any console. `document` may be null. `state`: the directory where it is kept for
// the boots to come, if there is one. `needs_memory`: what a reboot would lose is in memory alone.
std::string failure_screen(const Error& error, const std::string& doing, const fields::Document* document,
                           const std::string& state = {}, bool needs_memory = false);

}  // namespace provision::cli
