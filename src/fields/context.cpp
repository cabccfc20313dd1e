// SPDX-License-Identifier: Apache-2.0
#include "fields/context.hpp"

#include <algorithm>

#include "base/assert.hpp"

namespace provision::fields {
namespace {

const Value& placed(const Value& item) { return item; }
const Value& placed(const Member& member) { return member.value; }

// The one of `parts` (they stand in the order of the text) whose span holds the offset.
template <class Part>
const Value* holding(const std::vector<Part>& parts, std::uint32_t at) {
  const auto after = std::upper_bound(parts.begin(), parts.end(), at,
                                      [](std::uint32_t offset, const Part& part) { return offset < placed(part).at; });
  if (after == parts.begin() || at >= placed(*std::prev(after)).end) {
    return nullptr;
  }
  return &placed(*std::prev(after));
}

// The value that starts at `at` and is a record: found by descending into the child whose span holds the offset.
const Value* value_at(const Value& root, std::uint32_t at) {
  const Value* value = &root;
  while (value != nullptr && value->at != at) {
    value = value->kind == Value::Kind::array ? holding(value->items, at) : holding(value->members, at);
  }
  return value;
}

}  // namespace

std::pair<Site, std::size_t> Located::find(std::string_view key, std::size_t index) const {
  // The last taking counts.
  const auto part = std::find_if(taken.rbegin(), taken.rend(), [&](const Taken& each) {
    return each.key == key && (each.count == 0 || (index >= each.first && index < each.first + each.count));
  });
  if (part != taken.rend()) {
    return {part->site, part->count == 0 ? index : index - part->first + part->there};
  }
  return {site, index};
}

void Located::take(std::string_view key, const Located& other) {
  const auto [from, index] = other.find(key, 0);
  taken.push_back({key, from, 0, 0, index});
}

void Located::take_element(std::string_view key, std::size_t index, const Located& other, std::size_t there) {
  const auto [from, number] = other.find(key, there);
  if (!taken.empty()) {
    // A list that is appended element by element stays one entry.
    Taken& last = taken.back();
    if (last.key == key && last.count != 0 && last.site == from && last.first + last.count == index &&
        last.there + last.count == number) {
      ++last.count;
      return;
    }
  }
  taken.push_back({key, from, index, 1, number});
}

void Located::keep_elements(std::string_view key, const std::vector<std::size_t>& kept) {
  const Located before = *this;
  std::erase_if(taken, [&](const Taken& part) { return part.key == key && part.count != 0; });
  for (std::size_t i = 0; i < kept.size(); ++i) {
    take_element(key, i, before, kept[i]);
  }
}

void Located::move_behind(std::uint32_t count) {
  const auto move = [&](Site& moved) { moved.document += moved.document == Site::nowhere ? 0 : count; };
  move(site);
  for (auto& part : taken) {
    move(part.site);
  }
}

Origin Sources::origin(const Located& place, std::string path, std::string_view key,
                       std::optional<std::size_t> index) const {
  const auto [found, number] = place.find(key, index.value_or(0));
  const Site site = found.document == Site::nowhere ? Site{0, 0} : found;
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

void Reader::repeated(std::size_t at, std::string text, std::size_t first) {
  const std::string here = path.text();
  notes_.add(
      {Severity::warning, document_.origin(at, here), std::move(text), {}, true, {document_.origin(first, here)}});
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

Within::Within(Checker& checker, const Located& record, const std::vector<Step>& steps)
    : checker_(checker), outer_(checker.record), depth_(steps.size()) {
  for (const auto& step : steps) {
    std::visit([&](const auto& part) { checker_.path.push(part); }, step);
  }
  checker_.record = &record;
}

Within::~Within() {
  for (std::size_t i = 0; i < depth_; ++i) {
    checker_.path.pop();
  }
  checker_.record = outer_;
}

}  // namespace provision::fields
