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
      {R"("storage": {"raid": [{"name": "a", "level": "1", "devices": ["/a"]}]})", "c:2:21 $.storage.raid"},
      {R"("storage": {"luks": [{"name": "a", "device": "/a"}]})", "c:2:21 $.storage.luks"},
      {R"("storage": {"directories": [{"path": "/a"}]})", "c:2:28 $.storage.directories"},
      {R"("storage": {"links": [{"path": "/a", "target": "b"}]})", "c:2:22 $.storage.links"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 1, "shouldExist": false}]}]})",
       "c:2:84 $.storage.disks.0.partitions.0.shouldExist"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 1, "resize": true}]}]})", "c:2:79"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 1, "wipePartitionEntry": true}]}]})",
       "c:2:91"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 129}]}]})", "c:2:66"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 1, "startMiB": -1}]}]})", "c:2:81"},
      {R"("storage": {"disks": [{"device": "/d", "partitions": [{"number": 1, "sizeMiB": -1}]}]})", "c:2:80"},
      {R"("storage": {"filesystems": [{"device": "/d", "format": "xfs"}]})",
       "c:2:56 $.storage.filesystems.0.format \"xfs\" cannot be made"},
      {R"("storage": {"filesystems": [{"device": "/d", "format": "none", "wipeFilesystem": true}]})", "c:2:56"},
      {R"("storage": {"filesystems": [{"device": "/d", "format": "ext4", "uuid": "1234-ABCD"}]})", "c:2:72"},
      {R"("storage": {"files": [{"path": "/a", "append": [{"source": "data:,x"}]}]})", "c:2:48"},
      {R"("storage": {"files": [{"path": "/a", "contents": {"source": "http://x"}}]})", "c:2:61"},
      {R"("storage": {"files": [{"path": "/a", "contents": {"source": "data:,x", "compression": "gzip"}}]})", "c:2:87"},
      {R"("storage": {"files": [{"path": "/a", "contents": {"source": "data:,x", "verification": {"hash": "sha256-)" +
           std::string(64, 'z') + R"("}}}]})",
       "c:2:97 $.storage.files.0.contents.verification.hash"},
      {R"("storage": {"files": [{"path": "/a", "user": {"name": "core"}}]})", "c:2:55"},
      {R"("storage": {"files": [{"path": "/a", "group": {"id": -1}}]})", "c:2:54"},
      {R"("systemd": {"units": [{"name": "../x.service"}]})", "c:2:32"},
      {R"("systemd": {"units": [{"name": "x.service", "dropins": [{"name": "a.conf", "contents": ""}]}]})", "c:2:56"},
  };
  for (const auto& test : cases) {
    CAPTURE(test.members);
    const std::string got = refusal(test.members);
    CAPTURE(got);
    CHECK(got.starts_with(test.start));
  }
  CHECK(refusal("", R"(, "config": {"merge": [{"source": "data:,x"}]})").starts_with("c:1:55 $.ignition.config.merge"));
  CHECK(
      refusal("", R"(, "config": {"replace": {"source": "data:,x"}})").starts_with("c:1:57 $.ignition.config.replace"));
}

TEST_CASE("unsupported: the first in the order of the text is told") {
  CHECK(refusal(R"("systemd": {"units": [{"name": ".service"}]},
"kernelArguments": {"shouldExist": ["a"]})")
            .starts_with("c:2:32"));
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
