// SPDX-License-Identifier: Apache-2.0
// The field table engine, on a record of its own.
#include <doctest/doctest.h>

#include "fields/engine_impl.hpp"
#include "fields/json.hpp"

namespace example {

using provision::fields::Checker;
using provision::fields::Located;

struct Leaf {
  Located place;
  std::string name;
  std::optional<std::int64_t> size;
  bool operator==(const Leaf&) const = default;
};

struct Tree {
  Located place;
  std::vector<Leaf> leaves;
  std::vector<std::string> tags;
  std::optional<bool> green;
  Leaf root;
  bool operator==(const Tree&) const = default;
};

void positive(const std::optional<std::int64_t>& size, std::string_view key, Checker& checker) {
  if (size && *size < 0) {
    checker.error(key, "negative");
  }
}

void cross_check(const Tree& tree, Checker& checker) {
  for (std::size_t i = 0; i < tree.tags.size(); ++i) {
    if (tree.tags[i].empty()) {
      checker.error("tags", "empty tag", {}, i);
    }
  }
}

}  // namespace example

namespace provision::fields {
using namespace example;
template <>
struct Table<Leaf> {
  static constexpr auto rows = std::tuple{
      field("name", &Leaf::name, "Its name.", {.required = true}),
      field("size", &Leaf::size, "Its size.", {.since = {3, 2}, .secret = true, .check = &positive}),
  };
};
template <>
struct Table<Tree> {
  static constexpr auto rows = std::tuple{
      field("leaves", &Tree::leaves, "Its leaves."),
      field("tags", &Tree::tags, "Its tags."),
      field("green", &Tree::green, "Whether it is green."),
      field("root", &Tree::root, "Its root."),
  };
};
}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(example::Leaf);
PROVISION_INSTANTIATE_RECORD(example::Tree);

using namespace provision;
using example::Tree;

namespace {

struct Read {
  Tree tree;
  std::vector<std::string> notes;
};

Read read(const std::string& text, fields::Version version = {3, 4}) {
  fields::Sources sources;
  sources.documents.emplace_back("t", text);
  REQUIRE(fields::parse_json(sources.documents.front()));
  fields::Notes notes;
  fields::Reader reader(sources.documents.front(), 0, {version, false}, notes);
  Read result;
  fields::Engine<Tree>::read(sources.documents.front().root(), result.tree, reader);
  fields::Checker checker(sources, version, notes);
  fields::Engine<Tree>::check(result.tree, checker);
  for (const auto& note : notes.all) {
    result.notes.push_back(to_string(note.origin) + " " + std::string(name_of(note.severity)) + " " + note.origin.path +
                           " " + note.text + (note.hint.empty() ? "" : " / " + note.hint));
  }
  return result;
}

}  // namespace

TEST_CASE("fields: reading and writing are each other's inverse") {
  const Read first =
      read(R"({"leaves":[{"name":"a","size":3},{"name":"b"}],"tags":["x"],"green":true,"root":{"name":"r"}})");
  CHECK(first.notes.empty());
  const Read second = read(fields::write_json(fields::Engine<Tree>::write(first.tree)));
  CHECK(second.notes.empty());
  CHECK(second.tree == first.tree);
  CHECK(first.tree.leaves[0].size == 3);
  CHECK_FALSE(first.tree.leaves[1].size.has_value());
}

TEST_CASE("fields: what is wrong is noted where it stands, and reading goes on") {
  const Read result = read(
      "{\"leaves\": [\n {\"size\": -1},\n {\"name\": 5, \"size\": 1.5}],\n \"tags\": [\"\", 7],\n \"grean\": true,\n "
      "\"root\": []}");
  CHECK(result.notes ==
        std::vector<std::string>{
            "t:5:2 warning $.grean unused key \"grean\" / did you mean \"green\"?",
            "t:2:2 error $.leaves.0 \"name\" is required here",
            "t:3:11 error $.leaves.1.name expected a string, found an integer",
            "t:3:22 error $.leaves.1.size expected an integer, found a number that is no 64-bit integer",
            "t:4:15 error $.tags.1 expected a string, found an integer",
            "t:6:10 error $.root expected an object, found an array",
            "t:2:11 error $.leaves.0.size negative",
            "t:4:15 error $.tags.1 \"\" is given twice in this list",
            "t:4:11 error $.tags.0 empty tag",
            "t:4:15 error $.tags.1 empty tag",
        });
}

TEST_CASE("fields: a field of a later version is an unused key before it") {
  const Read result = read(R"({"leaves":[{"name":"a","size":3}]})", {3, 1});
  CHECK(result.notes ==
        std::vector<std::string>{
            "t:1:24 warning $.leaves.0.size unused key \"size\" / it is in the spec from version 3.2.0 on"});
  CHECK_FALSE(result.tree.leaves[0].size.has_value());
}

TEST_CASE("fields: null is absent, the last of two keys counts") {
  CHECK(read(R"({"leaves":null,"green":null,"root":null})").tree == Tree{});
  CHECK(read(R"({"green":false,"green":true})").tree.green == true);
}

TEST_CASE("fields: null in a list is an element of which nothing is said") {
  const Read records = read(R"({"leaves":[null]})");
  CHECK(records.notes == std::vector<std::string>{"t:1:12 error $.leaves.0 \"name\" is required here"});
  const Read strings = read(R"({"tags":["x",null]})");
  CHECK(strings.tree.tags == std::vector<std::string>{"x", ""});
  CHECK(strings.notes.front() == "t:1:14 warning $.tags.1 null counts as the empty string here");
}

TEST_CASE("fields: secret keys are known, through lists and records") {
  CHECK(fields::secret_keys(fields::Engine<Tree>::shape()) == std::set<std::string, std::less<>>{"size"});
}
