// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "fields/json.hpp"

using namespace provision;
using fields::Document;

namespace {

std::string error_of(const std::string& text) {
  Document document("d", text);
  const auto parsed = fields::parse_json(document);
  return parsed ? "" : to_string(*parsed.error().origin) + ": " + parsed.error().what;
}

std::string round_trip(const std::string& text) {
  Document document("d", text);
  REQUIRE(fields::parse_json(document));
  return fields::write_json(document.root());
}

}  // namespace

TEST_CASE("JSON: what is read is written again") {
  for (const char* text : {"null", "true", "[]", "{}", "[1,-2,9223372036854775807]", R"({"a":{"b":["x",null,false]}})",
                           R"("\u0000\u001f\"\\/")", R"("é😀")"}) {
    CHECK(round_trip(text) == nlohmann::ordered_json::parse(text).dump());
  }
  CHECK(round_trip(R"("\ud83d\ude00\/\b")") == "\"😀/\\b\"");
}

TEST_CASE("JSON: each error is at the first bad byte") {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"", "d:1:1: the document is empty"},
      {" \n ", "d:2:2: the document is empty"},
      {"\xEF\xBB\xBF{}", "d:1:1: the document starts with a byte order mark"},
      {"{} x", "d:1:4: there is more text"},
      {"{\n  \"a\": 1,\n}", "d:3:1: a comma before \"}\""},
      {"[1,]", "d:1:4: a comma before \"]\""},
      {"{\"a\" 1}", "d:1:6: expected \":\""},
      {"{\"a\":1 \"b\":2}", "d:1:8: expected \",\""},
      {"{a:1}", "d:1:2: expected a key"},
      {"[tru]", "d:1:5: expected a value"},
      {"[01]", "d:1:2: a number must not start with 0"},
      {"[1.]", "d:1:4: expected a digit"},
      {"[-]", "d:1:3: expected a value"},
      {"// x\n{}", "d:1:1: expected a value"},
      {"\"\xC3\x28\"", "d:1:2: invalid UTF-8"},
      {"\"a\nb\"", "d:1:3: a string must not hold"},
      {"\"\\x\"", "d:1:2: \"\\\" must be followed"},
      {"\"\\u12g4\"", "d:1:4: \"\\u\" must be followed"},
      {"\"\\ud800\"", "d:1:2: a lone surrogate"},
      {"\"\\udc00\"", "d:1:2: a lone surrogate"},
      {"\"\\ud800\\u0041\"", "d:1:2: a lone surrogate"},
      {"\"abc", "d:1:5: the document ends inside a string"},
      {"[\"é\", x]", "d:1:7: expected a value"},
      {std::string(200, '['), "d:1:130: values are nested more than 128"},
  };
  for (const auto& one : cases) {
    const auto& text = one.first;
    const auto& expected = one.second;
    CAPTURE(text);
    const std::string error = error_of(text);
    CAPTURE(error);
    CHECK(error.starts_with(expected));
  }
}

TEST_CASE("JSON: it takes what nlohmann takes, and no more, of many broken texts") {
  const std::string seed = R"({"a": [1, -2.5e3, "x\u00e9\n", true, null, {"b": {}}], "c": "d"})";
  std::size_t disagreements = 0;
  for (std::size_t cut = 0; cut < seed.size(); ++cut) {
    for (const char c : std::string("\0\"\\{}[],:0e-. tn", 16)) {
      std::string text = seed;
      text[cut] = c;
      const bool ours = error_of(text).empty();
      const bool theirs = nlohmann::json::accept(text);
      if (ours != theirs) {
        CAPTURE(text);
        CHECK(ours == theirs);
        ++disagreements;
      }
    }
  }
  CHECK(disagreements == 0);
}

TEST_CASE("JSON: a number beyond 64 bits is kept as text") {
  Document document("d", "[9223372036854775808, 1.5]");
  REQUIRE(fields::parse_json(document));
  CHECK(document.root().items[0].kind == fields::Value::Kind::other_number);
  CHECK(document.root().items[0].string == "9223372036854775808");
  CHECK(document.root().items[1].kind == fields::Value::Kind::other_number);
}
