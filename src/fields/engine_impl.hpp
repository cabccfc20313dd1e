// SPDX-License-Identifier: Apache-2.0
// The bodies of Engine<R>. Include it only in a record's own .cpp, after its Table.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <unordered_map>

#include "base/text.hpp"
#include "fields/engine.hpp"
#include "fields/reading.hpp"
#include "fields/table.hpp"

namespace provision::fields {

template <class R>
concept HasPlace = requires(R record) {
  { record.place } -> std::same_as<Located&>;
};

// A list of texts or of numbers is a set. Declared before the concept that asks for them: no other lookup finds a
// function for types that are of no namespace of ours.
inline std::string key_of(const std::string& text) { return text; }
inline std::string key_of(const std::int64_t& number) { return std::to_string(number); }

// A record may have, found by overload in its own namespace:
//   void cross_check(const R&, Checker&)          checks that need more than one field
//   std::string key_of(const R&)                  what tells it from others in a list
//   bool key_is_secret(const R&)                  its key may be a secret: no message quotes it
//   bool deletes(const R& child)                  in a merge, this child removes the parent's entry of its key
//   void displace(R& parent, const R& child)      runs before a merge: lists that share one namespace; it erases with
//                                                 erase_elements(), so that what stays keeps its place
//   void merge_notes(const R& parent, const R& child, Checker&)
//                                                 runs before a merge: what a user may not expect of it
template <class R>
concept HasCrossCheck = requires(const R& record, Checker& checker) {
  cross_check(record, checker);
};
template <class R>
concept HasKey = requires(const R& record) {
  { key_of(record) } -> std::convertible_to<std::string>;
};
template <class R>
concept HasSecretKey = requires(const R& record) {
  { key_is_secret(record) } -> std::same_as<bool>;
};
template <class R>
concept CanDelete = requires(const R& record) {
  { deletes(record) } -> std::same_as<bool>;
};
template <class R>
concept CanDisplace = requires(R& parent, const R& child) {
  displace(parent, child);
};
template <class R>
concept HasMergeNotes = requires(const R& record, Checker& checker) {
  merge_notes(record, record, checker);
};

// Erases the marked elements of the list `key` of the record at `place`; those that stay keep their places.
template <class T>
void erase_elements(std::vector<T>& list, std::string_view key, Located& place, const std::vector<bool>& erased) {
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (!erased[i]) {
      kept.push_back(i);
    }
  }
  if (kept.size() == list.size()) {
    return;
  }
  place.keep_elements(key, kept);
  for (std::size_t i = 0; i < kept.size(); ++i) {
    if (i != kept[i]) {
      list[i] = std::move(list[kept[i]]);
    }
  }
  list.erase(list.begin() + static_cast<std::ptrdiff_t>(kept.size()), list.end());
}

// The same, of those for which `unwanted(element)` holds.
template <class T, class Unwanted>
  requires std::predicate<Unwanted, const T&>
void erase_elements(std::vector<T>& list, std::string_view key, Located& place, Unwanted&& unwanted) {
  std::vector<bool> erased;
  erased.reserve(list.size());
  for (const auto& element : list) {
    erased.push_back(unwanted(element));
  }
  erase_elements(list, key, place, erased);
}

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
inline constexpr bool is_record =
    std::is_class_v<T> && !is_optional<T> && !is_list<T> && !std::is_same_v<T, std::string>;

