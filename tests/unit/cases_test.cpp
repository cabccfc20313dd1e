// SPDX-License-Identifier: Apache-2.0
// The table of cases: cases/README.md.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "base/text.hpp"
#include "fields/json.hpp"
#include "spec/parse.hpp"

using namespace provision;
using fields::Value;

namespace {

constexpr std::array<std::string_view, 10> areas{"disks", "documents", "fields", "filesystems", "ignition",
                                                 "luks",  "nodes",     "passwd", "resources",   "systemd"};

fields::Document read_area(std::string_view area) {
  const std::filesystem::path path = std::filesystem::path(CASES_DIRECTORY) / (std::string(area) + ".json");
  const std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  fields::Document document(path.filename(), text.str());
  REQUIRE(fields::parse_json(document));
  return document;
}

std::string text_of(const Value& test, std::string_view key) {
  const Value* found = test.find(key);
  return found == nullptr ? std::string{} : found->string.str();
}

// The versions of "3.1-3.4", "3.6", or all.
std::vector<std::string> versions_of(const Value& test) {
  std::string range = text_of(test, "versions");
  range = range.empty() ? "3.0-3.7" : range;
  const int first = range[2] - '0';
  const int last = range.back() - '0';
  std::vector<std::string> versions;
  for (int minor = first; minor <= last; ++minor) {
    versions.push_back("3." + std::to_string(minor) + (minor == 7 ? ".0-experimental" : ".0"));
  }
  return versions;
}

// The config of the case under that version, as text.
std::string document_text(const Value& config, const std::string& version) {
  Value ignition = Value::object();
  ignition.add("version", Value::of(version));
  if (const Value* given = config.find("ignition")) {
    for (const auto& member : given->members) {
      ignition.add(member.key, member.value);
    }
  }
  Value whole = Value::object();
  whole.add("ignition", std::move(ignition));
  for (const auto& member : config.members) {
    if (member.key != "ignition") {
      whole.add(member.key, member.value);
    }
  }
  return fields::write_json(whole, fields::Layout::indented);
}

// The place that a note names: the value of its path, or the deepest that there is on the way.
struct Place {
  std::string path;
  bool key_itself = false;
};

Place split_place(std::string_view word, std::string& shown) {
  Place place;
  if (word.ends_with('#')) {
    word.remove_suffix(1);
    place.key_itself = true;
  }
  const std::size_t field = word.find('@');
  shown = word.substr(0, field);
  place.path = field == std::string_view::npos ? shown : shown + "." + std::string(word.substr(field + 1));
  return place;
}

std::size_t offset_of(const Value& root, const Place& place) {
  const Value* value = &root;
  std::size_t at = root.at;
  for (const auto part : split(std::string_view(place.path).substr(2), '.')) {
    std::size_t index = 0;
    const bool number = std::from_chars(part.data(), part.data() + part.size(), index).ec == std::errc{};
    if (value->kind == Value::Kind::array && number && index < value->items.size()) {
      value = &value->items[index];
      at = value->at;
      continue;
    }
    const Value* next = value->find_folded(part);
    if (next == nullptr) {
      break;
    }
    const auto member = std::find_if(value->members.begin(), value->members.end(),
                                     [&](const fields::Member& m) { return &m.value == next; });
    at = place.key_itself ? member->key_at : next->at;
    value = next;
  }
  return at;
}

// The start of a note as note_text() writes it.
std::string expected_start(const std::string& note, const fields::Document& document) {
  const std::size_t space = note.find(' ');
  const std::size_t next = note.find(' ', space + 1);
  std::string shown;
  const Place place = split_place(std::string_view(note).substr(space + 1, next - space - 1), shown);
  const Position position = document.position(offset_of(document.root(), place));
  return std::to_string(position.line) + ":" + std::to_string(position.column) + " " + note.substr(0, space) + " " +
         shown + note.substr(next);
}

std::string note_text(const fields::Note& note) {
  return std::to_string(note.origin.line) + ":" + std::to_string(note.origin.column) + " " +
         (note.strict ? "strict" : std::string(name_of(note.severity))) + " " + note.origin.path + " " + note.text;
}

void check_notes(const Value& test, const std::string& text, bool has_places) {
  const spec::Parsed parsed = spec::parse("case", text);
  fields::Document document("case", text);
  std::string wanted;
  std::string got;
  const auto& notes = test.find("notes")->items;
  const bool readable = has_places || fields::parse_json(document);
  for (std::size_t i = 0; i < std::max(notes.size(), parsed.notes.all.size()); ++i) {
    std::string start;
    if (i < notes.size()) {
      start = has_places || !readable ? notes[i].string.str() : expected_start(notes[i].string.str(), document);
      wanted += start + "…\n";
    }
    if (i < parsed.notes.all.size()) {
      const std::string note = note_text(parsed.notes.all[i]);
      got += (i < notes.size() && note.starts_with(start) ? start + "…" : note) + "\n";
    }
  }
  CHECK(got == wanted);
  CHECK(parsed.config.has_value() != parsed.notes.has_errors());
}

std::size_t run_area(std::string_view area) {
  const fields::Document document = read_area(area);
  for (const auto& test : document.root().items) {
    const std::string name = text_of(test, "name");
    CAPTURE(name);
    if (test.find("text") != nullptr) {
      check_notes(test, text_of(test, "text"), true);
      continue;
    }
    for (const auto& version : versions_of(test)) {
      CAPTURE(version);
      check_notes(test, document_text(*test.find("config"), version), false);
    }
  }
  return document.root().items.size();
}

}  // namespace

TEST_CASE("cases: disks") { CHECK(run_area("disks") >= 100); }
TEST_CASE("cases: documents") { CHECK(run_area("documents") >= 60); }
TEST_CASE("cases: fields") { CHECK(run_area("fields") >= 50); }
TEST_CASE("cases: filesystems") { CHECK(run_area("filesystems") >= 80); }
TEST_CASE("cases: ignition") { CHECK(run_area("ignition") >= 40); }
TEST_CASE("cases: luks") { CHECK(run_area("luks") >= 60); }
TEST_CASE("cases: nodes") { CHECK(run_area("nodes") >= 100); }
TEST_CASE("cases: passwd") { CHECK(run_area("passwd") >= 40); }
TEST_CASE("cases: resources") { CHECK(run_area("resources") >= 100); }
TEST_CASE("cases: systemd") { CHECK(run_area("systemd") >= 80); }

TEST_CASE("cases: no file is left out, and no case has the name of another") {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(CASES_DIRECTORY)) {
    files += static_cast<std::size_t>(entry.path().extension() == ".json");
  }
  CHECK(files == areas.size());
  std::size_t count = 0;
  for (const auto area : areas) {
    const fields::Document document = read_area(area);
    std::set<std::string> names;
    for (const auto& test : document.root().items) {
      CHECK(names.insert(text_of(test, "name")).second);
    }
    count += names.size();
  }
  CHECK(count >= 400);
}
