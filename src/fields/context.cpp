// SPDX-License-Identifier: Apache-2.0
#include "fields/context.hpp"

#include "base/assert.hpp"

namespace provision::fields {
namespace {

// The value that starts at `at` and is a record: found by descending into the child whose span holds the offset.
const Value* value_at(const Value& root, std::uint32_t at) {
  const Value* value = &root;
  while (value != nullptr && value->at != at) {
    const Value* next = nullptr;
    for (const auto& item : value->items) {
      if (item.at <= at && at < item.end) {
        next = &item;
      }
    }
    for (const auto& member : value->members) {
      if (member.value.at <= at && at < member.value.end) {
        next = &member.value;
      }
    }
    value = next;
  }
  return value;
}

}  // namespace

Origin Sources::origin(Located place, std::string path, std::string_view key, std::optional<std::size_t> index) const {
  INVARIANT(place.document < documents.size());
  const Document& document = documents[place.document];
  const Value* value = value_at(document.root(), place.at);
  if (value != nullptr && !key.empty()) {
    const Value* field = value->find(key);
    value = field != nullptr ? field : value;
    if (field != nullptr && index && *index < field->items.size()) {
      value = &field->items[*index];
    }
  }
  return document.origin(value != nullptr ? value->at : place.at, std::move(path));
}

std::string PathStack::text() const {
  std::string text = "$";
  for (const auto& segment : segments_) {
    text += ".";
    text += std::holds_alternative<std::string>(segment) ? std::get<std::string>(segment)
                                                         : std::to_string(std::get<std::size_t>(segment));
  }
  return text;
}

void Reader::error(std::size_t at, std::string text, std::string hint) {
  notes_.add({Severity::error, document_.origin(at, path.text()), std::move(text), std::move(hint)});
}

void Reader::warning(std::size_t at, std::string text, std::string hint) {
  notes_.add({Severity::warning, document_.origin(at, path.text()), std::move(text), std::move(hint)});
}

void Reader::mismatch(const Value& value, std::string_view expected) {
  error(value.at, "expected " + std::string(expected) + ", found " + std::string(name_of(value.kind)));
}

void Checker::error(std::string_view key, std::string text, std::string hint, std::optional<std::size_t> index) {
  add(Severity::error, key, std::move(text), std::move(hint), index);
}

void Checker::warning(std::string_view key, std::string text, std::string hint, std::optional<std::size_t> index) {
  add(Severity::warning, key, std::move(text), std::move(hint), index);
}

void Checker::add(Severity severity, std::string_view key, std::string text, std::string hint,
                  std::optional<std::size_t> index) {
  std::string where = path.text();
  if (!key.empty()) {
    where += "." + std::string(key);
  }
  if (index) {
    where += "." + std::to_string(*index);
  }
  notes_.add({severity, sources_.origin(record, std::move(where), key, index), std::move(text), std::move(hint)});
}

}  // namespace provision::fields
