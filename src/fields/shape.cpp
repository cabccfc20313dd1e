// SPDX-License-Identifier: Apache-2.0
#include "fields/shape.hpp"

namespace provision::fields {
namespace {

bool has(const ShapeField& field, const Dialect& dialect) {
  return field.since <= dialect.version && dialect.version < field.until && (!field.extension || dialect.extensions);
}

std::string_view word(Shape::Kind kind) {
  switch (kind) {
    case Shape::Kind::string:
      return "string";
    case Shape::Kind::integer:
      return "integer";
    case Shape::Kind::boolean:
      return "boolean";
    case Shape::Kind::list:
      return "array";
    case Shape::Kind::record:
      return "object";
  }
  return "string";
}

Value text(std::string_view words) { return Value::of(std::string(words)); }

// null counts as absent wherever a value need not be given.
Value type_of(const Shape& shape, bool required) {
  if (required) {
    return text(word(shape.kind));
  }
  Value types = Value::array();
  types.items = {text(word(shape.kind)), text("null")};
  return types;
}

// Describes types, remembering the path of the value at hand.
class Schema {
 public:
  using Fixed = std::map<std::string, std::string, std::less<>>;
  Schema(const Dialect& dialect, const Fixed& fixed) : dialect_(dialect), fixed_(fixed) {}

  void describe(Value& made, const Shape& shape, bool required, const std::string& path) const {
    made.add("type", type_of(shape, required));
    if (const auto found = fixed_.find(path); found != fixed_.end()) {
      made.add("const", text(found->second));
    }
    if (shape.kind == Shape::Kind::list) {
      Value items = Value::object();
      describe(items, shape.element.front(), true, path + "[]");
      made.add("items", std::move(items));
    } else if (shape.kind == Shape::Kind::record) {
      describe_fields(made, shape, path);
    }
  }

 private:
  void describe_fields(Value& made, const Shape& shape, const std::string& path) const {
    Value properties = Value::object();
    Value needed = Value::array();
    for (const auto& field : shape.fields) {
      if (!has(field, dialect_)) {
        continue;
      }
      properties.add(field.name, described(field, (path.empty() ? "" : path + ".") + std::string(field.name)));
      if (field.required) {
        needed.items.push_back(text(field.name));
      }
    }
    made.add("properties", std::move(properties));
    if (!needed.items.empty()) {
      made.add("required", std::move(needed));
    }
  }

  [[nodiscard]] Value described(const ShapeField& field, const std::string& path) const {
    Value property = Value::object();
    std::string doc(field.doc);
    property.add("description", Value::of(field.unit.empty() ? doc : doc + " (" + std::string(field.unit) + ")"));
    describe(property, field.shape, field.required, path);
    return property;
  }

  const Dialect& dialect_;
  const Fixed& fixed_;
};

void collect_secrets(const Shape& shape, std::set<std::string, std::less<>>& keys) {
  for (const auto& element : shape.element) {
    collect_secrets(element, keys);
  }
  for (const auto& field : shape.fields) {
    if (field.secret) {
      keys.emplace(field.name);
    }
    collect_secrets(field.shape, keys);
  }
}

void collect_keys(const Shape& shape, std::set<std::string, std::less<>>& keys) {
  for (const auto& element : shape.element) {
    collect_keys(element, keys);
  }
  for (const auto& field : shape.fields) {
    keys.emplace(field.name);
    collect_keys(field.shape, keys);
  }
}

std::string type_words(const Shape& shape) {
  if (shape.kind == Shape::Kind::list) {
    return "list of " + type_words(shape.element.front()) + "s";
  }
  return std::string(word(shape.kind));
}

void collect_rows(const Shape& shape, const std::string& path, std::vector<ReferenceRow>& rows) {
  for (const auto& field : shape.fields) {
    const bool list = field.shape.kind == Shape::Kind::list;
    const std::string here = (path.empty() ? "" : path + ".") + std::string(field.name) + (list ? "[]" : "");
    rows.push_back({here, type_words(field.shape), field.doc, field.unit, field.since, field.until, field.required,
                    field.secret, field.extension});
    collect_rows(list ? field.shape.element.front() : field.shape, here, rows);
  }
}

}  // namespace

std::set<std::string, std::less<>> secret_keys(const Shape& shape) {
  std::set<std::string, std::less<>> keys;
  collect_secrets(shape, keys);
  return keys;
}

std::set<std::string, std::less<>> public_keys(const Shape& shape) {
  std::set<std::string, std::less<>> keys;
  collect_keys(shape, keys);
  for (const auto& secret : secret_keys(shape)) {
    keys.erase(secret);
  }
  return keys;
}

Value json_schema(const Shape& shape, const Dialect& dialect, const std::string& id, const std::string& title,
                  const std::map<std::string, std::string, std::less<>>& fixed) {
  Value made = Value::object();
  made.add("$schema", text("http://json-schema.org/draft-07/schema#"));
  made.add("$id", text(id));
  made.add("title", text(title));
  Schema(dialect, fixed).describe(made, shape, true, "");
  return made;
}

std::vector<ReferenceRow> reference(const Shape& shape) {
  std::vector<ReferenceRow> rows;
  collect_rows(shape, "", rows);
  return rows;
}

}  // namespace provision::fields
