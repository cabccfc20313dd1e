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

TEST_CASE("spec: version") {
  const std::vector<Case> cases{
      {R"({"ignition": {"version": "3.0.0"}})", ""},
      {R"({"ignition": {"version": "3.4.0"}})", ""},
      {R"({"ignition": {"version": "3.4.1"}})", "1:26 error $.ignition.version unknown spec version \"3.4.1\""},
      {R"({"ignition": {"version": 3}})", "1:26 error $.ignition.version the spec version is a string"},
      {R"({"ignition": {}})", "1:14 error $.ignition.version the config does not say its spec version"},
      {R"({})", "1:1 error $.ignition.version the config does not say"},
      {R"([])", "1:1 error $.ignition.version a config is a JSON object, this is an array"},
      {R"(#cloud-config)", "1:1 error $ expected a value"},
  };
  for (const auto& one : cases) {
    const auto& text = one.text;
    const auto& note = one.note;
    CAPTURE(text);
    const auto notes = notes_of(text);
    CHECK(notes.empty() == note.empty());
    if (!notes.empty()) {
      CHECK(notes.front().starts_with(note));
    }
  }
}

TEST_CASE("spec: each check has its message at the value at fault") {
  const std::vector<Case> cases{
      {R"("storage": {"disks": [{"device": "vdb"}]})",
       "2:34 error $.storage.disks.0.device the path \"vdb\" is not absolute"},
      {R"("storage": {"disks": [{}]})", "2:23 error $.storage.disks.0 \"device\" is required"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{}]}]})",
       "2:55 error $.storage.disks.0.partitions.0 a partition needs a number or a label"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"label": "a:b"}]}]})", "2:65 error"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"label": "0123456789012345678901234567890123456"}]}]})",
       "2:65 error $.storage.disks.0.partitions.0.label a partition label has at most 36 bytes"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 1, "typeGuid": "x"}]}]})",
       "2:81 error $.storage.disks.0.partitions.0.typeGuid \"x\" is no GUID"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 1, "startMiB": -1}]}]})", "2:81 error"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 129}]}]})", "2:66 error"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 1, "shouldExist": false}]}]})",
       "2:84 error"},
      {R"("storage": {"disks": [{"device": "/d"}, {"device": "/d"}]})",
       "2:41 error $.storage.disks.1 device \"/d\" is given twice"},
      {R"("storage": {"filesystems": [{"device": "/d", "format": "ext5"}]})", "2:56 error"},
      {R"("storage": {"filesystems": [{"device": "/d", "format": "xfs"}]})", "2:56 error"},
      {R"("storage": {"filesystems": [{"device": "/d", "path": "/x"}]})", "2:29 error"},
      {R"("storage": {"filesystems": [{"device": "/d", "format": "ext4", "label": "12345678901234567"}]})",
       "2:73 error"},
      {R"("storage": {"filesystems": [{"device": "/d", "format": "ext4", "uuid": "x"}]})", "2:72 error"},
      {R"("storage": {"files": [{"path": "/a", "mode": 4096}]})",
       "2:46 error $.storage.files.0.mode the mode 4096 is outside"},
      {R"("storage": {"files": [{"path": "/a", "mode": 644}]})", "2:46 warning $.storage.files.0.mode set-id"},
      {R"("storage": {"files": [{"path": "/a", "overwrite": true}]})", "2:51 error"},
      {R"("storage": {"files": [{"path": "/a", "contents": {"verification": {"hash": "sha256-)" + std::string(64, '0') +
           R"("}}}]})",
       "2:67 error"},
      {R"("storage": {"files": [{"path": ""}]})",
       "2:32 error $.storage.files.0 \"path\" is required here and must not be"},
      {R"("storage": {"files": [{"path": "/a", "contents": {"source": "", "verification": {"hash": "md5-x"}}}]})",
       "2:90 error"},
      {R"("storage": {"files": [{"path": "/a", "contents": {"source": "http://x"}}]})", "2:61 error"},
      {R"("storage": {"files": [{"path": "/a", "contents": {"source": "", "compression": "xz"}}]})", "2:80 error"},
      {R"("storage": {"files": [{"path": "/a", "user": {"id": 1, "name": "root"}}]})", "2:53 error"},
      {R"("storage": {"files": [{"path": "/a", "user": {"name": "core"}}]})", "2:55 error"},
      {R"("storage": {"directories": [{"path": "/a"}]})", "2:28 error $.storage.directories this part of the spec"},
      {R"("passwd": {"users": [{"name": "core"}]})", "2:11 error $.passwd this part of the spec"},
      {R"("kernelArguments": {"shouldExist": ["x"]})", "2:20 error"},
      {R"("systemd": {"units": [{"name": "../x.service"}]})", "2:32 error"},
      {R"("systemd": {"units": [{"name": "x"}]})", "2:32 error"},
      {R"("systemd": {"units": [{"name": "x.service", "enabled": true, "contents": "[Unit]\n"}]})", "2:74 warning"},
      {R"("systemd": {"units": [{"name": "x.service", "mask": true, "contents": "[Unit]\n"}]})", "2:53 error"},
      {R"("sotrage": {})", "2:1 warning $.sotrage unused key \"sotrage\""},
      {R"("passwd": {}, "kernelArguments": {}, "storage": {"luks": []})", ""},
  };
  for (const auto& one : cases) {
    const auto& members = one.text;
    const auto& note = one.note;
    CAPTURE(members);
    const auto notes = notes_of(config(members));
    CHECK(notes.size() == (note.empty() ? 0 : 1));
    if (!notes.empty()) {
      CAPTURE(notes.front());
      CHECK(notes.front().starts_with(note));
    }
  }
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
