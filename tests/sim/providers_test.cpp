// SPDX-License-Identifier: Apache-2.0
// Each platform against scripted answers, in no time: what is user-data, what is none, what is tried again, what stops.
#include "providers/provider.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "host/sim/simhost.hpp"
#include "providers/detect.hpp"
#include "providers/payload.hpp"
#include "sim/machines.hpp"
#include "stages/hooks.hpp"

using namespace provision;
using namespace provision::test;

namespace {

using std::chrono::milliseconds;

struct Said {
  long status = 0;  // 0: no answer
  std::string body{};
  std::vector<std::pair<std::string, std::string>> headers{};
  milliseconds takes{1};
};

// The answers of each URL in their order; the last one stays. What nobody scripted does not answer.
class ScriptedHttp final : public host::Http {
 public:
  std::map<std::string, std::vector<Said>, std::less<>> script;
  std::vector<std::string> asked;
  std::vector<host::HttpQuestion> questions;

  Result<host::HttpAnswer> get(const host::HttpRequest& /*request*/) override {
    return Error(Code::network, "not in this test");
  }

  // In the order of time: each lane has the moment of its next answer.
  Result<void> converse(const std::vector<host::HttpQuestion>& first, const host::HttpLead& lead) override {
    std::vector<Pending> lanes;
    for (std::size_t i = 0; i < first.size(); ++i) {
      lanes.push_back(put(i, {first[i], {}}, milliseconds(0)));
    }
    milliseconds now{0};
    while (!lanes.empty()) {
      const auto next = std::min_element(lanes.begin(), lanes.end(),
                                         [](const Pending& a, const Pending& b) { return a.moment < b.moment; });
      for (; now < next->moment; now = std::min(now + milliseconds(250), next->moment)) {
        if (lead.is_over(now)) {
          return {};
        }
      }
      const Pending pending = *next;
      lanes.erase(next);
      host::HttpNext more = lead.answered(pending.lane, reply(pending));
      if (more.question) {
        lanes.push_back(put(pending.lane, std::move(more), now));
      }
      if (lead.is_over(now)) {
        return {};
      }
    }
    return {};
  }

 private:
  struct Pending {
    std::size_t lane;
    host::HttpQuestion question;
    Said said;
    milliseconds moment;
  };

  Pending put(std::size_t lane, host::HttpNext next, milliseconds now) {
    const std::string key = next.question->method + " " + next.question->url;
    asked.push_back(key);
    questions.push_back(*next.question);
    const auto found = script.find(key);
    Said said{0, {}, {}, milliseconds(1000)};
    if (found != script.end()) {
      said = found->second.front();
      if (found->second.size() > 1) {
        found->second.erase(found->second.begin());
      }
    }
    return {lane, *next.question, said, now + next.pause + said.takes};
  }

  static Result<host::HttpReply> reply(const Pending& pending) {
    if (pending.said.status == 0) {
      return Error(Code::network, "Connection refused");
    }
    return host::HttpReply{pending.said.status, pending.said.body, pending.said.headers};
  }
};

class Cloud {
 public:
  explicit Cloud(std::string_view id, bool network = true, const host::sim::MachineSpec& spec = two_disk_machine())
      : sim_(spec), all_(sim_.host()), id_(id), network_(network) {}

  ScriptedHttp http;
  std::string said;
  // Of the last config.
  std::string document;

  // "config: …", "none: …", "foreign: …", "network: …", or the error.
  std::string ask() {
    host::Host host = machine();
    const auto outcome = providers::find_platform(id_)->fetch(asking(host));
    if (!outcome) {
      return std::string(row(outcome.error().code).name) + ": " + to_string(outcome.error());
    }
    if (const auto* data = std::get_if<providers::UserData>(&*outcome)) {
      document = data->document;
      return "config: " + data->bytes;
    }
    if (const auto* none = std::get_if<providers::None>(&*outcome)) {
      return (none->foreign.empty() ? "none: " : "foreign: ") + none->reason;
    }
    return "network: " + std::get<providers::NeedNet>(*outcome).reason;
  }
  // Empty, or the error.
  std::string report(const std::string& failure) {
    host::Host host = machine();
    const auto told = providers::find_platform(id_)->report(asking(host), failure);
    return told ? std::string() : to_string(told.error());
  }
  host::Host& host() { return all_; }

