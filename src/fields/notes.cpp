// SPDX-License-Identifier: Apache-2.0
#include "fields/notes.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace provision::fields {
namespace {
bool is_error(const Note& note) { return note.severity == Severity::error; }
}  // namespace

bool Notes::has_errors() const { return std::any_of(all.begin(), all.end(), is_error); }

const Note& Notes::first_error() const {
  const auto found = std::find_if(all.begin(), all.end(), is_error);
  INVARIANT(found != all.end());
  return *found;
}

std::string_view name_of(Severity severity) {
  switch (severity) {
    case Severity::info:
      return "info";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "error";
}

}  // namespace provision::fields
