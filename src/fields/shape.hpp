// SPDX-License-Identifier: Apache-2.0
// What a table says, as a value: from it come JSON Schemas, the reference page and the set of secret keys.
#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "fields/context.hpp"

namespace provision::fields {

struct ShapeField;

// The type of a value. `element` has one shape for a list.
struct Shape {
  enum class Kind : std::uint8_t { string, integer, boolean, list, record };
  Kind kind = Kind::string;
  std::vector<Shape> element;
  std::vector<ShapeField> fields;
};

struct ShapeField {
  std::string_view name;
  std::string_view doc;
  std::string_view unit;
  Version since;
  Version until;
  bool required = false;
  bool secret = false;
  bool extension = false;
  Shape shape;
};

// The keys, at any depth, whose values may be secrets.
std::set<std::string, std::less<>> secret_keys(const Shape& shape);
// All other keys of the shape.
std::set<std::string, std::less<>> public_keys(const Shape& shape);

// The JSON Schema (draft-07) of a document of that dialect. `id` and `title` are the schema's own. `fixed` are values
// that such a document has, by their paths ("ignition.version"). Unknown keys are let through: to the reader they are
// warnings.
Value json_schema(const Shape& shape, const Dialect& dialect, const std::string& id, const std::string& title,
                  const std::map<std::string, std::string, std::less<>>& fixed = {});

// One line of the reference: "storage.disks[].device".
struct ReferenceRow {
  std::string path;
  std::string type;
  std::string_view doc;
  std::string_view unit;
  Version since;
  Version until;
  bool required = false;
  bool secret = false;
  bool extension = false;
};
std::vector<ReferenceRow> reference(const Shape& shape);

}  // namespace provision::fields
