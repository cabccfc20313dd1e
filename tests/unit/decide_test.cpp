// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include "run/decide.hpp"

using namespace provision;
using plan::State;
using run::Decision;

namespace {

plan::Step file_step() {
  plan::Step step;
  step.operation = plan::PutFile{};
  return step;
}

plan::Step filesystem_step() {
  plan::Step step;
  step.operation = plan::MakeFilesystem{};
  return step;
}

plan::Step mount_step() {
  plan::Step step;
  step.operation = plan::Mount{};
  return step;
}

Decision decide(const plan::Step& step, State state, const std::string& fingerprint, run::History history) {
  return run::decide(step, {state, fingerprint, {}}, history);
}

constexpr run::History fresh{};
constexpr run::History begun{.may_have_begun = true, .done = false};
constexpr run::History done{.may_have_begun = true, .done = true};

}  // namespace

TEST_CASE("decide: what is so already is skipped") {
  CHECK(decide(file_step(), State::satisfied, "x", fresh) == Decision::skip);
  CHECK(decide(file_step(), State::satisfied, "x", begun) == Decision::skip);
  CHECK(decide(filesystem_step(), State::satisfied, "x", fresh) == Decision::skip);
  CHECK(decide(filesystem_step(), State::satisfied, "x", done) == Decision::skip);
}

TEST_CASE("decide: a file system that may be torn is made again") {
  CHECK(decide(filesystem_step(), State::satisfied, "x", begun) == Decision::apply);
}

TEST_CASE("decide: wiping is done once by this provisioning, whatever an earlier one left") {
  plan::Step step = filesystem_step();
  step.afresh = true;
  CHECK(decide(step, State::satisfied, "x", fresh) == Decision::apply);
  CHECK(decide(step, State::satisfied, "x", done) == Decision::skip);
}

TEST_CASE("decide: what is absent or partly ours is done") {
  for (const auto state : {State::absent, State::partly_ours}) {
    for (const auto& history : {fresh, begun, done}) {
      CHECK(decide(file_step(), state, "absent", history) == Decision::apply);
    }
  }
}

TEST_CASE("decide: what is foreign is never touched unless the plan allows just that") {
  CHECK(decide(file_step(), State::foreign, "x", fresh) == Decision::conflict);
  plan::Step step = file_step();
  step.replaces = "x";
  CHECK(decide(step, State::foreign, "x", fresh) == Decision::apply);
  CHECK(decide(step, State::foreign, "y", fresh) == Decision::conflict);
  step.replaces = "*";
  CHECK(decide(step, State::foreign, "y", fresh) == Decision::apply);
}

TEST_CASE("decide: our own broken work may be done again, but nothing of an interrupted boot is mounted now") {
  CHECK(decide(file_step(), State::foreign, "x", begun) == Decision::apply);
  CHECK(decide(mount_step(), State::foreign, "x", begun) == Decision::conflict);
}
