// SPDX-License-Identifier: Apache-2.0
// The part of reading a record that does not depend on the types of its members: once in the program, not once a field.
#pragma once

#include <span>
#include <string_view>

#include "fields/context.hpp"
#include "fields/document.hpp"

namespace provision::fields {

// What reading goes by in a row. The words are those of Traits.
struct RowFacts {
  std::string_view name;
  Version since;
  Version until;
  bool required = false;
  bool lenient = false;
  bool extension = false;
};

// Finds the member that counts for each row, in `found`, of the rows' length: as in Go the last one whose key is the
// row's name, letters' case aside. Keys that are unused, given twice or spelt otherwise are noted.
void find_members(std::span<const RowFacts> rows, const Value& record, Reader& reader, std::span<const Member*> found);

// Whether there is something to read for the row; then the reader's path leads to it. A required field that is not
// there is noted.
bool enter_field(const RowFacts& row, const Value& record, const Member* member, Reader& reader);

}  // namespace provision::fields
