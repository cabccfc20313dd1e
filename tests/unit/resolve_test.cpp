// SPDX-License-Identifier: Apache-2.0
// What a config becomes with all that it refers to.
#include <doctest/doctest.h>

#include <map>
#include <string>
#include <vector>

#include "spec/resolve.hpp"

using namespace provision;

namespace {

// A web of configs, and what was asked of it.
struct Web {
  std::map<std::string, std::string> configs;
  std::vector<std::string> asked;
  // The total patience that held for each.
  std::string patience;
  std::vector<std::string> places;

  Result<spec::Parsed> resolve(const std::string& first, const spec::Ignition& around = {}) {
    fields::Notes notes;
    const spec::Bring bring = [this](const spec::Wanted& wanted) -> Result<spec::Brought> {
      const std::string source = wanted.reference.source.value_or("");
      asked.push_back(source);
      patience += std::to_string(wanted.around.timeouts.http_total.value_or(0)) + " ";
      places.push_back(to_string(wanted.place) + " " + wanted.place.path);
      const auto found = configs.find(source);
      return found == configs.end() ? Result<spec::Brought>(Error(Code::network, "404"))
                                    : spec::Brought{source, found->second};
    };
    return spec::resolve(spec::parse("first", first), around, bring, notes);
  }
};

// A config with files of those names, and more of "ignition".
std::string config(const std::vector<std::string>& files, const std::string& ignition = {}) {
  std::string text = R"({"ignition": {"version": "3.4.0")" + ignition + R"(}, "storage": {"files": [)";
  for (const auto& file : files) {
    text += (text.ends_with('[') ? "" : ", ") + (R"({"path": "/)" + file + R"("})");
  }
  return text + "]}}";
}

std::string merging(const std::vector<std::string>& sources) {
  std::string text = R"(, "config": {"merge": [)";
  for (const auto& source : sources) {
    text += (text.ends_with('[') ? "" : ", ") + (R"({"source": "http://x/)" + source + R"("})");
  }
  return text + "]}";
}

std::string replacing(const std::string& source) {
  return R"(, "config": {"replace": {"source": "http://x/)" + source + R"("}})";
}

std::string files_of(const Result<spec::Parsed>& parsed) {
  if (!parsed) {
    return to_string(parsed.error());
  }
  std::string names;
  for (const auto& file : parsed->config->storage.files) {
    names += file.path.substr(1) + " ";
  }
  return names;
}

}  // namespace

TEST_SUITE_BEGIN("unit resolve");

TEST_CASE("a config that refers to nothing stays as it is") {
  Web web;
  CHECK(files_of(web.resolve(config({"a"}))) == "a ");
  CHECK(web.asked.empty());
}

TEST_CASE("merge: in order, depth first, each over what was before it") {
  Web web;
  web.configs = {{"http://x/1", config({"one"}, merging({"3"}))},
                 {"http://x/2", config({"two"})},
                 {"http://x/3", config({"three"})}};
  const auto whole = web.resolve(config({"own"}, merging({"1", "2"})));
  CHECK(files_of(whole) == "own one three two ");
  CHECK(web.asked == std::vector<std::string>{"http://x/1", "http://x/3", "http://x/2"});
  CHECK(web.places[0] == "first:1:67 $.ignition.config.merge.0.source");
  CHECK(web.places[1].starts_with("http://x/1:1:"));
  CHECK(whole->sources.documents.size() == 4);
  CHECK(whole->config->ignition.config.merge.empty());
  // A file's record knows the document that it is from.
  CHECK(whole->sources.origin(whole->config->storage.files[3].place, "", "path").document == "http://x/2");
}

TEST_CASE("replace: before merge, of the replacing config alone, and its references are followed") {
  Web web;
  web.configs = {{"http://x/1", config({"one"}, merging({"2"}))}, {"http://x/2", config({"two"})}};
  const std::string both =
      R"(, "config": {"merge": [{"source": "http://x/none"}], "replace": {"source": "http://x/1"}})";
  const auto whole = web.resolve(config({"own"}, both));
  CHECK(files_of(whole) == "one two ");
  CHECK(web.asked == std::vector<std::string>{"http://x/1", "http://x/2"});
  CHECK(whole->replaced.size() == 1);
  CHECK(whole->replaced[0].document == "first");
  web.configs = {{"http://x/1", config({"one"}, replacing("2"))}, {"http://x/2", config({"two"})}};
  CHECK(files_of(web.resolve(config({"own"}, replacing("1")))) == "two ");
}

TEST_CASE("what a config says for fetching holds for what it refers to") {
  Web web;
  web.configs = {{"http://x/1", config({}, R"(, "timeouts": {"httpTotal": 2})" + merging({"2"}))},
                 {"http://x/2", config({})},
                 {"http://x/3", config({})}};
  CHECK(web.resolve(config({}, R"(, "timeouts": {"httpTotal": 1})" + merging({"1", "3"}))));
  // The first by the user's, its child by its own, the next by what lies together now.
  CHECK(web.patience == "1 2 2 ");
  web = {web.configs, {}, {}, {}};
  const spec::Ignition around = spec::parse("base", config({}, R"(, "timeouts": {"httpTotal": 7})")).config->ignition;
  CHECK(web.resolve(config({}, merging({"3", "1"})), around));
  CHECK(web.patience == "7 7 2 ");
  web = {web.configs, {}, {}, {}};
  CHECK(web.resolve(config({}, R"(, "timeouts": {"httpTotal": 5})" + replacing("1")), around));
  CHECK(web.patience == "5 2 ");
}

TEST_CASE("a config that leads to itself, and one without an end") {
  Web web;
  web.configs = {{"http://x/1", config({}, merging({"2"}))}, {"http://x/2", config({}, merging({"1"}))}};
  const auto round = web.resolve(config({}, merging({"1"})));
  REQUIRE(!round);
  CHECK(round.error().code == Code::bad_config);
  CHECK(round.error().what == "the config http://x/1 leads to itself again");
  CHECK(round.error().origin->document == "http://x/2");
  web.configs.clear();
  for (int i = 0; i < 40; ++i) {
    web.configs["http://x/" + std::to_string(i)] = config({}, merging({std::to_string(i + 1)}));
  }
  const auto deep = web.resolve(config({}, merging({"0"})));
  REQUIRE(!deep);
  CHECK(deep.error().what.find("more than 16 deep") != std::string::npos);
  // The same config twice is no circle.
  web.configs = {{"http://x/1", config({"one"})}};
  CHECK(files_of(web.resolve(config({}, R"(, "config": {"merge": [{"source": "http://x/1"}]})"))) == "one ");
}

TEST_CASE("what is wrong is told at the user's line, of the right document") {
  Web web;
  web.configs = {{"http://x/bad", "{\"ignition\": {\"version\": \"3.4.0\"},\n \"storage\": 1}"},
                 {"http://x/twice", config({}, merging({"own"}))},
                 {"http://x/own", R"({"ignition": {"version": "3.4.0"}, "storage": {"links": [
                    {"path": "/own/x", "target": "/y"}, {"path": "/own", "target": "/z"}]}})"}};
  const auto missing = web.resolve(config({}, merging({"none"})));
  REQUIRE(!missing);
  CHECK(missing.error().code == Code::network);
  CHECK(missing.error().origin->document == "first");
  const auto bad = web.resolve(config({}, merging({"bad"})));
  REQUIRE(!bad);
  CHECK(bad.error().code == Code::bad_config);
  CHECK(to_string(*bad.error().origin) == "http://x/bad:2:13");
}

TEST_SUITE_END();
