// SPDX-License-Identifier: Apache-2.0
// One loop that carries a plan out: observe, decide, record, apply, observe again, record.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/host.hpp"
#include "plan/plan.hpp"
#include "run/journal.hpp"
#include "run/listener.hpp"

namespace provision::run {

struct Options {
  // Steps that run side by side; 0: one after another on this thread, in an order drawn from `seed`. More than there
  // are processors: most of a step is waiting for a disk.
  unsigned workers = 8;
  std::uint64_t seed = 0;
  // Off only to prove that the tests of the executor notice it.
  bool check_after_apply = true;
  // The journal does not outlive a power cut, so that nothing but the target tells what an earlier try has done. Then
  // each file's content is on the medium before its name, and a new home when it is made.
  bool journal_in_memory = false;
};

enum class Outcome : std::uint8_t { applied, already };

struct StepResult {
  std::string id;
  std::string sentence;
  Outcome outcome = Outcome::applied;
  std::chrono::microseconds took{0};
};

// Runs the steps of a plan that the journal already holds. The first error stops it: steps under way are let end, no
// other begins, and the failure is recorded. On success all file systems that the steps touched have been synced; the
// caller then records the stage.
Result<std::vector<StepResult>> execute(host::Host& host, const plan::Plan& plan, const plan::ContentSource& contents,
                                        Journal& journal, Listener& listener, const Options& options);

}  // namespace provision::run
