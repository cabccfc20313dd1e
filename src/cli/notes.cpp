// SPDX-License-Identifier: Apache-2.0
#include "cli/notes.hpp"

#include <cstdlib>

#include "cli/console.hpp"

namespace provision::cli {
namespace {

using fields::Value;

constexpr std::size_t excerpt_width = 100;

constexpr std::string_view bold = "\x1b[1m";
constexpr std::string_view red = "\x1b[1;31m";
constexpr std::string_view magenta = "\x1b[1;35m";
constexpr std::string_view green = "\x1b[1;32m";
constexpr std::string_view plain = "\x1b[0m";

std::string_view colour_of(fields::Severity severity) {
  return severity == fields::Severity::error ? red : severity == fields::Severity::warning ? magenta : bold;
}

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

Value place(const Origin& origin) {
  Value made = Value::object();
  made.add("file", Value::of(origin.document));
  made.add("line", Value::of(std::int64_t{origin.line}));
  made.add("column", Value::of(std::int64_t{origin.column}));
  made.add("path", Value::of(origin.path));
  return made;
}

}  // namespace

bool output_shows_colour() {
  return output_is_terminal() && variable("NO_COLOR").empty() && variable("TERM") != "dumb";
}

NotesText::NotesText(const fields::Sources& sources, bool colour) : colour_(colour) {
  for (const auto& document : sources.documents) {
    documents_.try_emplace(document.name(), document);
  }
}

std::string NotesText::excerpt(const Origin& origin) {
  const auto found = documents_.find(origin.document);
  std::string text = found == documents_.end() ? "" : found->second.of(origin, excerpt_width);
  if (colour_ && text.ends_with("^\n")) {
    text.insert(text.size() - 2, green);
    text.insert(text.size() - 1, plain);
  }
  return text;
}

std::string NotesText::of(const fields::Note& note) {
  const auto painted = [&](std::string_view colour, std::string text) {
    return colour_ ? std::string(colour) + std::move(text) + std::string(plain) : text;
  };
  std::string text = painted(bold, to_string(note.origin) + ":") + " " +
                     painted(colour_of(note.severity), std::string(name_of(note.severity)) + ":") + " " + note.text +
                     "\n";
  text += excerpt(note.origin);
  text += note.hint.empty() ? "" : "  hint: " + note.hint + "\n";
  for (const auto& other : note.related) {
    text += "  first given here: " + to_string(other) + "\n" + excerpt(other);
  }
  return text;
}

Value to_value(const fields::Note& note) {
  Value made = place(note.origin);
  made.add("severity", Value::of(std::string(name_of(note.severity))));
  made.add("strict", Value::of(note.strict));
  made.add("text", Value::of(note.text));
  made.add("hint", note.hint.empty() ? Value{} : Value::of(note.hint));
  Value related = Value::array();
  for (const auto& other : note.related) {
    related.items.push_back(place(other));
  }
  made.add("related", std::move(related));
  return made;
}

}  // namespace provision::cli
