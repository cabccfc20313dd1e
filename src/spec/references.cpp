// SPDX-License-Identifier: Apache-2.0
#include "spec/references.hpp"

#include <algorithm>

#include "spec/enrollments.hpp"
#include "spec/growth.hpp"
#include "spec/selectors.hpp"
#include "spec/subvolumes.hpp"

namespace provision::spec {

bool refers_to_others(const Config& config) {
  return !config.ignition.config.merge.empty() || config.ignition.config.replace.source;
}

const Filesystem* filesystem_on(const Config& config, std::string_view device) {
  const auto& all = config.storage.filesystems;
  const auto found = std::find_if(all.begin(), all.end(), [&](const Filesystem& one) { return one.device == device; });
  return found == all.end() ? nullptr : &*found;
}

fields::Notes reference_notes(const Parsed& parsed) {
  fields::Notes all;
  for (auto* const of_kind : {&selector_notes, &growth_notes, &subvolume_notes, &enrollment_notes}) {
    fields::Notes found = of_kind(parsed);
    for (auto& note : found.all) {
      all.add(std::move(note));
    }
  }
  return all;
}

void add_reference_notes(Parsed& parsed) { add_notes(parsed, reference_notes(parsed)); }

}  // namespace provision::spec
