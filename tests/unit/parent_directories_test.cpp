// SPDX-License-Identifier: Apache-2.0
// What owners of parent directories come to in the words of the spec. What is refused is in cases/documents.json.
#include <doctest/doctest.h>

#include "spec/merge.hpp"
#include "spec/parse.hpp"

using namespace provision;

namespace {

spec::Parsed parse(const std::string& members) {
  return spec::parse("c", "{\"ignition\": {\"version\": \"3.6.0+provision.1\"},\n" + members + "}");
}

spec::Config config(const std::string& members) {
  const auto parsed = parse(members);
  REQUIRE(parsed.config);
  return *parsed.config;
}

// As a person would have written it without the extension.
void check_same(const std::string& extended, const std::string& spelled) {
  CAPTURE(extended);
  CHECK(config(extended) == config(spelled));
  CHECK(spec::meaning(config(extended)) == spec::meaning(config(spelled)));
}

// With these at the end, `directories` is what is added to the storage's own.
void check_adds(const std::string& rules, const std::string& storage, const std::string& directories) {
  check_same(
      R"("storage": {)" + storage + R"(}, "provision": {"parentDirectories": [)" + rules + "]}",
      R"("storage": {)" + storage + (directories.empty() ? "" : R"(, "directories": [)" + directories + "]") + "}");
}

constexpr const char* core = R"({"path": "/home/core", "user": {"name": "core"}, "group": {"id": 1000}})";
constexpr const char* owned = R"("user": {"name": "core"}, "group": {"id": 1000}})";

std::string owned_at(const std::string& path) { return R"({"path": ")" + path + "\", " + owned; }

}  // namespace

TEST_CASE("parent directories: each one on the way that is not named is made with that owner, outermost first") {
  const std::string three =
      owned_at("/home/core") + ", " + owned_at("/home/core/.config") + ", " + owned_at("/home/core/.config/a");
  check_adds(core, R"("files": [{"path": "/home/core/.config/a/b"}])", three);
  check_adds(core, R"("links": [{"path": "/home/core/.config/a/b", "target": "/x"}])", three);
  check_adds(core, R"("files": [{"path": "/home/core/.config/a/b"}, {"path": "/home/core/.config/a/c"}])", three);
}

TEST_CASE("parent directories: what lies elsewhere stays as it is") {
  check_adds(core, R"("files": [{"path": "/home/corey/.config/a"}, {"path": "/home/x"}, {"path": "/etc/a"}])", "");
  // Nothing is below it.
  check_adds(core, R"("files": [{"path": "/home/core"}])", "");
}

TEST_CASE("parent directories: a directory, a file or a link that the config names is its own affair") {
  check_same(R"("storage": {"directories": [{"path": "/home/core/a", "mode": 448}],
                            "files": [{"path": "/home/core/a/b/c"}]}, "provision": {"parentDirectories": [)" +
                 std::string(core) + "]}",
             R"("storage": {"directories": [{"path": "/home/core/a", "mode": 448}, )" + owned_at("/home/core") + ", " +
                 owned_at("/home/core/a/b") + R"(], "files": [{"path": "/home/core/a/b/c"}]})");
}

TEST_CASE("parent directories: of two the nearer counts, in whichever order they stand") {
  const std::string far = R"({"path": "/srv", "user": {"name": "a"}})";
  const std::string near = R"({"path": "/srv/b/c", "user": {"name": "b"}, "mode": 448})";
  const std::string made = far + R"(, {"path": "/srv/b", "user": {"name": "a"}}, )" + near +
                           R"(, {"path": "/srv/b/c/d", "user": {"name": "b"}, "mode": 448})";
  const std::string files = R"("files": [{"path": "/srv/b/c/d/e"}])";
  check_adds(far + ", " + near, files, made);
  check_adds(near + ", " + far, files, made);
}

TEST_CASE("parent directories: also on the way to the image of an extension") {
  const std::string image = R"({"name": "k", "path": "/opt/images/k.raw", "contents": {"source": "data:,k"}})";
  const auto made = config(R"("provision": {"systemExtensions": [)" + image +
                           R"(], "parentDirectories": [{"path": "/opt/images", "mode": 448}]})");
  REQUIRE(made.storage.directories.size() == 1);
  CHECK(made.storage.directories.front().path == "/opt/images");
  CHECK(made.storage.directories.front().mode == 448);
  CHECK(made.provision.parent_directories.empty());
}

TEST_CASE("parent directories: they are of one document, and a child may say more of one of them") {
  const auto merged =
      spec::merge(parse(R"("storage": {"files": [{"path": "/home/core/a/b"}]}, "provision": {"parentDirectories": [)" +
                        std::string(core) + "]}"),
                  parse(R"("storage": {"files": [{"path": "/home/core/c/d"}],
                           "directories": [{"path": "/home/core/a", "mode": 448}]})"));
  REQUIRE(merged.config);
  const auto& directories = merged.config->storage.directories;
  REQUIRE(directories.size() == 2);
  CHECK(directories[0].path == "/home/core");
  CHECK(directories[1].path == "/home/core/a");
  CHECK(directories[1].mode == 448);
  CHECK(directories[1].user.name.value_or("") == "core");
}

TEST_CASE("parent directories: a complaint of one that was added points at its entry") {
  const auto parsed = parse(R"("storage": {"files": [{"path": "/home/core/a/b"}]},
    "provision": {"parentDirectories": [
      {"path": "/home/core", "mode": 448}]})");
  REQUIRE(parsed.config);
  REQUIRE(parsed.config->storage.directories.size() == 2);
  const auto origin = parsed.sources.origin(parsed.config->storage.directories[1].place, "$.storage.directories.1");
  CHECK(origin.line == 4);
}
