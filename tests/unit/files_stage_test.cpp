// SPDX-License-Identifier: Apache-2.0
// What the files stage decides without looking at anything.
#include <doctest/doctest.h>

#include "base/text.hpp"
#include "model/observe_files.hpp"
#include "plan/contents.hpp"
#include "plan/ways.hpp"
#include "spec/inline_bytes.hpp"
#include "spec/parse.hpp"

using namespace provision;

namespace {

model::FileView link_at(const std::string& path, const std::string& target) {
  model::FileView view;
  view.path = path;
  view.kind = host::NodeKind::symlink;
  view.target = target;
  return view;
}

std::string place(const plan::Ways& ways, const std::string& path) {
  const auto way = ways.resolve(path);
  return way ? way->place : "circle";
}

}  // namespace

TEST_CASE("ways: links on the way are followed inside the target, the last component never") {
  model::Inventory inventory;
  inventory.files = {link_at("/a", "/b"),     link_at("/b", "c/d"),       link_at("/up", "../../../x"),
                     link_at("/c/d/e", ".."), link_at("/loop", "loop"),   link_at("/one", "/two"),
                     link_at("/two", "one"),  link_at("/dots", "a/../c"), link_at("/slash", "/c//d/")};
  plan::Ways ways(inventory);
  CHECK(place(ways, "/a") == "/a");
  CHECK(place(ways, "/a/x") == "/c/d/x");
  CHECK(place(ways, "/a/e/x") == "/c/x");
  CHECK(place(ways, "/up/y") == "/x/y");
  CHECK(place(ways, "/slash/x") == "/c/d/x");
  CHECK(place(ways, "/plain/x") == "/plain/x");
  CHECK(place(ways, "/loop/x") == "circle");
  CHECK(place(ways, "/one/x") == "circle");
  CHECK(place(ways, "/loop") == "/loop");
  REQUIRE(ways.seen("/c/d/e") != nullptr);
  CHECK(ways.seen("/c/d/e")->path == "/c/d/e");
  CHECK(ways.resolve("/a/x")->through == std::vector<std::string>{"/a", "/b", "/c", "/c/d"});
}

TEST_CASE("ways: the config's own links count, and what it puts in the place of one") {
  model::Inventory inventory;
  inventory.files = {link_at("/old", "/elsewhere")};
  plan::Ways ways(inventory);
  ways.put("/new", "/var/new");
  ways.put("/old", std::nullopt);
  CHECK(place(ways, "/new/x") == "/var/new/x");
  CHECK(place(ways, "/old/x") == "/old/x");
}

TEST_CASE("units: what enables one") {
  const std::string wants = "/etc/systemd/system/multi-user.target.wants/";
  CHECK(model::enables(link_at(wants + "a.service", "/usr/lib/systemd/system/a.service"), "a.service"));
  CHECK(model::enables(link_at("/etc/systemd/system/x.target.requires/a.service", "x"), "a.service"));
  CHECK(model::enables(link_at("/etc/systemd/system/alias.service", "/usr/lib/systemd/system/a.service"), "a.service"));
  CHECK(model::enables(link_at(wants + "t@1.service", "x"), "t@.service"));
  CHECK(model::enables(link_at(wants + "t@1.service", "x"), "t@1.service"));
  CHECK_FALSE(model::enables(link_at(wants + "t@2.service", "x"), "t@1.service"));
  CHECK_FALSE(model::enables(link_at(wants + "b.service", "x"), "a.service"));
  CHECK_FALSE(model::enables(link_at("/etc/systemd/system/a.service", "/dev/null"), "a.service"));
  CHECK_FALSE(model::enables(link_at("/etc/systemd/system/a.service", "/opt/a.service"), "a.service"));
  CHECK_FALSE(model::enables(link_at("/etc/systemd/system/sub/multi.wants/a.service", "x"), "a.service"));
  model::FileView file = link_at(wants + "a.service", "x");
  file.kind = host::NodeKind::regular;
  CHECK_FALSE(model::enables(file, "a.service"));
}

TEST_CASE("units: names that lead out of their directory") {
  for (const std::string name : {"../a.service", "a/b.service", ".service", "..", "", "/etc/x.service"}) {
    CHECK_FALSE(model::is_plain_name(name));
  }
  CHECK(model::is_plain_name("a@b.service"));
  CHECK(model::is_plain_name("a..b.service"));
}

TEST_CASE("contents: only what is fetched is left to fetch, with its headers and hash") {
  const auto parsed = spec::parse("c", R"({"ignition": {"version": "3.6.0"}, "storage": {"files": [
    {"path": "/a", "contents": {"source": "https://x/a", "compression": "gzip",
      "httpHeaders": [{"name": "A", "value": "secret"}], "verification": {"hash": "sha256-)" +
                                           Digest::sha256("a").hex() + R"("}},
     "append": [{"source": "data:,more"}, {"source": "HTTP://x/b"}]}]},
    "systemd": {"units": [{"name": "a.service", "dropins": [{"name": "b.conf", "contents": "[Unit]\nAfter=b\n"}]}]}})");
  REQUIRE(parsed.config);
  const spec::File& file = parsed.config->storage.files[0];
  const auto contents = plan::contents_of(file.contents, "$.storage.files.0.contents");
  REQUIRE(contents);
  CHECK(contents->remote);
  CHECK(contents->digest == Digest::sha256("a"));
  const plan::ContentSource source(*parsed.config);
  const auto request = source.request(*contents);
  REQUIRE(request);
  CHECK(request->url == "https://x/a");
  CHECK(request->compression == "gzip");
  CHECK(request->expected == Digest::sha256("a"));
  CHECK(request->headers == std::vector<std::pair<std::string, std::string>>{{"A", "secret"}});
  const auto second = plan::contents_of(file.append[1], "$.storage.files.0.append.1");
  REQUIRE(second);
  CHECK(source.request(*second)->url == "HTTP://x/b");
  const auto first = plan::contents_of(file.append[0], "$.storage.files.0.append.0");
  REQUIRE(first);
  CHECK(source.bytes(*first).value() == "more");
  plan::Contents dropin;
  dropin.from = "$.systemd.units.0.dropins.0.contents";
  dropin.digest = Digest::sha256("[Unit]\nAfter=b\n");
  CHECK(source.bytes(dropin).value() == "[Unit]\nAfter=b\n");
  for (const std::string path :
       {"$.storage.files.1.contents", "$.storage.files.0.append.2", "$.storage.files.x.contents",
        "$.systemd.units.0.dropins.1.contents", "$.storage.files.0", ""}) {
    dropin.from = path;
    CHECK_FALSE(source.bytes(dropin));
    CHECK_FALSE(source.request(dropin));
  }
}

TEST_CASE("contents: packed ones are unpacked, and the hash is that of the unpacked bytes") {
  spec::Resource resource;
  // printf hello | gzip -n9 | base64
  resource.source = "data:;base64,H4sIAAAAAAACA8tIzcnJBwCGphA2BQAAAA==";
  resource.compression = "gzip";
  resource.verification.hash = Digest::sha256("hello").text();
  CHECK(spec::inline_bytes(resource).value() == "hello");
  resource.verification.hash = Digest::sha256("other").text();
  CHECK(spec::inline_bytes(resource).error().code == Code::bad_config);
  resource.source = "data:,hello";
  CHECK(spec::inline_bytes(resource).error().code == Code::bad_config);
  resource.source = "";
  resource.verification.hash.reset();
  CHECK(spec::inline_bytes(resource).value().empty());
}
