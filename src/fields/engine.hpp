// SPDX-License-Identifier: Apache-2.0
// What a field table does for its record, and the codecs of the types a field can have.
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/uuid.hpp"
#include "fields/context.hpp"
#include "fields/document.hpp"
#include "fields/shape.hpp"

namespace provision::fields {

// Declared here, defined in engine_impl.hpp, instantiated in the record's own .cpp.
template <class R>
struct Engine {
  // Fills `record` from an object; what is wrong becomes notes, and reading goes on.
  static void read(const Value& value, R& record, Reader& reader);
  // Absent fields are left out; an empty record is {}.
  static Value write(const R& record);
  // Runs the rows' checks, then `cross_check(record, checker)` where the record has one.
  static void check(const R& record, Checker& checker);
  // Lays `child` over `parent`: what the child gives wins, lists are merged as their rows say. What a user may not
  // expect of it is noted, if there is a `checker`.
  static void merge(R& parent, const R& child, Checker* checker = nullptr);
  // Its documents now stand behind `count` others: its places, and those of all records in it, are renumbered.
  static void move_behind(R& record, std::uint32_t count);
  // Adds the origin of every value in the record, with its path from `path` on.
  static void origins(const R& record, const Sources& sources, PathStack& path, std::vector<Origin>& found);
  static Shape shape();
};

// A field's type: how it is read, written and checked. The default is a record with a table.
template <class T>
struct Codec {
  static void read(const Value& value, T& into, Reader& reader) { Engine<T>::read(value, into, reader); }
  static Value write(const T& value) { return Engine<T>::write(value); }
  static void check(const T& value, Checker& checker) { Engine<T>::check(value, checker); }
  static void merge(T& parent, const T& child, Checker* checker) { Engine<T>::merge(parent, child, checker); }
  static Shape shape() { return Engine<T>::shape(); }
  static bool absent(const T& value) { return Engine<T>::write(value).members.empty(); }
};

// Scalars have no inner check.
struct ScalarCodec {
  template <class T>
  static void check(const T& /*value*/, Checker& /*checker*/) {}
};

template <>
struct Codec<std::string> : ScalarCodec {
  static void read(const Value& value, std::string& into, Reader& reader);
  static Value write(const std::string& value) { return Value::of(value); }
  static bool absent(const std::string& /*value*/) { return false; }
  static Shape shape() { return {Shape::Kind::string, {}, {}}; }
};

template <>
struct Codec<std::int64_t> : ScalarCodec {
  static void read(const Value& value, std::int64_t& into, Reader& reader);
  static Value write(std::int64_t value) { return Value::of(value); }
  static bool absent(std::int64_t /*value*/) { return false; }
  static Shape shape() { return {Shape::Kind::integer, {}, {}}; }
};

template <>
struct Codec<bool> : ScalarCodec {
  static void read(const Value& value, bool& into, Reader& reader);
  static Value write(bool value) { return Value::of(value); }
  static bool absent(bool /*value*/) { return false; }
  static Shape shape() { return {Shape::Kind::boolean, {}, {}}; }
};

template <>
struct Codec<Digest> : ScalarCodec {
  static void read(const Value& value, Digest& into, Reader& reader);
  static Value write(const Digest& value) { return Value::of(value.text()); }
  static bool absent(const Digest& value) { return value.empty(); }
  static Shape shape() { return {Shape::Kind::string, {}, {}}; }
};

template <>
struct Codec<Uuid> : ScalarCodec {
  static void read(const Value& value, Uuid& into, Reader& reader);
  static Value write(const Uuid& value) { return Value::of(value.text()); }
  static bool absent(const Uuid& value) { return value.empty(); }
  static Shape shape() { return {Shape::Kind::string, {}, {}}; }
};

template <class T>
struct Codec<std::optional<T>> {
  static void read(const Value& value, std::optional<T>& into, Reader& reader) {
    if (value.kind == Value::Kind::null) {
      into.reset();
      return;
    }
    Codec<T>::read(value, into.emplace(), reader);
  }
  static Value write(const std::optional<T>& value) { return value ? Codec<T>::write(*value) : Value{}; }
  static void check(const std::optional<T>& value, Checker& checker) {
    if (value) {
      Codec<T>::check(*value, checker);
    }
  }
  static Shape shape() { return Codec<T>::shape(); }
  static bool absent(const std::optional<T>& value) { return !value.has_value(); }
};

template <class T>
struct Codec<std::vector<T>> {
  static void read(const Value& value, std::vector<T>& into, Reader& reader) {
    into.clear();
    if (value.kind == Value::Kind::null) {
      return;
    }
    if (value.kind != Value::Kind::array) {
      reader.mismatch(value, "an array");
      return;
    }
    into.reserve(value.items.size());
    for (std::size_t i = 0; i < value.items.size(); ++i) {
      reader.path.push(i);
      Codec<T>::read(value.items[i], into.emplace_back(), reader);
      reader.path.pop();
    }
  }
  static Value write(const std::vector<T>& value) {
    Value made = Value::array();
    made.items.reserve(value.size());
    for (const auto& item : value) {
      made.items.push_back(Codec<T>::write(item));
    }
    return made;
  }
  static void check(const std::vector<T>& value, Checker& checker) {
    for (std::size_t i = 0; i < value.size(); ++i) {
      checker.path.push(i);
      Codec<T>::check(value[i], checker);
      checker.path.pop();
    }
  }
  static Shape shape() {
    Shape list;
    list.kind = Shape::Kind::list;
    list.element.push_back(Codec<T>::shape());
    return list;
  }
  static bool absent(const std::vector<T>& value) { return value.empty(); }
};

// An enumeration gets its words from `constexpr auto words(E) -> array of pair<E, string_view>`, found by overload.
template <class E>
  requires std::is_enum_v<E>
struct Codec<E> : ScalarCodec {
  static void read(const Value& value, E& into, Reader& reader) {
    std::string text;
    if (value.kind != Value::Kind::string) {
      reader.mismatch(value, "a string");
      return;
    }
    for (const auto& [meaning, word] : words(E{})) {
      if (word == value.string) {
        into = meaning;
        return;
      }
    }
    reader.error(value.at, "\"" + printable(value.string) + "\" is no known value here");
  }
  static Value write(E value) { return Value::of(std::string(word_of(value))); }
  static bool absent(E /*value*/) { return false; }

  static std::string_view word_of(E value) {
    for (const auto& [meaning, word] : words(E{})) {
      if (meaning == value) {
        return word;
      }
    }
    return "?";
  }
  static Shape shape() { return {Shape::Kind::string, {}, {}}; }
};

}  // namespace provision::fields

// Beside a record's struct, at global scope: its Engine is instantiated elsewhere, in the record's own .cpp.
#define PROVISION_DECLARE_RECORD(R) extern template struct provision::fields::Engine<R>
