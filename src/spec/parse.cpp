// SPDX-License-Identifier: Apache-2.0
#include "spec/parse.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/text.hpp"
#include "fields/json.hpp"
#include "spec/extension_images.hpp"
#include "spec/parent_directories.hpp"

namespace provision::spec {
namespace {

using fields::Dialect;
using fields::Notes;
using fields::Severity;
using fields::Value;
using fields::Version;

constexpr std::array versions{SpecVersion{"3.0.0", {3, 0}}, SpecVersion{"3.1.0", {3, 1}},
                              SpecVersion{"3.2.0", {3, 2}}, SpecVersion{"3.3.0", {3, 3}},
                              SpecVersion{"3.4.0", {3, 4}}, SpecVersion{"3.5.0", {3, 5}},
                              SpecVersion{"3.6.0", {3, 6}}, SpecVersion{"3.7.0-experimental", {3, 7}}};

// Semver build metadata that every other engine refuses, rather than boot a machine without what our extensions make.
constexpr std::string_view extension_suffix = "+provision.1";
constexpr Version extensions_since{3, 6};

std::string version_hint() {
  return "this version of provision reads 3.0.0 to 3.6.0 and 3.7.0-experimental, and 3.6.0+provision.1";
}

// The config's version, or a note that says what is wrong with it, at its place.
std::optional<Dialect> read_version(const fields::Document& document, Notes& notes) {
  const auto complain = [&](const Value& at, std::string text, std::string hint) {
    notes.add({Severity::error, document.origin(at.at, "$.ignition.version"), std::move(text), std::move(hint)});
  };
  const Value& root = document.root();
  if (root.kind != Value::Kind::object) {
    complain(root, "a config is a JSON object, this is " + std::string(name_of(root.kind)), {});
    return std::nullopt;
  }
  const Value* ignition = root.find_folded("ignition");
  const Value* version = ignition != nullptr ? ignition->find_folded("version") : nullptr;
  if (version == nullptr || version->kind == Value::Kind::null) {
    complain(ignition != nullptr ? *ignition : root, "the config does not say its spec version",
             R"(add "ignition": {"version": "3.4.0"})");
    return std::nullopt;
  }
  if (version->kind != Value::Kind::string) {
    complain(*version, "the spec version is a string", version_hint());
    return std::nullopt;
  }
  const auto dialect = dialect_of(version->string);
  if (!dialect) {
    complain(*version, "unknown spec version \"" + printable(version->string) + "\"", version_hint());
  }
  return dialect;
}

template <class Node>
void drop_special_bits(std::vector<Node>& nodes) {
  for (auto& node : nodes) {
    if (node.mode) {
      *node.mode &= ~std::int64_t{07000};
    }
  }
}

// What a document of an older version says, in the meaning of the newest. All else means the same in each.
void upgrade(Config& config, Version from) {
  if (from < Version{3, 6}) {
    drop_special_bits(config.storage.files);
    drop_special_bits(config.storage.directories);
  }
}

}  // namespace

void sort_notes(Notes& notes) {
  std::stable_sort(notes.all.begin(), notes.all.end(), [](const fields::Note& a, const fields::Note& b) {
    return std::tie(a.origin.line, a.origin.column) < std::tie(b.origin.line, b.origin.column);
  });
}

void add_notes(Parsed& parsed, Notes found) {
  for (auto& note : found.all) {
    parsed.notes.add(std::move(note));
  }
  sort_notes(parsed.notes);
  if (parsed.notes.has_errors()) {
    parsed.config.reset();
  }
}

std::span<const SpecVersion> spec_versions() { return versions; }

std::vector<std::string> config_versions() {
  std::vector<std::string> texts;
  for (const auto& row : versions) {
    texts.emplace_back(row.text);
  }
  for (const auto& row : versions) {
    if (row.version >= extensions_since && row.text.find('-') == std::string_view::npos) {
      texts.push_back(std::string(row.text) + std::string(extension_suffix));
    }
  }
  return texts;
}

std::optional<Dialect> dialect_of(std::string_view text) {
  const bool extensions = text.ends_with(extension_suffix);
  if (extensions) {
    text.remove_suffix(extension_suffix.size());
  }
  for (const auto& row : versions) {
    if (row.text == text && (!extensions || row.version >= extensions_since)) {
      return Dialect{row.version, extensions};
    }
  }
  return std::nullopt;
}

Parsed parse(std::string document_name, std::string text) {
  Parsed parsed;
  parsed.sources.documents.emplace_back(std::move(document_name), std::move(text));
  fields::Document& document = parsed.sources.documents.front();
  if (const auto read = fields::parse_json(document); !read) {
    parsed.notes.add({Severity::error, read.error().origin.value_or(Origin{}), read.error().what});
    return parsed;
  }
  const auto dialect = read_version(document, parsed.notes);
  if (!dialect) {
    return parsed;
  }
  parsed.version = dialect->version;
  Config config;
  fields::Reader reader(document, 0, *dialect, parsed.notes);
  fields::Engine<Config>::read(document.root(), config, reader);
  fields::Checker checker(parsed.sources, parsed.version, parsed.notes);
  fields::Engine<Config>::check(config, checker);
  sort_notes(parsed.notes);
  if (!parsed.notes.has_errors()) {
    upgrade(config, parsed.version);
    spell_out_extension_images(config);
    spell_out_parent_directories(config);
    parsed.config = std::move(config);
  }
  return parsed;
}

std::optional<fields::Note> refused_extensions(const Parsed& parsed) {
  const Ignition& ignition = parsed.config->ignition;
  if (!ignition.version.ends_with(extension_suffix)) {
    return std::nullopt;
  }
  fields::Note note;
  note.severity = Severity::error;
  note.origin = parsed.sources.origin(ignition.place, "$.ignition.version", "version");
  note.text = "the config asks for what only provision has, and that is turned off here";
  note.hint = "take \"" + std::string(extension_suffix) + "\" off the version, and out what is below \"provision\"";
  return note;
}

Error error_of(const Parsed& parsed) {
  const fields::Note& note = parsed.notes.first_error();
  std::string what = note.text;
  if (!note.hint.empty()) {
    what += " (" + note.hint + ")";
  }
  return Error(Code::bad_config, std::move(what)).at(note.origin);
}

const std::set<std::string, std::less<>>& secret_keys() {
  static const auto keys = fields::secret_keys(fields::Engine<Config>::shape());
  return keys;
}

const std::set<std::string, std::less<>>& public_keys() {
  static const auto keys = fields::public_keys(fields::Engine<Config>::shape());
  return keys;
}

Digest meaning(const Config& config) {
  if (config.provision.unfinished) {
    Config without = config;
    without.provision.unfinished.reset();
    return meaning(without);
  }
  return Digest::sha256(fields::write_json(fields::Engine<Config>::write(config)));
}

}  // namespace provision::spec
