// SPDX-License-Identifier: Apache-2.0
// The bodies of Engine<R>. Include it only in a record's own .cpp, after its Table.
#pragma once

#include <algorithm>
#include <array>
#include <unordered_map>

#include "base/text.hpp"
#include "fields/engine.hpp"
#include "fields/table.hpp"

namespace provision::fields {

template <class R>
concept HasPlace = requires(R record) {
  { record.place } -> std::same_as<Located&>;
};

// A record may have, found by overload in its own namespace:
//   void cross_check(const R&, Checker&)          checks that need more than one field
//   std::string key_of(const R&)                  what tells it from others in a list
//   bool deletes(const R& child)                  in a merge, this child removes the parent's entry of its key
//   void displace(R& parent, const R& child)      runs before a merge: lists that share one namespace
template <class R>
concept HasCrossCheck = requires(const R& record, Checker& checker) { cross_check(record, checker); };
template <class R>
concept HasKey = requires(const R& record) {
  { key_of(record) } -> std::convertible_to<std::string>;
};
template <class R>
concept CanDelete = requires(const R& record) {
  { deletes(record) } -> std::same_as<bool>;
};
template <class R>
concept CanDisplace = requires(R& parent, const R& child) { displace(parent, child); };

inline std::string key_of(const std::string& text) { return text; }

namespace detail {

template <class T>
inline constexpr bool is_optional = false;
template <class T>
inline constexpr bool is_optional<std::optional<T>> = true;
template <class T>
inline constexpr bool is_list = false;
template <class T>
inline constexpr bool is_list<std::vector<T>> = true;
template <class T>
inline constexpr bool is_record = std::is_class_v<T> && !is_optional<T> && !is_list<T> && !std::is_same_v<T, std::string>;

template <class R, class F>
constexpr void for_each_row(F&& visit) {
  std::apply([&](const auto&... row) { (visit(row), ...); }, Table<R>::rows);
}

template <class R>
constexpr std::size_t row_count() {
  return std::tuple_size_v<std::remove_cvref_t<decltype(Table<R>::rows)>>;
}

// A scalar that is neither optional, nor required, nor part of the key would overwrite its parent's value in a merge by
// its default, though the child says nothing of it.
template <class R>
constexpr bool survives_merges() {
  bool fine = true;
  for_each_row<R>([&](const auto& row) {
    using Type = typename std::remove_cvref_t<decltype(row)>::Member;
    const bool scalar = !is_optional<Type> && !is_list<Type> && !is_record<Type>;
    fine = fine && (!scalar || row.traits.required || row.traits.key);
  });
  return fine;
}

template <class Row>
bool is_in(const Row& row, const Dialect& dialect) {
  return row.traits.since <= dialect.version && dialect.version < row.traits.until &&
         (!row.traits.extension || dialect.extensions);
}

// "did you mean" for a key that is near a known one.
template <class R>
std::string suggestion(std::string_view key, const Dialect& dialect) {
  std::string_view best;
  std::size_t distance = key.size() / 3 + 1;
  std::string since;
  for_each_row<R>([&](const auto& row) {
    if (row.name == key && row.traits.extension) {
      since = "it is an extension: give the config a version such as \"3.6.0+provision.1\"";
    } else if (row.name == key) {
      since = "it is in the spec from version " + std::to_string(row.traits.since.major) + "." +
              std::to_string(row.traits.since.minor) + ".0 on";
    }
    const std::size_t d = edit_distance(lower_ascii(key), lower_ascii(row.name));
    if (is_in(row, dialect) && d < distance) {
      distance = d;
      best = row.name;
    }
  });
  if (!since.empty()) {
    return since;
  }
  return best.empty() ? "" : "did you mean \"" + std::string(best) + "\"?";
}

// The member that counts for each row: as in Go the last one whose key is the row's name, letters' case aside.
template <class R>
std::array<const Member*, row_count<R>()> members_of_rows(const Value& value, Reader& reader) {
  std::array<const Member*, row_count<R>()> found{};
  for (const auto& member : value.members) {
    std::size_t index = 0;
    bool known = false;
    for_each_row<R>([&](const auto& row) {
      if (!known && is_in(row, reader.dialect()) && equal_folded(member.key, row.name)) {
        known = true;
        if (member.key != row.name) {
          reader.path.push(member.key);
          reader.strict(member.key_at, "the key \"" + printable(member.key) + "\" is taken as \"" +
                                           std::string(row.name) + "\"; write it so");
          reader.path.pop();
        }
        if (found[index] != nullptr) {
          reader.path.push(row.name);
          reader.strict(member.key_at, "the key \"" + std::string(row.name) + "\" is given twice; the last one counts");
          reader.path.pop();
        }
        found[index] = &member;
      }
      index += known ? 0 : 1;
    });
    if (!known) {
      reader.path.push(member.key);
      reader.strict(member.key_at, "unused key \"" + printable(member.key) + "\"",
                    suggestion<R>(member.key, reader.dialect()));
      reader.path.pop();
    }
  }
  return found;
}

template <class R, class Row>
void read_row(const Row& row, const Value& record_value, const Member* member, R& record, Reader& reader) {
  using Type = typename Row::Member;
  const bool missing = member == nullptr || member->value.kind == Value::Kind::null;
  const bool empty_string = !missing && member->value.kind == Value::Kind::string && member->value.string.empty();
  if (row.traits.required && (missing || empty_string)) {
    reader.error(missing ? record_value.at : member->value.at, "\"" + std::string(row.name) + "\" is required here" +
                                                                   (missing ? "" : " and must not be empty"));
  } else if (!missing) {
    reader.path.push(row.name);
    Codec<Type>::read(member->value, record.*(row.member), reader);
    reader.path.pop();
  }
}

// Two elements of one key in a list that is merged by key, or is a set.
template <class T>
void check_duplicates(const std::vector<T>& list, std::string_view key, Checker& checker) {
  if constexpr (HasKey<T>) {
    std::unordered_map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
      std::string name = key_of(list[i]);
      const auto [other, fresh] = seen.emplace(name, i);
      if (!fresh) {
        checker.duplicate(key, "\"" + printable(name) + "\" is given twice in this list", i,
                          checker.origin(key, other->second));
      }
    }
  }
}

// --- merging

inline void take(Located& parent, std::string_view key, const Located& child) {
  const auto [site, index] = child.find(key, 0);
  parent.taken.push_back({key, site, 0, 0, index});
}

inline void take_element(Located& parent, std::string_view key, std::size_t number, const Located& child,
                         std::size_t child_number) {
  const auto [site, index] = child.find(key, child_number);
  parent.taken.push_back({key, site, number, 1, index});
}

template <class T>
std::unordered_map<std::string, std::size_t> indices_of(const std::vector<T>& list) {
  std::unordered_map<std::string, std::size_t> indices;
  for (std::size_t i = 0; i < list.size(); ++i) {
    indices.emplace(key_of(list[i]), i);
  }
  return indices;
}

template <class T>
void merge_lists(std::vector<T>& parent, const std::vector<T>& child, bool repeats, std::string_view key,
                 Located& parent_place, const Located& child_place) {
  const auto append = [&](std::size_t i) {
    take_element(parent_place, key, parent.size(), child_place, i);
    parent.push_back(child[i]);
  };
  if constexpr (HasKey<T>) {
    if (!repeats) {
      auto indices = indices_of(parent);
      std::vector<std::string> deleted;
      for (std::size_t i = 0; i < child.size(); ++i) {
        std::string name = key_of(child[i]);
        const auto found = indices.find(name);
        if (found == indices.end()) {
          indices.emplace(std::move(name), parent.size());
          append(i);
        } else if constexpr (CanDelete<T>) {
          if (deletes(child[i])) {
            deleted.push_back(name);
          } else {
            Codec<T>::merge(parent[found->second], child[i]);
          }
        } else if constexpr (is_record<T>) {
          Codec<T>::merge(parent[found->second], child[i]);
        }
      }
      if (!deleted.empty()) {
        std::erase_if(parent, [&](const T& entry) {
          return std::find(deleted.begin(), deleted.end(), key_of(entry)) != deleted.end();
        });
      }
      return;
    }
  }
  for (std::size_t i = 0; i < child.size(); ++i) {
    append(i);
  }
}

template <class R, class Row>
void merge_row(const Row& row, R& parent, const R& child, Located& parent_place, const Located& child_place) {
  using Type = typename Row::Member;
  Type& into = parent.*(row.member);
  const Type& from = child.*(row.member);
  if constexpr (is_list<Type>) {
    merge_lists(into, from, row.traits.repeats, row.name, parent_place, child_place);
  } else if constexpr (is_optional<Type>) {
    if (from) {
      into = from;
      take(parent_place, row.name, child_place);
    }
  } else if constexpr (is_record<Type>) {
    Codec<Type>::merge(into, from);
  } else {
    into = from;
    take(parent_place, row.name, child_place);
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
  const auto members = detail::members_of_rows<R>(value, reader);
  std::size_t index = 0;
  detail::for_each_row<R>([&](const auto& row) {
    if (detail::is_in(row, reader.dialect())) {
      detail::read_row(row, value, members[index], record, reader);
    }
    ++index;
  });
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
  const Located* outer = checker.record;
  detail::for_each_row<R>([&](const auto& row) {
    using Type = typename std::remove_cvref_t<decltype(row)>::Member;
    const auto& member = record.*(row.member);
    if constexpr (HasPlace<R>) {
      checker.record = &record.place;
    }
    if (row.traits.check != nullptr) {
      row.traits.check(member, row.name, checker);
    }
    if constexpr (detail::is_list<Type>) {
      if (!row.traits.repeats) {
        detail::check_duplicates(member, row.name, checker);
      }
    }
    checker.path.push(row.name);
    Codec<Type>::check(member, checker);
    checker.path.pop();
  });
  if constexpr (HasPlace<R>) {
    checker.record = &record.place;
  }
  if constexpr (HasCrossCheck<R>) {
    cross_check(record, checker);
  }
  checker.record = outer;
}

template <class R>
void Engine<R>::merge(R& parent, const R& child) {
  if constexpr (HasPlace<R>) {
    static_assert(detail::survives_merges<R>(), "a scalar field is neither optional, nor required, nor a key");
    if (child.place.nowhere()) {
      return;
    }
    if (parent.place.nowhere()) {
      parent = child;
      return;
    }
    if constexpr (CanDisplace<R>) {
      displace(parent, child);
    }
    detail::for_each_row<R>(
        [&](const auto& row) { detail::merge_row(row, parent, child, parent.place, child.place); });
  }
}

template <class R>
Shape Engine<R>::shape() {
  Shape record;
  record.kind = Shape::Kind::record;
  detail::for_each_row<R>([&](const auto& row) {
    using Type = typename std::remove_cvref_t<decltype(row)>::Member;
    record.fields.push_back({row.name, row.doc, row.traits.unit, row.traits.since, row.traits.until,
                             row.traits.required, row.traits.secret, row.traits.extension, Codec<Type>::shape()});
  });
  return record;
}

}  // namespace provision::fields

#define PROVISION_INSTANTIATE_RECORD(R) template struct provision::fields::Engine<R>
