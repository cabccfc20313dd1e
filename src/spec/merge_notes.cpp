// SPDX-License-Identifier: Apache-2.0
// What a merge does by the spec and a user may not expect: what was said of one value stays when the value is another.
#include <string>
#include <vector>

#include "base/text.hpp"
#include "fields/context.hpp"
#include "spec/config.hpp"

namespace provision::spec {
namespace {

using fields::Checker;
using fields::Severity;

// Where a field of the parent stood.
Origin origin_of(const Located& parent, std::string_view key, Checker& checker) {
  const Located* here = checker.record;
  checker.record = &parent;
  Origin origin = checker.origin(key);
  checker.record = here;
  return origin;
}

// A note at the child's `key`, with the places of what stays.
void stays(std::string_view key, std::string text, std::string hint, std::vector<Origin> related, Checker& checker) {
  checker.add({Severity::warning, {}, std::move(text), std::move(hint), true, std::move(related)}, key, std::nullopt);
}

bool is_another(const std::optional<std::string>& parent, const std::optional<std::string>& child) {
  return parent && child && *parent != *child;
}

bool says(const std::optional<std::string>& text) { return text && !text->empty(); }

}  // namespace

void merge_notes(const Resource& parent, const Resource& child, Checker& checker) {
  if (!is_another(parent.source, child.source)) {
    return;
  }
  if (says(parent.verification.hash) && !child.verification.hash) {
    stays("source", "the hash that was given for another source now applies to this one",
          "give \"verification\" here too", {origin_of(parent.verification.place, "hash", checker)}, checker);
  }
  if (says(parent.compression) && !child.compression) {
    stays("source", "the compression that was given for another source now applies to this one",
          "give \"compression\" here too; \"\" is none", {origin_of(parent.place, "compression", checker)}, checker);
  }
  if (!parent.http_headers.empty()) {
    stays("source", "the headers that were given for another source are sent to this one too",
          "a header here with a name and no value takes away the other of that name",
          {origin_of(parent.place, "httpHeaders", checker)}, checker);
  }
}

void merge_notes(const Filesystem& parent, const Filesystem& child, Checker& checker) {
  if (!is_another(parent.format, child.format)) {
    return;
  }
  if (!parent.options.empty()) {
    stays("format", "the options that were given for " + printable(*parent.format) + " are kept",
          "a merge can only add options", {origin_of(parent.place, "options", checker)}, checker);
  }
  if (says(parent.label) && !child.label) {
    stays("format", "the label that was given for " + printable(*parent.format) + " is kept", "give \"label\" here too",
          {origin_of(parent.place, "label", checker)}, checker);
  }
}

}  // namespace provision::spec
