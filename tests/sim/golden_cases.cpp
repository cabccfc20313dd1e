// SPDX-License-Identifier: Apache-2.0
// Each case of tests/golden that has a plan, on a simulated machine made of its inventory: what is predicted is what is
// seen when it has been carried out.
#include <algorithm>
#include <array>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include "host/sim/simhost.hpp"
#include "support/golden_machine.hpp"
#include "support/golden_run.hpp"

using namespace provision;
using namespace provision::test;

namespace {

// Cases that cannot be carried out on a simulated machine, and why.
struct Exception {
  std::string_view name;
  std::string_view why;
};
constexpr std::array<Exception, 0> exceptions{};

constexpr std::string_view what = "predictions of the golden case ";

void say(bool good, const std::string& name, const std::vector<std::string>& lines) {
  std::printf("%s %s%s\n", good ? "PASS" : "FAIL", name.c_str(), good ? "" : ": not as predicted");
  for (const auto& line : lines) {
    std::printf("    %s\n", line.c_str());
  }
}

GoldenRun run_simulated(const GoldenCase& golden) {
  const GoldenMachine machine = machine_of(golden);
  if (!machine.missing.empty()) {
    return {machine.missing, 0};
  }
  host::sim::SimHost simulated(machine.spec);
  return run_golden(simulated.host(), golden, machine.spec.target_path, 0);
}

}  // namespace

int main() {
  std::size_t left_out = 0;
  std::size_t run = 0;
  std::size_t excepted = 0;
  for (const auto& golden : golden_cases()) {
    if (!golden.has_plan()) {
      continue;
    }
    const auto* const exception =
        std::find_if(exceptions.begin(), exceptions.end(), [&](const auto& row) { return row.name == golden.name; });
    GoldenRun result = run_simulated(golden);
    left_out += result.left_out;
    ++run;
    if (exception != exceptions.end()) {
      ++excepted;
      if (result.complaints.empty()) {
        result.complaints.emplace_back("it is listed as an exception, and is none");
      } else {
        result.complaints.clear();
      }
    }
    say(result.complaints.empty(), std::string(what) + golden.name, result.complaints);
  }
  say(run >= 100 && left_out >= 200 && excepted == exceptions.size(),
      "golden predictions: all that is listed has been run, and each prediction that was left out was noticed",
      {std::to_string(run) + " cases, " + std::to_string(left_out) + " predictions left out, " +
       std::to_string(excepted) + " exceptions"});
  return 0;
}
