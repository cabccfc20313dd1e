// SPDX-License-Identifier: Apache-2.0
// What images that have Ignition's units and programs expect of the program under that name.
#include <doctest/doctest.h>

#include <array>

#include "cli/go_flags.hpp"
#include "cli/journal_entries.hpp"
#include "spec/parse.hpp"
#include "stages/config_cache.hpp"

using namespace provision;
using std::chrono::milliseconds;

namespace {

struct Given {
  bool loud = false;
  std::string name = "default";
  milliseconds time{5};
  Result<cli::GoArguments> parsed = cli::GoArguments{};
};

Given parse(const std::vector<std::string_view>& words) {
  Given given;
  const std::array flags{cli::GoFlag{"loud", "", &given.loud}, cli::GoFlag{"name", "", &given.name},
                         cli::GoFlag{"time", "", &given.time}};
  given.parsed = cli::parse_go_flags(flags, words);
  return given;
}

std::string fault(const std::vector<std::string_view>& words) {
  const Given given = parse(words);
  return given.parsed ? "" : given.parsed.error().what;
}

using Kind = stages::KeptDocument::Kind;

}  // namespace

TEST_CASE("Go's flags: one dash or two, with = or without, a bool alone") {
  for (const std::vector<std::string_view>& words :
       {std::vector<std::string_view>{"-loud", "-name", "x", "-time", "2m"},
        {"--loud", "--name=x", "--time=120s"},
        {"-name=x", "-loud=T", "-time=+1m60s"}}) {
    const Given given = parse(words);
    REQUIRE(given.parsed);
    CHECK(given.loud);
    CHECK(given.name == "x");
    CHECK(given.time == milliseconds(120'000));
    CHECK(given.parsed->rest.empty());
  }
}

TEST_CASE("Go's flags: a value may look like a flag, and be empty") {
  CHECK(parse({"-name", "-loud"}).name == "-loud");
  CHECK(parse({"-name="}).name.empty());
  CHECK(parse({"-name=a=b"}).name == "a=b");
}

TEST_CASE("Go's flags: the first word that is none ends them, an empty one too") {
  for (const std::string_view end : {"", "-", "word"}) {
    const Given given = parse({"-loud", end, "-nonsense"});
    REQUIRE(given.parsed);
    CHECK(given.parsed->rest == std::vector<std::string>{std::string(end), "-nonsense"});
  }
  CHECK(parse({"--", "-loud"}).parsed->rest == std::vector<std::string>{"-loud"});
  CHECK_FALSE(parse({"--", "-loud"}).loud);
}

TEST_CASE("Go's flags: help, and what is wrong") {
  CHECK(parse({"-h"}).parsed->help);
  CHECK(parse({"--help", "-nonsense"}).parsed->help);
  CHECK(fault({"-nonsense"}) == "there is no flag -nonsense");
  CHECK(fault({"---loud"}) == "there is no flag --loud");
  CHECK(fault({"-name"}) == "the flag -name needs a value");
  CHECK(fault({"-loud=maybe"}) == "\"maybe\" is no value of the flag -loud");
  CHECK(fault({"-time", "2"}) == "\"2\" is no value of the flag -time");
}

TEST_CASE("Go's durations") {
  CHECK(cli::parse_go_duration("0") == milliseconds(0));
  CHECK(cli::parse_go_duration("1h2m3.5s") == milliseconds(3'723'500));
  CHECK(cli::parse_go_duration("1.5ms") == milliseconds(1));
  CHECK(cli::parse_go_duration("2000us") == milliseconds(2));
  CHECK(cli::parse_go_duration(".5s") == milliseconds(500));
  for (const std::string_view text : {"", "+", "s", "1", "-1s", "1x", "1s ", "1e3s", "inf", "9999999h", "1s2"}) {
    CAPTURE(text);
    CHECK_FALSE(cli::parse_go_duration(text).has_value());
  }
}

TEST_CASE("journal entries: one a config, the referred ones with the type of what refers to them") {
  const auto entries = cli::entries_of(stages::Documents{{Kind::base, "b", "x"},
                                                         {Kind::authority, "ca", "x"},
                                                         {Kind::user, "u", "x"},
                                                         {Kind::referred, "r", "secret"},
                                                         {Kind::end, "", ""}});
  REQUIRE(entries.size() == 3);
  const auto fields = [&](std::size_t i) {
    std::string text;
    for (const auto& [key, value] : entries[i].fields) {
      text += key + "=" + value + " ";
    }
    return text;
  };
  const std::string id = "PRIORITY=6 MESSAGE_ID=57124006b5c94805b77ce473e92a8aeb IGNITION_CONFIG_TYPE=";
  CHECK(fields(0) == id + "base IGNITION_CONFIG_SRC=b IGNITION_CONFIG_REFERENCED=false ");
  CHECK(fields(1) == id + "user IGNITION_CONFIG_SRC=u IGNITION_CONFIG_REFERENCED=false ");
  CHECK(fields(2) == id + "user IGNITION_CONFIG_SRC=r IGNITION_CONFIG_REFERENCED=true ");
}

TEST_CASE("journal entries: none for what stands for there being no config, one for the keys of each user") {
  CHECK(cli::entries_of(stages::Documents{{Kind::user, "no config (it is so)", "{}"}, {Kind::end, "", ""}}).empty());
  plan::Plan plan;
  plan.steps.resize(2);
  plan::PutFile keys;
  keys.path = "/home/a/.ssh/authorized_keys.d/ignition";
  plan.steps[0].id = "keys:a";
  plan.steps[0].operation = keys;
  plan.steps[1].id = "file:/etc/b";
  plan.steps[1].operation = plan::PutFile{};
  const auto entries = cli::entries_of(plan);
  REQUIRE(entries.size() == 1);
  CHECK(entries[0].fields[1].second == "225067b87bbd4a0cb6ab151f82fa364b");
  CHECK(entries[0].fields[2] == std::pair<std::string, std::string>{"IGNITION_USER_NAME", "a"});
  CHECK(entries[0].fields[3] == std::pair<std::string, std::string>{"IGNITION_PATH", keys.path});
}

TEST_CASE("the config cache: the newest version, nothing referred to, authorities with their bytes, valid again") {
  const std::string source = "https://example.com/ca.pem";
  auto parsed = spec::parse("c", R"({"ignition": {"version": "3.4.0", "config": {"merge": [{"source": "https://x/"}]},
    "security": {"tls": {"certificateAuthorities": [{"source": ")" +
                                     source + R"(", "compression": "gzip"}]}}},
    "provision": {"unfinished": "resume"},
    "storage": {"files": [{"path": "/a", "mode": 420, "contents": {"source": "data:,x"}}]}})");
  REQUIRE(parsed.config);
  const stages::Documents documents{{Kind::authority, Digest::sha256(source).text(), "PEM"}};
  const std::string text = stages::config_cache_text(*parsed.config, documents);
  const auto again = spec::parse("again", text);
  REQUIRE(again.config);
  const auto& ignition = again.config->ignition;
  CHECK(ignition.version == "3.7.0-experimental");
  CHECK(ignition.config.merge.empty());
  REQUIRE(ignition.security.tls.certificate_authorities.size() == 1);
  CHECK(ignition.security.tls.certificate_authorities[0].source == "data:;base64,UEVN");
  CHECK_FALSE(ignition.security.tls.certificate_authorities[0].compression);
  CHECK(again.config->storage.files.size() == 1);
  CHECK_FALSE(again.config->provision.unfinished);
}
