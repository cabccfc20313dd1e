// SPDX-License-Identifier: Apache-2.0
// The field table: one row per field of a record drives reading, checking and writing.
//
//   template <> struct Table<Partition> {
//     static constexpr std::string_view name = "partition";
//     static constexpr auto rows = std::tuple{
//         field("number", &Partition::number, "The partition's number; 0 takes the next free one."), …
//     };
//   };
//
// Tables are heavy templates: each stands in one .cpp, which includes engine_impl.hpp and instantiates Engine<Record>.
// Everybody else sees only the declarations of engine.hpp.
#pragma once

#include <string_view>
#include <tuple>
#include <type_traits>

#include "fields/context.hpp"

namespace provision::fields {

template <class M>
struct Traits {
  // The spec versions that have the field: [since, until).
  Version since = first_version;
  Version until = no_end;
  // Must be given (and not null).
  bool required = false;
  // With `required`: no released spec checks it, so that its lack is only a strict note.
  bool lenient = false;
  // Its value is shown by digest only.
  bool secret = false;
  // One of our own fields, which only a document that says so in its version may have.
  bool extension = false;
  // It tells the record from others in a list (the record's `key_of` uses it): a merge takes it from the child.
  bool key = false;
  // A list whose elements may be equal: a merge puts the child's behind the parent's. Other lists of strings are sets,
  // and other lists of records are merged by key; a second equal element or key in one document is an error.
  bool repeats = false;
  // The unit of a number, as "MiB".
  std::string_view unit = {};
  // Judges the value alone; notes go to the field `key`.
  void (*check)(const M& value, std::string_view key, Checker& checker) = nullptr;
};

template <class R, class M>
struct Field {
  using Member = M;
  std::string_view name;
  M R::*member;
  std::string_view doc;
  Traits<M> traits;
};

template <class R, class M>
constexpr Field<R, M> field(std::string_view name, M R::*member, std::string_view doc,
                            Traits<std::type_identity_t<M>> traits = {}) {
  return {name, member, doc, traits};
}

// Specialised once per record, in that record's .cpp.
template <class R>
struct Table;

}  // namespace provision::fields
