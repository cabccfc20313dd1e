// SPDX-License-Identifier: Apache-2.0
// What holds of every note on a document: it says something, and points into the text.
#pragma once

#include <algorithm>

#include "fields/context.hpp"
#include "fuzz/require.hpp"

namespace provision::test {

inline void check_place(const fields::Sources& sources, const Origin& origin) {
  const auto document = std::find_if(sources.documents.begin(), sources.documents.end(),
                                     [&](const fields::Document& d) { return d.name() == origin.document; });
  REQUIRE_ALWAYS(document != sources.documents.end());
  REQUIRE_ALWAYS(origin.line >= 1 && origin.column >= 1);
  const auto lines = 1 + std::count(document->text().begin(), document->text().end(), '\n');
  REQUIRE_ALWAYS(origin.line <= static_cast<std::size_t>(lines));
  // Just behind the last character is where a text that ends too early is at fault; a carriage return may come before.
  REQUIRE_ALWAYS(origin.column <= document->line(origin.line).size() + 2);
}

inline void check_notes(const fields::Sources& sources, const fields::Notes& notes) {
  for (const auto& note : notes.all) {
    REQUIRE_ALWAYS(!note.text.empty());
    check_place(sources, note.origin);
    for (const auto& place : note.related) {
      check_place(sources, place);
    }
  }
}

}  // namespace provision::test