template <class R, class F>
constexpr void for_each_row(F&& visit) {
  std::apply([&](const auto&... row) { (visit(row), ...); }, Table<R>::rows);
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

template <class R>
inline constexpr auto row_facts = std::apply(
    [](const auto&... row) {
      return std::array<RowFacts, sizeof...(row)>{RowFacts{row.name, row.traits.since, row.traits.until,
                                                           row.traits.required, row.traits.lenient,
                                                           row.traits.extension}...};
    },
    Table<R>::rows);

// Two elements of one key in a list that is merged by key, or is a set.
template <class T>
void check_duplicates(const std::vector<T>& list, std::string_view key, Checker& checker) {
  if constexpr (HasKey<T>) {
    std::unordered_map<std::string, std::size_t> seen;
    for (std::size_t i = 0; i < list.size(); ++i) {
      std::string name = key_of(list[i]);
      const auto [other, fresh] = seen.emplace(name, i);
      if (!fresh) {
        const std::string which = HasSecretKey<T> ? "this" : "\"" + printable(name) + "\"";
        checker.duplicate(key, which + " is given twice in this list", i, checker.origin(key, other->second));
      }
    }
  }
}

// --- merging

template <class T>
std::unordered_map<std::string, std::size_t> indices_of(const std::vector<T>& list) {
  std::unordered_map<std::string, std::size_t> indices;
  indices.reserve(list.size());
  for (std::size_t i = 0; i < list.size(); ++i) {
    indices.emplace(key_of(list[i]), i);
  }
  return indices;
}

// Does `work` while the checker's path, if there is a checker, leads down to the field or its element.
template <class Work>
void descend(Checker* checker, std::string_view key, std::optional<std::size_t> index, Work&& work) {
  if (checker == nullptr) {
    work();
    return;
  }
  checker->path.push(key);
  if (index) {
    checker->path.push(*index);
  }
  work();
  if (index) {
    checker->path.pop();
  }
  checker->path.pop();
}

// Two lists that become one, and where the elements of each are from.
template <class T>
struct Lists {
  std::string_view key;
  std::vector<T>& parent;
  Located& parent_place;
  const std::vector<T>& child;
  const Located& child_place;
  Checker* checker;

  void append(std::size_t number) {
    parent_place.take_element(key, parent.size(), child_place, number);
    parent.push_back(child[number]);
  }
  void append_all() {
    for (std::size_t i = 0; i < child.size(); ++i) {
      append(i);
    }
  }
  // Texts and numbers of one key are equal, so that nothing is to be done for them.
  void join(std::size_t index, std::size_t number) {
    if constexpr (is_record<T>) {
      descend(checker, key, index, [&] { Codec<T>::merge(parent[index], child[number], checker); });
    }
  }
};

template <class T>
bool is_deletion(const T& child) {
  if constexpr (CanDelete<T>) {
    return deletes(child);
  } else {
    return false;
  }
}

// The parent's order first, then what only the child has.
template <class T>
void merge_by_key(Lists<T> lists) {
  auto indices = indices_of(lists.parent);
  std::vector<bool> deleted(lists.parent.size(), false);
  for (std::size_t i = 0; i < lists.child.size(); ++i) {
    const auto [found, fresh] = indices.emplace(key_of(lists.child[i]), lists.parent.size());
    if (fresh) {
      lists.append(i);
      deleted.push_back(false);
    } else if (is_deletion(lists.child[i])) {
      deleted[found->second] = true;
    } else {
      lists.join(found->second, i);
    }
  }
  if constexpr (CanDelete<T>) {
    erase_elements(lists.parent, lists.key, lists.parent_place, deleted);
  }
}

template <class R, class Row>
void merge_row(const Row& row, R& parent, const R& child, Checker* checker) {
  using Type = typename Row::Member;
  Type& into = parent.*(row.member);
  const Type& from = child.*(row.member);
  if constexpr (is_list<Type>) {
    Lists<typename Type::value_type> lists{row.name, into, parent.place, from, child.place, checker};
    if constexpr (HasKey<typename Type::value_type>) {
      row.traits.repeats ? lists.append_all() : merge_by_key(lists);
    } else {
      lists.append_all();
    }
  } else if constexpr (is_optional<Type>) {
    if (from) {
      into = from;
      parent.place.take(row.name, child.place);
    }
  } else if constexpr (is_record<Type>) {
    descend(checker, row.name, std::nullopt, [&] { Codec<Type>::merge(into, from, checker); });
  } else {
    into = from;
    parent.place.take(row.name, child.place);
  }
}

template <class T>
void move_behind(T& value, std::uint32_t count) {
  if constexpr (is_list<T>) {
    for (auto& item : value) {
      move_behind(item, count);
    }
  } else if constexpr (HasPlace<T>) {
    Engine<T>::move_behind(value, count);
  }
}

// --- places

// The path is at the value; `index` is its number in the list `key`.
template <class T>
void value_origins(const T& value, const Located& place, std::string_view key, std::optional<std::size_t> index,
                   const Sources& sources, PathStack& path, std::vector<Origin>& found) {
  if constexpr (is_list<T>) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      path.push(i);
      value_origins(value[i], place, key, i, sources, path, found);
      path.pop();
    }
  } else if constexpr (HasPlace<T>) {
    Engine<T>::origins(value, sources, path, found);
  } else if (!Codec<T>::absent(value)) {
    found.push_back(sources.origin(place, path.text(), key, index));
  }
}

}  // namespace detail

