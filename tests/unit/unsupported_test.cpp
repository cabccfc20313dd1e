// SPDX-License-Identifier: Apache-2.0
// What the spec has and this version cannot carry out is refused before anything is written.
#include <doctest/doctest.h>

#include "plan/unsupported.hpp"

using namespace provision;

namespace {

// The refusal of a 3.6.0 config with the given members, which begin on line 2; empty: none.
std::string refusal(const std::string& members, const std::string& ignition = "") {
  const auto parsed = spec::parse(
      "c", R"({"ignition": {"version": "3.6.0")" + ignition + (members.empty() ? "}" : "},\n") + members + "}");
  REQUIRE(parsed.config);
  const auto error = plan::unsupported(parsed);
  if (!error) {
    return "";
  }
  CHECK(error->code == Code::unsupported);
  return to_string(*error->origin) + " " + error->origin->path + " " + error->what;
}

struct Case {
  std::string members;
  std::string start;
};

}  // namespace

TEST_CASE("unsupported: each part that cannot be carried out is refused at its line") {
  const std::vector<Case> cases{
      {R"("kernelArguments": {"shouldExist": ["x"]})", "c:2:36 $.kernelArguments.shouldExist kernel arguments"},
      {R"("kernelArguments": {"shouldNotExist": ["x"]})", "c:2:39 $.kernelArguments.shouldNotExist"},
      {R"("storage": {"disks": [{"device": "/dev/md/a"}], "raid": [{"name": "a", "level": "1", "devices": ["/b"]}]})",
       "c:2:34 $.storage.disks.0.device a RAID array of the config cannot be partitioned"},
      {R"("storage": {"luks": [{"name": "a", "device": "/a", "options": ["--integrity", "x"]}]})",
       "c:2:63 $.storage.luks.0.options"},
      {R"("storage": {"luks": [{"name": "a", "device": "/a", "keyFile": {"source": "tftp://x"}}]})",
       "c:2:74 $.storage.luks.0.keyFile.source"},
      {R"("storage": {"disks": [{"device": "/dev/mapper/a"}], "luks": [{"name": "a", "device": "/b"}]})",
       "c:2:34 $.storage.disks.0.device an encrypted volume"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 129}]}]})", "c:2:66"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 1, "startMiB": -1}]}]})", "c:2:81"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 1, "sizeMiB": -1}]}]})", "c:2:80"},
      {R"("storage": {"files": [{"path": "/a", "contents": {"source": "tftp://x"}}]})", "c:2:61"},
      {R"("storage": {"files": [{"path": "/a", "append": [{"source": "s3://x/y"}]}]})", "c:2:60"},
      {R"("storage": {"files": [{"path": "/a", "contents": {"source": "data:,x", "verification": {"hash": "sha256-)" +
           std::string(64, 'z') + R"("}}}]})",
       "c:2:97 $.storage.files.0.contents.verification.hash"},
      {R"("storage": {"links": [{"path": "/a", "target": "b", "user": {"id": -1}}]})", "c:2:68"},
      {R"("storage": {"files": [{"path": "/a", "group": {"id": -1}}]})", "c:2:54"},
  };
  for (const auto& test : cases) {
    CAPTURE(test.members);
    const std::string got = refusal(test.members);
    CAPTURE(got);
    CHECK(got.starts_with(test.start));
  }
}

TEST_CASE("unsupported: a unit or drop-in outside of the directory of units is an error at its line, for good") {
  for (const std::string members :
       {R"("systemd": {"units": [{"name": "../x.service"}]})", R"("systemd": {"units": [{"name": "a/x.service"}]})",
        R"("systemd": {"units": [{"name": ".service"}]})"}) {
    const auto parsed = spec::parse("c", R"({"ignition": {"version": "3.6.0"},
)" + members + "}");
    REQUIRE(parsed.config);
    const auto error = plan::unsupported(parsed);
    REQUIRE(error);
    CHECK(error->code == Code::bad_config);
    CHECK(to_string(*error->origin) == "c:2:32");
  }
  const auto parsed = spec::parse("c", R"({"ignition": {"version": "3.6.0"},
"systemd": {"units": [{"name": "x.service", "dropins": [{"name": "../../y.conf", "contents": ""}]}]}})");
  REQUIRE(parsed.config);
  const auto error = plan::unsupported(parsed);
  REQUIRE(error);
  CHECK(error->code == Code::bad_config);
  CHECK(to_string(*error->origin) == "c:2:66");
}

TEST_CASE("unsupported: the first in the order of the text is told") {
  CHECK(refusal(R"("storage": {"links": [{"path": "/a", "target": "b", "user": {"id": -1}}]},
"kernelArguments": {"shouldExist": ["a"]})")
            .starts_with("c:2:68"));
}

TEST_CASE("unsupported: empty forms, and what is never used, pass") {
  CHECK(
      refusal(
          R"("kernelArguments": {"shouldExist": []}, "passwd": {"users": [], "groups": null},
"storage": {"raid": [], "luks": null, "directories": [], "links": [], "disks": [{"device": "/d", "partitions": []}],
"filesystems": [{"device": "/d"}, {"device": "/e", "format": ""}],
"files": [{"path": "/a", "append": [], "user": {"id": 0}, "group": {"name": "root"},
"contents": {"source": "data:,x", "compression": "", "httpHeaders": [], "verification": {}}}]},
"systemd": {"units": [{"name": "a.service", "dropins": [{"name": "a.conf"}]}]})",
          R"(, "config": {"merge": [], "replace": {}}, "timeouts": {"httpTotal": 5}, "proxy": {"httpProxy": "http://x"},
"security": {"tls": {"certificateAuthorities": [{"source": "data:,x"}]}})") == "");
}
