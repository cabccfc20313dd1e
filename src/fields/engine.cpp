// SPDX-License-Identifier: Apache-2.0
#include "fields/engine.hpp"

namespace provision::fields {

void Codec<std::string>::read(const Value& value, std::string& into, Reader& reader) {
  // null in a list of strings; elsewhere it is absent, and does not come here.
  if (value.kind == Value::Kind::null) {
    reader.strict(value.at, "null counts as the empty string here");
    return;
  }
  if (value.kind != Value::Kind::string) {
    reader.mismatch(value, "a string");
    return;
  }
  into = value.string.view();
}

void Codec<std::int64_t>::read(const Value& value, std::int64_t& into, Reader& reader) {
  if (value.kind != Value::Kind::integer) {
    reader.mismatch(value, "an integer");
    return;
  }
  into = value.integer;
}

void Codec<bool>::read(const Value& value, bool& into, Reader& reader) {
  if (value.kind != Value::Kind::boolean) {
    reader.mismatch(value, "true or false");
    return;
  }
  into = value.boolean;
}

void Codec<Digest>::read(const Value& value, Digest& into, Reader& reader) {
  const auto digest = value.kind == Value::Kind::string ? Digest::parse(value.string) : std::nullopt;
  if (!digest) {
    reader.mismatch(value, "a digest (sha256-… or sha512-…)");
    return;
  }
  into = *digest;
}

void Codec<Uuid>::read(const Value& value, Uuid& into, Reader& reader) {
  const auto uuid = value.kind == Value::Kind::string ? Uuid::parse(value.string) : std::nullopt;
  if (!uuid) {
    reader.mismatch(value, "a UUID (8-4-4-4-12 hex digits)");
    return;
  }
  into = *uuid;
}

}  // namespace provision::fields
