// SPDX-License-Identifier: Apache-2.0
// The bodies of Engine<R>. Include it only in a record's own .cpp, after its Table.
#pragma once

#include <array>

#include "base/text.hpp"
#include "fields/engine.hpp"
#include "fields/table.hpp"

namespace provision::fields {

template <class R>
concept HasPlace = requires(R record) {
  { record.place } -> std::same_as<Located&>;
};

template <class R>
concept HasCrossCheck = requires(const R& record, Checker& checker) {
  cross_check(record, checker);
};

namespace detail {

template <class R, class F>
void for_each_row(F&& visit) {
  std::apply([&](const auto&... row) { (visit(row), ...); }, Table<R>::rows);
}

template <class R>
bool is_known(std::string_view key, Version version) {
  bool known = false;
  for_each_row<R>([&](const auto& row) {
    known = known || (row.name == key && row.traits.since <= version && version < row.traits.until);
  });
  return known;
}

// "did you mean" for a key that is near a known one.
template <class R>
std::string suggestion(std::string_view key, Version version) {
  std::string_view best;
  std::size_t distance = key.size() / 3 + 1;
  for_each_row<R>([&](const auto& row) {
    const std::size_t d = edit_distance(lower_ascii(key), lower_ascii(row.name));
    if (row.traits.since <= version && d <= distance) {
      distance = d;
      best = row.name;
    }
  });
  return best.empty() ? "" : "did you mean \"" + std::string(best) + "\"?";
}

template <class R>
void note_unknown_keys(const Value& value, Reader& reader) {
  for (const auto& member : value.members) {
    if (!is_known<R>(member.key, reader.version())) {
      reader.path.push(member.key);
      reader.warning(member.key_at, "unused key \"" + printable(member.key) + "\"",
                     suggestion<R>(member.key, reader.version()));
      reader.path.pop();
    }
  }
}

}  // namespace detail

template <class R>
void Engine<R>::read(const Value& value, R& record, Reader& reader) {
  if (value.kind == Value::Kind::null) {
    return;
  }
  if (value.kind != Value::Kind::object) {
    reader.mismatch(value, "an object");
    return;
  }
  if constexpr (HasPlace<R>) {
    record.place = reader.place(value);
  }
  detail::for_each_row<R>([&](const auto& row) {
    if (reader.version() < row.traits.since || reader.version() >= row.traits.until) {
      return;
    }
    using Type = typename std::remove_cvref_t<decltype(row)>::Member;
    const Value* given = value.find(row.name);
    const bool missing = given == nullptr || given->kind == Value::Kind::null;
    const bool empty_string = !missing && given->kind == Value::Kind::string && given->string.empty();
    if (row.traits.required && (missing || empty_string)) {
      reader.error(missing ? value.at : given->at,
                   "\"" + std::string(row.name) + "\" is required here" + (missing ? "" : " and must not be empty"));
    } else if (!missing) {
      reader.path.push(row.name);
      Codec<Type>::read(*given, record.*(row.member), reader);
      reader.path.pop();
    }
  });
  detail::note_unknown_keys<R>(value, reader);
}

template <class R>
Value Engine<R>::write(const R& record) {
  Value made = Value::object();
  detail::for_each_row<R>([&](const auto& row) {
    using Type = typename std::remove_cvref_t<decltype(row)>::Member;
    const auto& member = record.*(row.member);
    if (!Codec<Type>::absent(member)) {
      made.add(std::string(row.name), Codec<Type>::write(member));
    }
  });
  return made;
}

template <class R>
void Engine<R>::check(const R& record, Checker& checker) {
  const Located outer = checker.record;
  if constexpr (HasPlace<R>) {
    checker.record = record.place;
  }
  detail::for_each_row<R>([&](const auto& row) {
    using Type = typename std::remove_cvref_t<decltype(row)>::Member;
    const auto& member = record.*(row.member);
    if (row.traits.check != nullptr) {
      row.traits.check(member, row.name, checker);
    }
    checker.path.push(row.name);
    Codec<Type>::check(member, checker);
    checker.path.pop();
  });
  if constexpr (HasCrossCheck<R>) {
    cross_check(record, checker);
  }
  checker.record = outer;
}

template <class R>
void Engine<R>::secrets(std::set<std::string, std::less<>>& keys) {
  detail::for_each_row<R>([&](const auto& row) {
    using Type = typename std::remove_cvref_t<decltype(row)>::Member;
    if (row.traits.secret) {
      keys.emplace(row.name);
    }
    Codec<Type>::secrets(keys);
  });
}

}  // namespace provision::fields

#define PROVISION_INSTANTIATE_RECORD(R) template struct provision::fields::Engine<R>
