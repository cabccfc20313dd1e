// SPDX-License-Identifier: Apache-2.0
// What reading and checking a config has to say: many notes, each with its place.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace provision::fields {

enum class Severity : std::uint8_t { info, warning, error };

struct Note {
  Severity severity = Severity::error;
  Origin origin = {};
  std::string text = {};
  // What to do about it; may be empty.
  std::string hint = {};
  // A warning that is an error under --strict.
  bool strict = false;
  // Other places that have to do with it: the first of two.
  std::vector<Origin> related = {};

  bool operator==(const Note&) const = default;
};

struct Notes {
  std::vector<Note> all;

  void add(Note note) { all.push_back(std::move(note)); }
  [[nodiscard]] bool has_errors() const;
  // The first note of severity error; call only if there is one.
  [[nodiscard]] const Note& first_error() const;
};

std::string_view name_of(Severity severity);

}  // namespace provision::fields
