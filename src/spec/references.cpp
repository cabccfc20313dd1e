// SPDX-License-Identifier: Apache-2.0
#include "spec/references.hpp"

#include "spec/growth.hpp"
#include "spec/selectors.hpp"

namespace provision::spec {

bool refers_to_others(const Config& config) {
  return !config.ignition.config.merge.empty() || config.ignition.config.replace.source;
}

fields::Notes reference_notes(const Parsed& parsed) {
  fields::Notes all;
  for (auto* const of_kind : {&selector_notes, &growth_notes}) {
    fields::Notes found = of_kind(parsed);
    for (auto& note : found.all) {
      all.add(std::move(note));
    }
  }
  return all;
}

void add_reference_notes(Parsed& parsed) {
  fields::Notes found = reference_notes(parsed);
  for (auto& note : found.all) {
    parsed.notes.add(std::move(note));
  }
  sort_notes(parsed.notes);
  if (parsed.notes.has_errors()) {
    parsed.config.reset();
  }
}

}  // namespace provision::spec