 private:
  host::Host machine() {
    return {all_.target, all_.target_path, all_.state, all_.own,      all_.disks, all_.crypt,
            all_.mounts, all_.processes,   all_.clock, all_.firmware, http,       all_.fetcher};
  }
  providers::Asking asking(host::Host& host) {
    return {host, network_, [this](const std::string& line) { said += line + "\n"; }, milliseconds(30'000)};
  }

  host::sim::SimHost sim_;
  host::Host all_;
  std::string id_;
  bool network_;
};

bool has(const std::string& text, std::string_view part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

constexpr std::string_view aws = "http://169.254.169.254/2019-10-01/user-data";
constexpr std::string_view aws_token = "http://169.254.169.254/latest/api/token";
constexpr std::string_view gcp = "http://169.254.169.254/computeMetadata/v1/instance/attributes/user-data";
constexpr std::string_view azure =
    "http://169.254.169.254/metadata/instance/compute/userData?api-version=2021-01-01&format=text";
constexpr std::string_view nova = "http://169.254.169.254/openstack/latest/user_data";

std::string get(std::string_view url) { return "GET " + std::string(url); }
std::string put(std::string_view url) { return "PUT " + std::string(url); }
std::vector<Said> google(long status, const std::string& body = {}) {
  return {{status, body, {{"metadata-flavor", "Google"}}}};
}

std::string unwrap(const std::string& bytes) {
  const auto outcome = providers::unwrap(bytes, providers::Coding::raw, "it");
  if (!outcome) {
    return to_string(outcome.error());
  }
  const auto* none = std::get_if<providers::None>(&*outcome);
  return none != nullptr ? none->foreign + "|" + none->reason : std::get<providers::UserData>(*outcome).bytes;
}

}  // namespace

TEST_SUITE_BEGIN("providers");

TEST_CASE("what needs the network says so") {
  for (const auto* id : {"aws", "gcp", "azure", "openstack"}) {
    CAPTURE(id);
    Cloud cloud(id, false);
    CHECK(has(cloud.ask(), "network: the metadata service of "));
    CHECK(cloud.http.asked.empty());
  }
}

TEST_CASE("Container Linux's names are the same platforms") {
  CHECK(providers::find_platform("ec2") == providers::find_platform("aws"));
  CHECK(providers::find_platform("gce") == providers::find_platform("gcp"));
  CHECK(providers::find_platform("") == nullptr);
}

TEST_CASE("aws: a token, then the user-data, and nothing else") {
  Cloud cloud("aws");
  cloud.http.script[put(aws_token)] = {{200, "the-token\n"}};
  cloud.http.script[get(aws)] = {{200, "{}"}};
  CHECK(cloud.ask() == "config: {}");
  const auto on_ipv4 = std::count_if(cloud.http.asked.begin(), cloud.http.asked.end(),
                                     [](const auto& url) { return has(url, "169.254.169.254"); });
  CHECK(on_ipv4 == 2);
  const std::pair<std::string, std::string> token{"X-aws-ec2-metadata-token", "the-token"};
  CHECK(std::count(cloud.http.questions.back().headers.begin(), cloud.http.questions.back().headers.end(), token) == 1);
}

TEST_CASE("aws: without tokens, switched off, none, refused") {
  for (const long status : {404, 405}) {
    Cloud old("aws");
    old.http.script[put(aws_token)] = {{status}};
    old.http.script[get(aws)] = {{200, "{}"}};
    CHECK(old.ask() == "config: {}");
  }
  Cloud off("aws");
  off.http.script[put(aws_token)] = {{403}};
  CHECK(off.ask() == "none: the metadata service of AWS is switched off (it answered 403)");
  Cloud none("aws");
  none.http.script[put(aws_token)] = {{200, "t"}};
  none.http.script[get(aws)] = {{404}};
  CHECK(none.ask() == "none: AWS has no user-data for this machine (it answered 404)");
  Cloud refused("aws");
  refused.http.script[put(aws_token)] = {{200, "t"}};
  refused.http.script[get(aws)] = {{403}};
  const std::string words = refused.ask();
  CHECK(has(words, "config-unavailable: the metadata service of AWS did not give the user-data: "));
  CHECK(has(words, "http://169.254.169.254/2019-10-01/user-data: it answered 403"));
}

TEST_CASE("aws: one new token for an expired one") {
  Cloud cloud("aws");
  cloud.http.script[put(aws_token)] = {{200, "old"}, {200, "new"}};
  cloud.http.script[get(aws)] = {{401}, {200, "{}"}};
  CHECK(cloud.ask() == "config: {}");
  Cloud never("aws");
  never.http.script[put(aws_token)] = {{200, "t"}};
  never.http.script[get(aws)] = {{401}};
  CHECK(has(never.ask(), "it answered 401"));
}

TEST_CASE("aws: over IPv6 alone, and what is slow there is waited for") {
  Cloud cloud("aws");
  cloud.http.script["PUT http://[fd00:ec2::254]/latest/api/token"] = {{200, "six"}};
  cloud.http.script["GET http://[fd00:ec2::254]/2019-10-01/user-data"] = {{200, "{}"}};
  CHECK(cloud.ask() == "config: {}");
  CHECK(cloud.document == "the user-data of AWS ([fd00:ec2::254])");
  // "There is none" by one address, and a config by the other a little later.
  Cloud both("aws");
  both.http.script[put(aws_token)] = {{200, "t"}};
  both.http.script[get(aws)] = {{404}};
  both.http.script["PUT http://[fd00:ec2::254]/latest/api/token"] = {{200, "six"}};
  both.http.script["GET http://[fd00:ec2::254]/2019-10-01/user-data"] = {{200, "{}", {}, milliseconds(1500)}};
  CHECK(both.ask() == "config: {}");
}

TEST_CASE("what passes is tried again: throttled, not ready, no network yet") {
  Cloud cloud("aws");
  cloud.http.script[put(aws_token)] = {{0, {}, {}, milliseconds(9000)}, {503}, {429}, {200, "t"}};
  cloud.http.script[get(aws)] = {{500}, {0}, {200, "{}"}};
  CHECK(cloud.ask() == "config: {}");
  CHECK(has(cloud.said, "still waiting for the user-data of AWS, 5 s of 30 s: http://169.254.169.254"));
  // Nothing but its first question has been asked.
  CHECK(has(cloud.said, "169.254.169.254/2019-10-01/user-data: nothing came, being asked"));
}

TEST_CASE("while a service is waited for: what each address said last, and when it is asked again") {
  Cloud cloud("openstack");
  cloud.http.script[get(nova)] = {{503}, {503}, {503}, {503}, {503}, {503}, {503}, {200, "{}"}};
  CHECK(cloud.ask() == "config: {}");
  // Asked after 0, 0.2, 0.6, 1.4, 3.0 and 6.2 seconds.
  CHECK(has(cloud.said, "user_data: it answered 503, next try in 2 s"));
  Cloud dead("openstack");
  dead.http.script[get(nova)] = {{503}};
  CHECK_FALSE(has(dead.ask(), "next try"));
}

TEST_CASE("dead for ever, or somebody else: the boot stops, and says what each address answered") {
  for (const auto* id : {"aws", "gcp", "azure", "openstack"}) {
    CAPTURE(id);
    Cloud cloud(id);
    const std::string words = cloud.ask();
    CHECK(has(words, "config-unavailable: the metadata service of "));
    CHECK(has(words, " gave no answer within 30 seconds: http://169.254.169.254/"));
    CHECK(has(words, ": Connection refused"));
  }
  Cloud portal("openstack");
  portal.http.script[get(nova)] = {{200, "\n<!DOCTYPE html><p>Log in"}};
  CHECK(has(portal.ask(), "it answered 200 with an HTML page, so something else answers there"));
  Cloud other("gcp");
  other.http.script[get(gcp)] = {{200, "{}"}};
  CHECK(has(other.ask(), R"(it answered 200 without "metadata-flavor: Google", so something else answers there)"));
  Cloud odd("aws");
  odd.http.script[put(aws_token)] = {{200, "<html>"}};
  CHECK(has(odd.ask(), "it answered 200 with something that is no token"));
}

TEST_CASE("gcp: the header both ways; none, refused") {
  Cloud cloud("gcp");
  cloud.http.script[get(gcp)] = google(200, "{}");
  CHECK(cloud.ask() == "config: {}");
  const std::pair<std::string, std::string> flavor{"Metadata-Flavor", "Google"};
  CHECK(cloud.http.questions.front().headers == std::vector{flavor});
  Cloud none("gcp");
  none.http.script[get(gcp)] = google(404);
  CHECK(none.ask() == "none: Google Cloud has no user-data for this machine (it answered 404)");
  Cloud refused("gcp");
  refused.http.script[get(gcp)] = google(403);
  CHECK(has(refused.ask(), "did not give the user-data: "));
}

TEST_CASE("gcp: whether it is base64 is asked for where it may be, and only there") {
  const std::string coding = get(std::string(gcp) + "-encoding");
  const auto ask = [&](const std::string& data, std::vector<Said> answers) {
    Cloud cloud("gcp");
    cloud.http.script[get(gcp)] = google(200, data);
    cloud.http.script[coding] = std::move(answers);
    std::string words = cloud.ask() + "\n" + cloud.said;
    return (std::count(cloud.http.asked.begin(), cloud.http.asked.end(), coding) == 0 ? "unasked: " : "") + words;
  };
  // A JSON text, and what is another program's.
  CHECK(ask("{}", google(200, "base64")) == "unasked: config: {}\n");
  CHECK(has(ask("#cloud-config", google(200, "base64")), "unasked: foreign: "));
  CHECK(ask("e30=\n", google(200, "base64\n")) == "config: {}\n");
  CHECK(ask("H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==", google(200, "base64")) == "config: {}\n");
  std::vector<Said> slow = google(503);
  slow.push_back(google(200, "base64").front());
  CHECK(ask("e30=", slow) == "config: {}\n");
  CHECK(ask("e30=", google(404)) ==
        "config: {}\nthe user-data of Google Cloud looks like base64, and "
        "/computeMetadata/v1/instance/attributes/user-data-encoding does not say so: what is in it decides\n");
  CHECK(has(ask("e30=", google(200, "rot13")),
            "http://169.254.169.254/computeMetadata/v1/instance/attributes/user-data-encoding: its coding is "
            "\"rot13\", and only base64 is known"));
  CHECK(has(ask("e30=", google(403)), "it answered 403 when it was asked for the coding of the user-data"));
}

TEST_CASE("azure: base64 with line breaks; not there yet; wrong") {
  Cloud cloud("azure");
  cloud.http.script[get(azure)] = {{404}, {410}, {200, "eyJh\r\nIjog MX0=\n"}};
  CHECK(cloud.ask() == R"(config: {"a": 1})");
  Cloud wrong("azure");
  wrong.http.script[get(azure)] = {{200, "eyJh*"}};
  CHECK(has(wrong.ask(),
            "config-unavailable: the user-data of Azure (169.254.169.254) cannot be read: it is no base64 at byte 5"));
}

TEST_CASE("azure: without user data the DVD is awaited, and its not coming is no answer") {
  for (const auto* id : {"azure", "azurestack"}) {
    Cloud cloud(id, std::string(id) == "azure");
    cloud.http.script[get(azure)] = {{200, ""}};
    CHECK(has(cloud.ask(),
              "config-unavailable: the provisioning DVD of Azure did not come within 30 seconds: there is no drive"));
    CHECK(has(cloud.said, "waiting for the provisioning DVD of Azure: "));
  }
}

TEST_CASE("azure is told: ready, or why not, in as many characters as it takes") {
  constexpr std::string_view goal = "GET http://168.63.129.16/machine/?comp=goalstate";
  constexpr std::string_view health = "POST http://168.63.129.16/machine?comp=health";
  const std::string state =
      "<GoalState><Incarnation>7</Incarnation><Container><ContainerId>c</ContainerId><RoleInstanceList><RoleInstance>"
      "<InstanceId>i</InstanceId></RoleInstance></RoleInstanceList></Container></GoalState>";
  Cloud cloud("azure");
  cloud.http.script[std::string(goal)] = {{0}, {410}, {200, "<html>"}, {200, state}};
  cloud.http.script[std::string(health)] = {{503}, {200}};
  CHECK(cloud.report("").empty());
  CHECK(has(cloud.http.questions.back().body,
            "<Health><GoalStateIncarnation>7</GoalStateIncarnation><Container><ContainerId>c</ContainerId>"
            "<RoleInstanceList><Role><InstanceId>i</InstanceId><Health><State>Ready</State></Health></Role>"));

  Cloud stopped("azurestack");
  stopped.http.script[std::string(goal)] = {{200, state}};
  stopped.http.script[std::string(health)] = {{200}};
  std::string text = "a <b> & c ";
  for (int i = 0; i < 600; ++i) {
    text += "ü";
  }
  CHECK(stopped.report(text).empty());
  const std::string& body = stopped.http.questions.back().body;
  CHECK(has(body,
            "<State>NotReady</State><Details><SubStatus>ProvisioningFailed</SubStatus>"
            "<Description>a &lt;b&gt; &amp; c ü"));
  CHECK(std::count(body.begin(), body.end(), '\xbc') == 502);

  Cloud dead("azure");
  CHECK(has(dead.report("x"), "Azure could not be told that this machine is not ready: Connection refused"));
  CHECK((providers::find_platform("aws")->report == nullptr));
}

TEST_CASE("openstack: through each interface; one that knows nothing does not speak for the others") {
  Cloud cloud("openstack");
  for (const auto* name : {"lo", "eth0", "eth1"}) {
    REQUIRE(stages::make_own_directory(cloud.host().own, std::string("/sys/class/net/") + name));
  }
  cloud.http.script["GET http://[fe80::a9fe:a9fe%25eth0]/openstack/latest/user_data"] = {{404}};
  cloud.http.script[get(nova)] = {{200, "{}", {}, milliseconds(500)}};
  CHECK(cloud.ask() == "config: {}");
  CHECK(cloud.http.asked.size() == 3);
  Cloud none("openstack");
  none.http.script[get(nova)] = {{404}};
  CHECK(has(none.ask(), "none: OpenStack has no user-data"));
}

TEST_CASE("qemu without fw_cfg: the virtio block device with the serial number ignition") {
  auto spec = two_disk_machine();
  spec.has_fw_cfg = false;
  Cloud neither("qemu", false, spec);
  CHECK(has(neither.ask(),
            "config-unavailable: there is no fw_cfg device, and the virtio block device with the serial "
            "number \"ignition\" has not come either: No such device, while asking QEMU's fw_cfg"));
  CHECK(has(neither.said, "waiting for the virtio block device with the serial number \"ignition\": 5 s of 10 s"));
  host::sim::DiskSpec drive;
  drive.node = "/dev/vdx";
  drive.facts.serial = "ignition";
  drive.facts.sectors = 2;
  drive.bytes = "{}";
  drive.appears_after = std::chrono::seconds(3);
  const auto with = [&](const std::string& bytes, std::int64_t sectors) {
    auto other = spec;
    other.disks.push_back(drive);
    other.disks.back().bytes = bytes;
    other.disks.back().facts.sectors = sectors;
    return Cloud("qemu", false, other).ask();
  };
  CHECK(with("{}", 2) == "config: {}");
  CHECK(has(with("", 2), "none: "));
  CHECK(has(with("#!/bin/sh\n", 2), "foreign: the virtio block device /dev/vdx is a script"));
  CHECK(with("{}" + std::string(100'000, ' '), 40'000) == "config: {}" + std::string(100'000, ' '));
  CHECK(has(with("{}" + std::string(17U << 20U, ' '), 40'000), "is longer than 16777216 bytes"));
  // It does not speak for a fw_cfg that has been asked.
  spec.has_fw_cfg = true;
  CHECK(has(with("{}", 2), "none: QEMU has no fw_cfg item opt/com.coreos/config"));
}

TEST_CASE("the platform, by its firmware's words, by drives, by the hypervisor") {
  const auto detected = [](const std::string& path, const std::string& content) -> std::string {
    Cloud machine("metal");
    host::Files& own = machine.host().own;
    REQUIRE(stages::make_own_directory(own, "/sys/firmware/qemu_fw_cfg/by_name"));
    REQUIRE(stages::make_own_directory(own, path.substr(0, path.rfind('/'))));
    REQUIRE(own.replace(path, content, 0400, {}));
    const auto found = providers::detect(own, "");
    return found && *found ? (*found)->id + ": " + (*found)->why : "nothing";
  };
  CHECK(detected("/sys/class/dmi/id/sys_vendor", "Amazon EC2\n") == R"(aws: sys_vendor is "Amazon EC2")");
  CHECK(detected("/sys/class/dmi/id/product_serial", "GoogleCloud-1A") == R"(gcp: product_serial is "GoogleCloud-1A")");
  CHECK(has(detected("/sys/class/dmi/id/chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"), "azure: "));
  CHECK(has(detected("/sys/class/dmi/id/product_name", "OpenStack Compute"), "openstack: "));
  CHECK(detected("/dev/disk/by-label/cidata", "") == "nocloud: there is /dev/disk/by-label/cidata");
  CHECK(
      has(detected("/sys/class/dmi/id/sys_vendor", "Amazon EC20"), "qemu: there is /sys/firmware/qemu_fw_cfg/by_name"));
  Cloud nothing("metal");
  CHECK_FALSE(providers::detect(nothing.host().own, "")->has_value());
  const auto hidden = providers::detect(nothing.host().own, "Intel TDX");
  REQUIRE_FALSE(hidden);
  CHECK(hidden.error().code == Code::no_platform);
  CHECK(has(hidden.error().what, "name the platform by ignition.platform.id="));
}

TEST_CASE("what user-data is wrapped in, and what is not for us") {
  CHECK(unwrap("{}") == "{}");
  CHECK(unwrap(std::string("{}\0\0", 4)) == "{}");
  CHECK(unwrap(" \n") == "|it is empty");
  CHECK(unwrap("#cloud-config\nusers: []") == "a cloud-config|it is a cloud-config, which is not for provision");
  CHECK(unwrap("#!/bin/sh") == "a script|it is a script, which is not for provision");
  CHECK(has(unwrap("Content-Type: multipart/mixed;"), "a MIME message"));
  const std::string packed("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03\xab\xae\x05\x00\x43\xbf\xa6\xa3\x02\x00\x00\x00",
                           22);
  CHECK(unwrap(packed) == "{}");
  CHECK(unwrap(packed.substr(0, 15)) == "it cannot be read: the gzip bytes end too early");
  const std::string zstd("\x28\xb5\x2f\xfd\x04\x58\x11\x00\x00\x7b\x7d\xd1\x94\xf2\x7a", 15);
  CHECK(unwrap(zstd) == "{}");
  CHECK(unwrap(zstd + zstd) == "{}{}");
  CHECK(unwrap(zstd.substr(0, 9)) == "it cannot be read: the zstd bytes end too early");
  CHECK(unwrap(zstd + "{}") == "it cannot be read: behind the zstd frames, at byte 15, stands something else");
  const auto from_base64 = [](const std::string& bytes) {
    const auto outcome = providers::unwrap(bytes, providers::Coding::base64, "it");
    return outcome ? std::get<providers::UserData>(*outcome).bytes : to_string(outcome.error());
  };
  CHECK(from_base64("H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==") == "{}");
  CHECK(from_base64("KLUv/QRYEQAAe33RlPJ6") == "{}");
}

TEST_CASE("payload: base64 that nobody spoke of, by what is in it") {
  CHECK(unwrap("e30=") == "{}");
  CHECK(unwrap("eyJh\r\nIjog MX0=\n") == R"({"a": 1})");
  CHECK(unwrap("H4sIAAAAAAAAA6uuBQBDv6ajAgAAAA==") == "{}");
  CHECK(unwrap("KLUv/QRYEQAAe33RlPJ6") == "{}");
  CHECK(has(unwrap(base64_encode("#cloud-config\n")), "a cloud-config|"));
  // Of the platform's own coding: encoded twice.
  const auto twice = providers::unwrap(base64_encode("e30="), providers::Coding::base64, "it");
  REQUIRE(twice);
  CHECK(std::get<providers::UserData>(*twice).bytes == "{}");
  // A word that may be base64, and what is no base64 to its end.
  CHECK(unwrap("abcd") == "abcd");
  CHECK(unwrap("e30=e30=") == "e30=e30=");
}

TEST_SUITE_END();