template <class R>
void Engine<R>::read(const Value& value, R& record, Reader& reader) {
  // null in a list is a record of which nothing is said; elsewhere it is absent, and does not come here.
  if (value.kind != Value::Kind::object && value.kind != Value::Kind::null) {
    reader.mismatch(value, "an object");
    return;
  }
  if constexpr (HasPlace<R>) {
    record.place = reader.place(value);
  }
  std::array<const Member*, detail::row_facts<R>.size()> members{};
  find_members(detail::row_facts<R>, value, reader, members);
  std::size_t index = 0;
  detail::for_each_row<R>([&](const auto& row) {
    const Member* const member = members[index];
    if (enter_field(detail::row_facts<R>[index], value, member, reader)) {
      Codec<typename std::remove_cvref_t<decltype(row)>::Member>::read(member->value, record.*(row.member), reader);
      reader.path.pop();
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
  const Located* here = outer;
  if constexpr (HasPlace<R>) {
    // What is wrong with a record that was not given is the fault of the one that should hold it.
    here = record.place.nowhere() && outer != nullptr ? outer : &record.place;
  }
  detail::for_each_row<R>([&](const auto& row) {
    using Type = typename std::remove_cvref_t<decltype(row)>::Member;
    const auto& member = record.*(row.member);
    checker.record = here;
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
  checker.record = here;
  if constexpr (HasCrossCheck<R>) {
    cross_check(record, checker);
  }
  checker.record = outer;
}

template <class R>
void Engine<R>::merge(R& parent, const R& child, Checker* checker) {
  if constexpr (HasPlace<R>) {
    static_assert(detail::survives_merges<R>(), "a scalar field is neither optional, nor required, nor a key");
    if (child.place.nowhere()) {
      return;
    }
    if (parent.place.nowhere()) {
      parent = child;
      return;
    }
    if constexpr (HasMergeNotes<R>) {
      if (checker != nullptr) {
        checker->record = &child.place;
        merge_notes(parent, child, *checker);
      }
    }
    if constexpr (CanDisplace<R>) {
      displace(parent, child);
    }
    detail::for_each_row<R>([&](const auto& row) { detail::merge_row(row, parent, child, checker); });
  }
}

template <class R>
void Engine<R>::move_behind(R& record, std::uint32_t count) {
  if constexpr (HasPlace<R>) {
    record.place.move_behind(count);
    detail::for_each_row<R>([&](const auto& row) { detail::move_behind(record.*(row.member), count); });
  }
}

template <class R>
void Engine<R>::origins(const R& record, const Sources& sources, PathStack& path, std::vector<Origin>& found) {
  if constexpr (HasPlace<R>) {
    detail::for_each_row<R>([&](const auto& row) {
      path.push(row.name);
      detail::value_origins(record.*(row.member), record.place, row.name, std::nullopt, sources, path, found);
      path.pop();
    });
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
