// SPDX-License-Identifier: Apache-2.0
// A config under every spec version: none makes it crash, and what one version accepts the later ones accept too.
#include <array>
#include <string>
#include <string_view>

#include "fields/json.hpp"
#include "fuzz/notes.hpp"
#include "fuzz/require.hpp"
#include "spec/parse.hpp"

namespace {

using provision::fields::Value;
using provision::spec::Config;

constexpr std::array<std::string_view, 9> versions{
    "3.0.0", "3.1.0", "3.2.0", "3.3.0", "3.4.0", "3.5.0", "3.6.0", "3.7.0-experimental", "9.9.9"};

// The text under another version.
std::string under(Value root, std::string_view version) {
  Value ignition = Value::object();
  if (const Value* old = root.find("ignition"); old != nullptr && old->kind == Value::Kind::object) {
    ignition = *old;
  }
  ignition.add("version", Value::of(std::string(version)));
  root.add("ignition", std::move(ignition));
  return provision::fields::write_json(root);
}

// Before 3.1 a config may be merged from nowhere, before 3.3 a link may lead nowhere, and before 3.4 a node may stand
// where a unit goes.
bool newer_rule(const provision::fields::Note& note) {
  const std::string_view path = note.origin.path;
  return path.starts_with("$.ignition.config.") ||
         (path.starts_with("$.storage.links.") && path.ends_with(".target")) ||
         (path.starts_with("$.storage.") && note.text.find(" unit") != std::string::npos);
}

void check_upgrades(const Config& config) {
  const Value written = provision::fields::Engine<Config>::write(config);
  for (const auto version : versions) {
    const auto upgraded = provision::spec::parse("upgraded", under(written, version));
    provision::test::check_notes(upgraded.sources, upgraded.notes);
    if (version > config.ignition.version && version < "9") {
      for (const auto& note : upgraded.notes.all) {
        REQUIRE_ALWAYS(note.severity != provision::fields::Severity::error || newer_rule(note));
      }
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  provision::fields::Document document("input", std::string(data, data + size));
  if (!provision::fields::parse_json(document) || document.root().kind != Value::Kind::object) {
    return 0;
  }
  for (const auto version : versions) {
    const auto parsed = provision::spec::parse("input", under(document.root(), version));
    provision::test::check_notes(parsed.sources, parsed.notes);
    if (parsed.config) {
      check_upgrades(*parsed.config);
    }
  }
  return 0;
}
