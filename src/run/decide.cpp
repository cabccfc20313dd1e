// SPDX-License-Identifier: Apache-2.0
#include "run/decide.hpp"

namespace provision::run {
namespace {

Decision decide_satisfied(const plan::Step& step, const History& history) {
  if (history.done) {
    return Decision::skip;
  }
  const bool proven = plan::traits(step.operation).observation_proves;
  const bool may_be_torn = history.may_have_begun && !proven;
  const bool of_an_earlier_provisioning = step.afresh && !history.may_have_begun;
  return may_be_torn || of_an_earlier_provisioning ? Decision::apply : Decision::skip;
}

}  // namespace

Decision decide(const plan::Step& step, const plan::Observation& seen, const History& history) {
  switch (seen.state) {
    case plan::State::satisfied:
      return decide_satisfied(step, history);
    case plan::State::absent:
    case plan::State::partly_ours:
      return Decision::apply;
    case plan::State::foreign:
      break;
  }
  const bool allowed =
      !step.replaces.empty() && (step.replaces == plan::replaces_anything || step.replaces == seen.fingerprint);
  const bool our_broken_work = history.may_have_begun && plan::traits(step.operation).lasts;
  return allowed || our_broken_work ? Decision::apply : Decision::conflict;
}

}  // namespace provision::run
