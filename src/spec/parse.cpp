// SPDX-License-Identifier: Apache-2.0
#include "spec/parse.hpp"

#include <algorithm>
#include <array>
#include <tuple>

#include "base/text.hpp"
#include "fields/json.hpp"

namespace provision::spec {
namespace {

using fields::Notes;
using fields::Severity;
using fields::Value;
using fields::Version;

struct VersionRow {
  std::string_view text;
  Version version;
};
constexpr std::array versions{VersionRow{"3.0.0", {3, 0}}, VersionRow{"3.1.0", {3, 1}}, VersionRow{"3.2.0", {3, 2}},
                              VersionRow{"3.3.0", {3, 3}}, VersionRow{"3.4.0", {3, 4}}};

std::string version_hint() { return "this version of provision reads 3.0.0 to " + std::string(versions.back().text); }

// The config's version, or a note that says what is wrong with it, at its place.
std::optional<Version> read_version(const fields::Document& document, Notes& notes) {
  const auto complain = [&](const Value& at, std::string text, std::string hint) {
    notes.add({Severity::error, document.origin(at.at, "$.ignition.version"), std::move(text), std::move(hint)});
  };
  const Value& root = document.root();
  if (root.kind != Value::Kind::object) {
    complain(root, "a config is a JSON object, this is " + std::string(name_of(root.kind)), {});
    return std::nullopt;
  }
  const Value* ignition = root.find("ignition");
  const Value* version = ignition != nullptr ? ignition->find("version") : nullptr;
  if (version == nullptr) {
    complain(ignition != nullptr ? *ignition : root, "the config does not say its spec version",
             R"(add "ignition": {"version": "3.4.0"})");
    return std::nullopt;
  }
  for (const auto& row : versions) {
    if (version->kind == Value::Kind::string && version->string == row.text) {
      return row.version;
    }
  }
  complain(*version,
           version->kind == Value::Kind::string ? "unknown spec version \"" + printable(version->string) + "\""
                                                : "the spec version is a string",
           version_hint());
  return std::nullopt;
}

}  // namespace

Parsed parse(std::string document_name, std::string text) {
  Parsed parsed;
  parsed.sources.documents.emplace_back(std::move(document_name), std::move(text));
  fields::Document& document = parsed.sources.documents.front();
  if (const auto read = fields::parse_json(document); !read) {
    parsed.notes.add({Severity::error, read.error().origin.value_or(Origin{}), read.error().what});
    return parsed;
  }
  const auto version = read_version(document, parsed.notes);
  if (!version) {
    return parsed;
  }
  parsed.version = *version;
  Config config;
  fields::Reader reader(document, 0, {*version, false}, parsed.notes);
  fields::Engine<Config>::read(document.root(), config, reader);
  fields::Checker checker(parsed.sources, *version, parsed.notes);
  fields::Engine<Config>::check(config, checker);
  std::stable_sort(parsed.notes.all.begin(), parsed.notes.all.end(), [](const fields::Note& a, const fields::Note& b) {
    return std::tie(a.origin.line, a.origin.column) < std::tie(b.origin.line, b.origin.column);
  });
  if (!parsed.notes.has_errors()) {
    parsed.config = std::move(config);
  }
  return parsed;
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

Digest meaning(const Config& config) {
  return Digest::sha256(fields::write_json(fields::Engine<Config>::write(config)));
}

}  // namespace provision::spec
