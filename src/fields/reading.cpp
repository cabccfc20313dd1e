// SPDX-License-Identifier: Apache-2.0
#include "fields/reading.hpp"

#include <algorithm>
#include <string>

#include "base/text.hpp"

namespace provision::fields {
namespace {

bool is_in(const RowFacts& row, const Dialect& dialect) {
  return row.since <= dialect.version && dialect.version < row.until && (!row.extension || dialect.extensions);
}

std::string later_version(const RowFacts& row) {
  if (row.extension) {
    return "it is an extension: give the config a version such as \"3.6.0+provision.1\"";
  }
  return "it is in the spec from version " + std::to_string(row.since.major) + "." + std::to_string(row.since.minor) +
         ".0 on";
}

// "did you mean" for a key that is near a known one.
std::string suggestion(std::span<const RowFacts> rows, std::string_view key, const Dialect& dialect) {
  std::string_view best;
  std::size_t distance = key.size() / 3 + 1;
  for (const auto& row : rows) {
    if (row.name == key) {
      return later_version(row);
    }
    const std::size_t d = edit_distance(lower_ascii(key), lower_ascii(row.name));
    if (is_in(row, dialect) && d < distance) {
      distance = d;
      best = row.name;
    }
  }
  return best.empty() ? "" : "did you mean \"" + std::string(best) + "\"?";
}

void note_unused(std::span<const RowFacts> rows, const Member& member, Reader& reader) {
  reader.path.push(member.key);
  reader.strict(member.key_at, "unused key \"" + printable(member.key) + "\"",
                suggestion(rows, member.key, reader.dialect()));
  reader.path.pop();
}

void note_spelling(const RowFacts& row, const Member& member, Reader& reader) {
  reader.path.push(member.key);
  reader.strict(member.key_at,
                "the key \"" + printable(member.key) + "\" is taken as \"" + std::string(row.name) + "\"; write it so");
  reader.path.pop();
}

void note_repeated(const RowFacts& row, const Member& member, const Member& first, Reader& reader) {
  reader.path.push(row.name);
  reader.repeated(member.key_at, "the key \"" + std::string(row.name) + "\" is given twice; the last one counts",
                  first.key_at);
  reader.path.pop();
}

}  // namespace

void find_members(std::span<const RowFacts> rows, const Value& record, Reader& reader, std::span<const Member*> found) {
  for (const auto& member : record.members) {
    const auto row = std::find_if(rows.begin(), rows.end(), [&](const RowFacts& one) {
      return is_in(one, reader.dialect()) && equal_folded(member.key, one.name);
    });
    if (row == rows.end()) {
      note_unused(rows, member, reader);
      continue;
    }
    const Member*& counts = found[static_cast<std::size_t>(row - rows.begin())];
    if (member.key != row->name) {
      note_spelling(*row, member, reader);
    }
    if (counts != nullptr) {
      note_repeated(*row, member, *counts, reader);
    }
    counts = &member;
  }
}

bool enter_field(const RowFacts& row, const Value& record, const Member* member, Reader& reader) {
  if (!is_in(row, reader.dialect())) {
    return false;
  }
  const bool missing = member == nullptr || member->value.kind == Value::Kind::null;
  const bool empty_string = !missing && member->value.kind == Value::Kind::string && member->value.string.empty();
  if (row.required && (missing || empty_string)) {
    const std::size_t at = missing ? record.at : member->value.at;
    std::string text = "\"" + std::string(row.name) + "\" is required here" + (missing ? "" : " and must not be empty");
    row.lenient ? reader.strict(at, std::move(text)) : reader.error(at, std::move(text));
    return false;
  }
  if (!missing) {
    reader.path.push(row.name);
  }
  return !missing;
}

}  // namespace provision::fields
