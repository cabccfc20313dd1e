// SPDX-License-Identifier: Apache-2.0
// How notes on a config are shown: as compilers do, or as JSON.
#pragma once

#include <map>
#include <string>

#include "cli/screen.hpp"
#include "fields/context.hpp"

namespace provision::cli {

// Standard output is a terminal that shows colours, and the user has not said otherwise (NO_COLOR).
bool output_shows_colour();

// Writes notes as text: place, severity, what; the user's line with a caret; a hint; other places.
class NotesText {
 public:
  NotesText(const fields::Sources& sources, bool colour);
  [[nodiscard]] std::string of(const fields::Note& note);

 private:
  [[nodiscard]] std::string excerpt(const Origin& origin);

  bool colour_;
  std::map<std::string, Excerpts, std::less<>> documents_;
};

// {file, line, column, path, severity, strict, text, hint, related}; "hint" is null where there is none.
fields::Value to_value(const fields::Note& note);

}  // namespace provision::cli
