// SPDX-License-Identifier: Apache-2.0
// What to do about one step, from what is seen and what is recorded: pure.
#pragma once

#include "plan/plan.hpp"

namespace provision::run {

enum class Decision : std::uint8_t { skip, apply, conflict };

// What the journal knows of a step.
struct History {
  // An earlier run may have begun it: it recorded so, or the power went while its stage was under way.
  bool may_have_begun = false;
  // It was recorded done.
  bool done = false;
};

// satisfied: skip, unless the result may be a torn one of an interrupted run, or must be made afresh and was not yet.
// absent, partly ours: apply. foreign: apply only over what the plan says may be replaced, or over our own broken work;
// else a conflict, and nothing is touched.
Decision decide(const plan::Step& step, const plan::Observation& seen, const History& history);

}  // namespace provision::run
