// SPDX-License-Identifier: Apache-2.0
// One case of tests/golden on a machine: planned, carried out stage by stage, and seen to be as predicted.
#pragma once

#include <string>
#include <vector>

#include "host/host.hpp"
#include "support/comparison.hpp"
#include "support/golden_cases.hpp"

namespace provision::test {

struct GoldenRun {
  // What is wrong, a line each; empty is good.
  std::vector<std::string> complaints;
  // Predictions that were left out, one at a time, to see that the comparison notices it.
  std::size_t left_out = 0;
};

// `target_path` is the target as the users of devices are called. The machine must be as the inventory of the case
// says, and its plan the one that is checked in. Then each stage is planned twice, on what was predicted so far and on
// what is seen, which must be one plan, and carried out; what is seen then must be what was predicted. Leaving out the
// prediction of any one step must be noticed.
GoldenRun run_golden(host::Host host, const GoldenCase& golden, const std::string& target_path, unsigned workers);

// The machine must be as the inventory of the case says, and the config is refused there with the error that is checked
// in. What is wrong, a line each.
std::vector<std::string> refuse_golden(host::Host host, const GoldenCase& golden, const std::string& target_path);

}  // namespace provision::test
