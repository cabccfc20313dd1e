// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "fields/json.hpp"
#include "spec/parse.hpp"

using namespace provision;

namespace {

std::vector<std::string> notes_of(const std::string& text) {
  std::vector<std::string> notes;
  for (const auto& note : spec::parse("c", text).notes.all) {
    notes.push_back(std::to_string(note.origin.line) + ":" + std::to_string(note.origin.column) + " " +
                    std::string(name_of(note.severity)) + " " + note.origin.path + " " + note.text);
  }
  return notes;
}

// A 3.4.0 config with the given members, which begin on line 2.
std::string config(const std::string& members) { return "{\"ignition\": {\"version\": \"3.4.0\"},\n" + members + "}"; }

struct Case {
  std::string text;
  // The start of the first note; empty: no note.
  std::string note;
};

}  // namespace

// The rules, all of them, are in cases/. These say where in the text a note stands.
TEST_CASE("spec: each note stands at the value at fault") {
  const std::vector<Case> cases{
      {R"("storage": {"disks": [{"device": "vdb"}]})",
       "2:34 error $.storage.disks.0.device the path \"vdb\" is not absolute"},
      {R"("storage": {"disks": [{}]})", "2:23 error $.storage.disks.0 \"device\" is required"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{}]}]})",
       "2:55 error $.storage.disks.0.partitions.0 a partition needs a number or a label"},
      {R"("storage": {"disks": [{"device": "/d"}, {"device": "/d"}]})",
       "2:41 error $.storage.disks.1 \"/d\" is given twice"},
      {R"("storage": {"filesystems": [{"device": "/d", "path": "/x"}]})",
       "2:29 error $.storage.filesystems.0.format a filesystem entry without a format"},
      {R"("storage": {"files": [{"path": ""}]})",
       "2:32 error $.storage.files.0 \"path\" is required here and must not be"},
      {R"("storage": {"raid": [{"name": "r", "level": "1", "devices": ["/a", "b"]}]})",
       "2:68 error $.storage.raid.0.devices.1 the path \"b\" is not absolute"},
      {R"("systemd": {"units": [{"name": "x.service", "enabled": true, "contents": "[Unit]\n"}]})",
       "2:74 warning $.systemd.units.0.contents the unit is enabled"},
      {R"("sotrage": {})", "2:1 warning $.sotrage unused key \"sotrage\""},
      {R"("passwd": {}, "kernelArguments": {}, "storage": {"luks": []})", ""},
  };
  for (const auto& test : cases) {
    CAPTURE(test.text);
    const auto notes = notes_of(config(test.text));
    CHECK(notes.size() == (test.note.empty() ? 0 : 1));
    if (!notes.empty()) {
      CAPTURE(notes.front());
      CHECK(notes.front().starts_with(test.note));
    }
  }
}

