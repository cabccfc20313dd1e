// SPDX-License-Identifier: Apache-2.0
// What images of extensions come to in the words of the spec. What is refused is in cases/documents.json.
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

constexpr const char* hash = "sha256-e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

}  // namespace

TEST_CASE("extension images: an image is a file where systemd looks, and the service is enabled") {
  const std::string contents = std::string(R"("contents": {"source": "https://x/k", "compression": "gzip",
    "httpHeaders": [{"name": "a", "value": "b"}], "verification": {"hash": ")") +
                               hash + "\"}}";
  check_same(R"("provision": {"systemExtensions": [{"name": "k8s", )" + contents + "}]}",
             R"("storage": {"files": [{"path": "/var/lib/extensions/k8s.raw", "mode": 420, "overwrite": true, )" +
                 contents + R"(}]}, "systemd": {"units": [{"name": "systemd-sysext.service", "enabled": true}]})");
  check_same(R"("provision": {"configurationExtensions": [{"name": "site", )" + contents + "}]}",
             R"("storage": {"files": [{"path": "/var/lib/confexts/site.raw", "mode": 420, "overwrite": true, )" +
                 contents + R"(}]}, "systemd": {"units": [{"name": "systemd-confext.service", "enabled": true}]})");
}

TEST_CASE("extension images: a path of its own gets a link from where systemd looks") {
  check_same(R"("provision": {"systemExtensions": [
                 {"name": "k8s", "path": "/opt/extensions/k8s-1.30.raw", "contents": {"source": "data:,k"}}]})",
             R"("storage": {"files": [{"path": "/opt/extensions/k8s-1.30.raw", "mode": 420, "overwrite": true,
                                       "contents": {"source": "data:,k"}}],
                            "links": [{"path": "/var/lib/extensions/k8s.raw", "overwrite": true,
                                       "target": "/opt/extensions/k8s-1.30.raw"}]},
                "systemd": {"units": [{"name": "systemd-sysext.service", "enabled": true}]})");
}

TEST_CASE("extension images: what the config says of the service holds") {
  const std::string image =
      R"("provision": {"systemExtensions": [{"name": "a", "contents": {"source": "data:,k"}}]}, "systemd": )";
  const auto unit = [&](const std::string& said) {
    const auto units = config(image + R"({"units": [{"name": "systemd-sysext.service")" + said + "}]}").systemd.units;
    REQUIRE(units.size() == 1);
    return units.front();
  };
  CHECK(unit("").enabled == true);
  CHECK(unit(R"(, "enabled": false)").enabled == false);
  CHECK(unit(R"(, "dropins": [{"name": "a.conf", "contents": "[Unit]\n"}])").dropins.size() == 1);
}

TEST_CASE("extension images: a child's image takes the place of the parent's of the same name") {
  const std::string list = R"("provision": {"systemExtensions": [{"name": "k8s", "contents": {"source": )";
  const auto merged = spec::merge(parse(list + R"("data:,old"}}]})"), parse(list + R"("data:,new"}}]})"));
  REQUIRE(merged.config);
  REQUIRE(merged.config->storage.files.size() == 1);
  CHECK(merged.config->storage.files.front().contents.source.value_or("") == "data:,new");
  CHECK(merged.config->systemd.units.size() == 1);
  CHECK_FALSE(merged.notes.has_errors());
}

TEST_CASE("extension images: what is wrong with one later stands at its line") {
  const auto parsed = parse(R"("provision": {
    "systemExtensions": [
      {"name": "k8s", "contents": {"source": "data:,k"}}]})");
  REQUIRE(parsed.config);
  const auto& file = parsed.config->storage.files.front();
  CHECK(parsed.sources.origin(file.place, "").line == 4);
  CHECK(parsed.sources.origin(file.contents.place, "", "source").line == 4);
  CHECK(parsed.sources.origin(parsed.config->systemd.units.front().place, "").line == 4);
  CHECK(parsed.sources.origin(parsed.config->storage.place, "", "files", 0).line == 2);
}
