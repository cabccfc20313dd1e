// SPDX-License-Identifier: Apache-2.0
#include "spec/merge.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <tuple>
#include <unordered_set>
#include <utility>

#include "base/text.hpp"

namespace provision::spec {
namespace {

using fields::Engine;
using fields::Note;
using fields::Notes;

template <class T>
void append(std::vector<T>& to, std::vector<T> from) {
  to.insert(to.end(), std::make_move_iterator(from.begin()), std::make_move_iterator(from.end()));
}

// The documents, notes and replacements of both; the child's records are renumbered to fit.
void join_sources(Parsed& parent, Parsed& child) {
  if (child.config) {
    Engine<Config>::move_behind(*child.config, static_cast<std::uint32_t>(parent.sources.documents.size()));
  }
  append(parent.sources.documents, std::move(child.sources.documents));
  append(parent.notes.all, std::move(child.notes.all));
  append(parent.replaced, std::move(child.replaced));
}

// Two notes of one identity tell the user the same. The path is left out: it changes with the place in a merged list.
std::string identity(const Note& note) {
  return std::string(name_of(note.severity)) + "\n" + to_string(note.origin) + "\n" + note.text;
}

// Checking the result says again what was said of each document.
void add_new(Notes& notes, Notes fresh) {
  std::unordered_set<std::string> known;
  for (const auto& note : notes.all) {
    known.insert(identity(note));
  }
  for (auto& note : fresh.all) {
    if (known.insert(identity(note)).second) {
      notes.add(std::move(note));
    }
  }
}

// The suffix of a config that uses extensions, as "+provision.1".
std::string_view extension_of(std::string_view version) {
  const std::size_t plus = version.find('+');
  return plus == std::string_view::npos ? std::string_view{} : version.substr(plus);
}

// The newer version, from the document that has it, and the extensions of either.
void keep_newer_version(Parsed& merged, const fields::Version& child_version, std::string before,
                        const Located& before_place) {
  std::string& version = merged.config->ignition.version;
  const std::string extension(std::max(extension_of(version), extension_of(before)));
  if (child_version < merged.version) {
    version = std::move(before);
    merged.config->ignition.place.take("version", before_place);
  } else {
    merged.version = child_version;
  }
  version = version.substr(0, version.find('+')) + extension;
}

void lay_over(Parsed& parent, const Parsed& child, Notes& fresh) {
  const std::string version = parent.config->ignition.version;
  const Located place = parent.config->ignition.place;
  fields::Checker checker(parent.sources, std::max(parent.version, child.version), fresh);
  Engine<Config>::merge(*parent.config, *child.config, &checker);
  keep_newer_version(parent, child.version, version, place);
}

}  // namespace

Parsed merge(Parsed parent, Parsed child) {
  join_sources(parent, child);
  if (!parent.config || !child.config) {
    parent.config.reset();
    return parent;
  }
  Notes fresh;
  lay_over(parent, child, fresh);
  fields::Checker checker(parent.sources, parent.version, fresh);
  Engine<Config>::check(*parent.config, checker);
  add_new(parent.notes, std::move(fresh));
  if (parent.notes.has_errors()) {
    parent.config.reset();
  }
  return parent;
}

Parsed replace(Parsed parent, Parsed by) {
  if (parent.config) {
    parent.replaced.push_back(
        parent.sources.origin(parent.config->ignition.config.place, "$.ignition.config.replace", "replace"));
  }
  join_sources(parent, by);
  parent.config = std::move(by.config);
  parent.version = by.version;
  return parent;
}

}  // namespace provision::spec