TEST_CASE("spec: what is given twice says where it was first") {
  const auto related = [](const std::string& members) {
    const auto parsed = spec::parse("c", config(members));
    REQUIRE(parsed.notes.all.size() == 1);
    REQUIRE(parsed.notes.all.front().related.size() == 1);
    return to_string(parsed.notes.all.front().related.front()) + " " + parsed.notes.all.front().related.front().path;
  };
  CHECK(related(R"("storage": {"files": [{"path": "/a"}, {"path": "/a"}]})") == "c:2:23 $.storage.files.0");
  CHECK(related(R"("storage": {"files": [{"path": "/a"}], "links": [{"path": "/a", "target": "x"}]})") ==
        "c:2:23 $.storage.files.0");
  CHECK(related(R"("storage": {"links": [{"path": "/a", "target": "x"}], "files": [{"path": "/a/b"}]})") ==
        "c:2:23 $.storage.links.0");
  CHECK(related(R"("kernelArguments": {"shouldExist": ["x", "a"], "shouldNotExist": ["a"]})") ==
        "c:2:42 $.kernelArguments.shouldExist.1");
  CHECK(related(R"("systemd": {"units": [{"name": "a.service", "contents": "[A]"}]},
"storage": {"files": [{"path": "/etc/systemd/system/a.service"}]})") == "c:2:23 $.systemd.units.0");
}

TEST_CASE("spec: no message quotes a secret") {
  const std::vector<std::string> cases{
      R"("passwd": {"users": [{"name": "a", "passwordHash": "hunter2:"}]})",
      R"("storage": {"files": [{"path": "/a", "contents": {"source": "hunter2"}}]})",
      R"("storage": {"files": [{"path": "/a", "contents": {"source": "hunter2:x"}}]})",
      R"("storage": {"files": [{"path": "/a", "contents": {"source": "http://a:hunter2%@x"}}]})",
      R"("storage": {"files": [{"path": "/a", "contents": {"source": "data:,hunter2 "}}]})",
      R"("systemd": {"units": [{"name": "a.service", "contents": "[Service]\nhunter2"}]})",
      R"("systemd": {"units": [{"name": "a.service", "contents": "[hunter2"}]})",
      R"("storage": {"luks": [{"name": "a", "device": "/a", "keyFile": {"source": "data:hunter2"}}]})",
      R"("storage": {"luks": [{"name": "a", "device": "/a", "clevis": {"custom": {"config": "hunter2"}}}]})",
  };
  for (const auto& members : cases) {
    CAPTURE(members);
    const auto notes = notes_of(config(members));
    CHECK(notes.size() == 1);
    CHECK(notes.front().find("hunter2") == std::string::npos);
  }
  const auto merges = notes_of(
      R"({"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "data:,hunter2"}, {"source": "data:,hunter2"}]}}})");
  CHECK(merges.size() == 1);
  CHECK(merges.front().find("hunter2") == std::string::npos);
  for (const std::string key : {"passwordHash", "source", "value", "contents", "config"}) {
    CHECK(spec::secret_keys().contains(key));
    CHECK_FALSE(spec::public_keys().contains(key));
  }
}

TEST_CASE("spec: modes of older versions lose the bits that they never had") {
  const auto modes = [](const std::string& version) {
    const auto parsed = spec::parse("c", R"({"ignition": {"version": ")" + version +
                                             R"("}, "storage": {"files": [{"path": "/a", "mode": 2541}],
"directories": [{"path": "/b", "mode": 1023}, {"path": "/c"}]}})");
    REQUIRE(parsed.config);
    const auto& storage = parsed.config->storage;
    CHECK_FALSE(storage.directories[1].mode);
    return std::pair(*storage.files[0].mode, *storage.directories[0].mode);
  };
  CHECK(modes("3.0.0") == std::pair<std::int64_t, std::int64_t>(0755, 0777));
  CHECK(modes("3.5.0") == std::pair<std::int64_t, std::int64_t>(0755, 0777));
  CHECK(modes("3.6.0") == std::pair<std::int64_t, std::int64_t>(04755, 01777));
}

TEST_CASE("spec: all messages at once, in the order of the text") {
  const auto notes = notes_of(config(R"("systemd": {"units": [{"name": "x"}]},)"
                                     "\n"
                                     R"("storage": {"files": [{"path": "a"}, {"path": "b"}]})"));
  REQUIRE(notes.size() == 3);
  CHECK(notes[0].starts_with("2:32"));
  CHECK(notes[1].starts_with("3:32"));
  CHECK(notes[2].starts_with("3:47"));
}

TEST_CASE("spec: the meaning does not change with the rendering, and does with the content") {
  const auto meaning = [](const std::string& text) {
    const auto parsed = spec::parse("c", text);
    REQUIRE(parsed.config);
    return spec::meaning(*parsed.config).text();
  };
  const std::string one = config(R"("storage": {"files": [{"path": "/a", "mode": 420}]})");
  const std::string same = config(R"("storage" :{"files":[ {"mode":420,"path":"\u002fa","user":{}}],"luks":null})");
  const std::string other = config(R"("storage": {"files": [{"path": "/a", "mode": 421}]})");
  CHECK(meaning(one) == meaning(same));
  CHECK(meaning(one) != meaning(other));
}

TEST_CASE("spec: a config with an error is no config, and the first error is told") {
  const auto parsed = spec::parse("c", config(R"("storage": {"files": [{"path": "a"}]})"));
  CHECK_FALSE(parsed.config);
  const Error error = spec::error_of(parsed);
  CHECK(error.code == Code::bad_config);
  CHECK(error.origin->line == 2);
}
