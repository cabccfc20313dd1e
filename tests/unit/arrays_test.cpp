// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "plan/operations/make_array.hpp"
#include "run/decide.hpp"

using namespace provision;
using namespace provision::plan;

TEST_SUITE_BEGIN("arrays");

TEST_CASE("arrays: each name that the spec has for a level is the same level") {
  CHECK(level_name("0") == "raid0");
  CHECK(level_name("stripe") == "raid0");
  CHECK(level_name("mirror") == "raid1");
  CHECK(level_name("1") == "raid1");
  CHECK(level_name("4") == "raid4");
  CHECK(level_name("raid5") == "raid5");
  CHECK(level_name("6") == "raid6");
  CHECK(level_name("10") == "raid10");
  CHECK(level_name("linear") == "linear");
}

TEST_CASE("arrays: a UUID in the options of mdadm, in each form that mdadm takes") {
  const std::string uuid = "5b6e2f5c-7d0a-4d43-93a1-000000000002";
  const auto in = [](const std::vector<std::string>& options) {
    const auto found = uuid_in(options);
    REQUIRE(found);
    return *found ? (*found)->text() : "none";
  };
  CHECK(in({}) == "none");
  CHECK(in({"--chunk=64", "--bitmap=internal"}) == "none");
  CHECK(in({"--uuid=" + uuid}) == uuid);
  CHECK(in({"--uuid", "5B6E2F5C-7D0A-4D43-93A1-000000000002", "--assume-clean"}) == uuid);
  CHECK(in({"-u", "5b6e2f5c:7d0a4d43:93a10000:00000002"}) == uuid);
  CHECK(in({"--uuid=5b6e2f5c7d0a4d4393a1000000000002"}) == uuid);
  for (const auto* bad :
       {"", "12", "5b6e2f5c:7d0a4d43:93a10000:0000000", "5b6e2f5c:7d0a4d43:93a10000:0000000222", "x"}) {
    const auto found = uuid_in({std::string("--uuid=") + bad});
    REQUIRE_FALSE(found);
    CHECK(found.error().code == Code::bad_config);
  }
}

TEST_CASE("arrays: one that is there is never done again, as one that is made may be after a cut") {
  Step step;
  step.operation = MakeArray{};
  const Observation runs{State::satisfied, {}, {}};
  const run::History begun{true, false};
  CHECK(run::decide(step, runs, begun) == run::Decision::apply);
  CHECK(run::decide(step, runs, {}) == run::Decision::skip);
  CHECK(run::decide(step, runs, {true, true}) == run::Decision::skip);
  std::get<MakeArray>(step.operation).there = true;
  CHECK(run::decide(step, runs, begun) == run::Decision::skip);
}

TEST_CASE("arrays: started is what has written its state, or has all of its devices where no state is written") {
  host::ArrayMember mirror;
  mirror.level = "raid1";
  mirror.devices = 2;
  host::ArrayMember stripe = mirror;
  stripe.level = "raid0";
  CHECK_FALSE(model::was_started({}));
  CHECK_FALSE(model::was_started({mirror, mirror}));
  CHECK_FALSE(model::was_started({stripe}));
  CHECK(model::was_started({stripe, stripe}));
  mirror.running = true;
  CHECK(model::was_started({mirror, mirror}));
  mirror.running = false;
  mirror.events = 1;
  CHECK(model::was_started({mirror}));
}

TEST_SUITE_END();
