// SPDX-License-Identifier: Apache-2.0
// From bytes to a checked config.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/digest.hpp"
#include "fields/context.hpp"
#include "spec/config.hpp"

namespace provision::spec {

// A spec version that is read: as a config says it, and as the tables know it.
struct SpecVersion {
  std::string_view text;
  fields::Version version;
};
// Oldest first.
std::span<const SpecVersion> spec_versions();
// What a config may give as its version: those, and behind them the released ones that may have the suffix of our
// extensions, with it.
std::vector<std::string> config_versions();
// By which rules a config of that version is read; nothing: it is not known.
std::optional<fields::Dialect> dialect_of(std::string_view text);

struct Parsed {
  // Present unless a note is an error.
  std::optional<Config> config;
  fields::Version version;
  // The documents it came from; notes and records point into them.
  fields::Sources sources;
  fields::Notes notes;
  // The places whose `replace` led to this config, outermost first.
  std::vector<Origin> replaced = {};
};

// Reads `ignition.version` first, then the whole by the rules of exactly that version, then checks it.
Parsed parse(std::string document_name, std::string text);

// Where our own extensions are turned off: the error, at its version, of a config that asks for them. `parsed` has a
// config.
std::optional<fields::Note> refused_extensions(const Parsed& parsed);

// Adds what a look at the whole config has found; with an error among it there is no config any more.
void add_notes(Parsed& parsed, fields::Notes found);
// In the order of the text of one document.
void sort_notes(fields::Notes& notes);

// The first error as an Error of Code::bad_config; call only if there is no config.
Error error_of(const Parsed& parsed);

// The digest of what the config means: of its canonical writing, so that a re-rendered but equal config has the same.
// What becomes of an unfinished first boot is no part of it: that is said about the machine as it stands.
Digest meaning(const Config& config);

// The keys of a config whose values may be secrets: no message shows them.
const std::set<std::string, std::less<>>& secret_keys();
// Those whose values may be shown. A key that is in neither may be a secret's, misspelled.
const std::set<std::string, std::less<>>& public_keys();

}  // namespace provision::spec
