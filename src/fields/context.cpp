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

std::pair<Site, std::size_t> Located::find(std::string_view key, std::size_t index) const {
  // The last taking counts.
  for (auto part = taken.rbegin(); part != taken.rend(); ++part) {
    if (part->key == key && (part->count == 0 || (index >= part->first && index < part->first + part->count))) {
      return {part->site, part->count == 0 ? index : index - part->first + part->there};
    }
  }
  return {site, index};
}

Origin Sources::origin(const Located& place, std::string path, std::string_view key,
                       std::optional<std::size_t> index) const {
  const auto [site, number] = place.find(key, index.value_or(0));
  INVARIANT(site.document < documents.size());
  const Document& document = documents[site.document];
  const Value* value = value_at(document.root(), site.at);
  if (value != nullptr && !key.empty()) {
    const Value* field = value->find_folded(key);
    value = field != nullptr ? field : value;
    if (field != nullptr && index && number < field->items.size()) {
      value = &field->items[number];
    }
  }
  return document.origin(value != nullptr ? value->at : site.at, std::move(path));
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
  notes_.add({Severity::error, document_.origin(at, path.text()), std::move(text), std::move(hint), false, {}});
}

void Reader::strict(std::size_t at, std::string text, std::string hint) {
  notes_.add({Severity::warning, document_.origin(at, path.text()), std::move(text), std::move(hint), true, {}});
}

void Reader::mismatch(const Value& value, std::string_view expected) {
  error(value.at, "expected " + std::string(expected) + ", found " + std::string(name_of(value.kind)));
}

void Checker::error(std::string_view key, std::string text, std::string hint, std::optional<std::size_t> index) {
  add({Severity::error, {}, std::move(text), std::move(hint), false, {}}, key, index);
}

void Checker::warning(std::string_view key, std::string text, std::string hint, std::optional<std::size_t> index) {
  add({Severity::warning, {}, std::move(text), std::move(hint), false, {}}, key, index);
}

void Checker::strict(std::string_view key, std::string text, std::string hint, std::optional<std::size_t> index) {
  add({Severity::warning, {}, std::move(text), std::move(hint), true, {}}, key, index);
}

void Checker::duplicate(std::string_view key, std::string text, std::size_t index, const Origin& other) {
  add({Severity::error, {}, std::move(text), {}, false, {other}}, key, index);
}

Origin Checker::origin(std::string_view key, std::optional<std::size_t> index) const {
  std::string where = path.text();
  if (!key.empty()) {
    where += "." + std::string(key);
  }
  if (index) {
    where += "." + std::to_string(*index);
  }
  INVARIANT(record != nullptr);
  return sources_.origin(*record, std::move(where), key, index);
}

void Checker::add(Note note, std::string_view key, std::optional<std::size_t> index) {
  note.origin = origin(key, index);
  notes_.add(std::move(note));
}

}  // namespace provision::fields
