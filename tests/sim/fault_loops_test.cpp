// The first boot under every fault: at the first, the second, … mutating call until none is left to disturb; then two
// faults at once; then several by chance. There is no list of fault points to keep.
//
// SIM_FLOW, SIM_SEED and SIM_FAULTS, as a failure prints them, repeat one run and show it. TEST_ALL=1 (or SIM_ALL=1) runs
// all pairs; without it a part of them, which TEST_SEED chooses.
#include <doctest/doctest.h>
#include <fmt/format.h>

#include <array>
#include <cstdlib>
#include <string>

#include "sim/engine_flow.hpp"
#include "sim/flow.hpp"
#include "support/skip.hpp"

namespace provision::test {
namespace {

using namespace host::sim;

std::string environment(const char* name, const std::string& otherwise) {
  const char* const value = std::getenv(name);  // NOLINT(concurrency-mt-unsafe): nothing here sets it
  return value == nullptr || *value == '\0' ? otherwise : value;
}

std::uint64_t base_seed() {
  return std::stoull(environment("SIM_SEED", environment("TEST_SEED", "1")));
}

bool whole_matrix() { return environment("SIM_ALL", environment("TEST_ALL", "0")) != "0"; }

constexpr std::array all_losses{Loss::all, Loss::none, Loss::data, Loss::any};
constexpr std::array all_kinds{FaultKind::fail_once,  FaultKind::fail_always, FaultKind::lie,
                               FaultKind::cut_before, FaultKind::cut_midway,  FaultKind::cut_after};
// For pairs. A cut before a call leaves what a cut after the one before it leaves.
constexpr std::array pair_kinds{FaultKind::fail_once, FaultKind::cut_midway, FaultKind::cut_after};

// A flow, how it ends undisturbed, and what faulted runs of it were found to do wrong.
struct Trial {
  explicit Trial(Flow tried) : flow(std::move(tried)), undisturbed(run(flow, {})) {
    const auto complaints = judge(flow, undisturbed, undisturbed);
    for (const auto& complaint : complaints) {
      findings.add("without any fault: " + complaint, undisturbed.trace);
    }
  }

  // Whether all the faults came to pass.
  bool disturb(const FaultPlan& plan) {
    const Run faulted = run(flow, plan);
    findings.count_run();
    for (const auto& complaint : judge(flow, undisturbed, faulted)) {
      findings.add(complaint, faulted.trace);
    }
    return faulted.fired == plan.faults.size();
  }

  Flow flow;
  Run undisturbed;
  Findings findings;
};

void disturb_each_call(Trial& trial, FaultKind kind, Loss loss, std::uint64_t seed) {
  std::size_t at = 1;
  while (trial.disturb({seed, {{at, kind, loss}}})) {
    ++at;
  }
}

void single_faults(Trial& trial) {
  constexpr std::uint64_t seeds = 3;
  for (const auto kind : all_kinds) {
    for (const auto loss : all_losses) {
      if (is_cut(kind) || loss == Loss::any) {
        for (std::uint64_t i = 0; i < (loss == Loss::any ? seeds : 1); ++i) {
          disturb_each_call(trial, kind, loss, base_seed() + i);
        }
      }
    }
  }
}

Loss chosen_loss(std::uint64_t number) { return all_losses.at(Random(number).below(all_losses.size())); }

// Every second fault there is after a first one. One pair in `shards` is run, which one the seed says.
void second_faults(Trial& trial, const Fault& first, FaultKind kind, std::uint64_t shards) {
  bool fired = true;
  for (std::size_t at = first.at + 1; fired; ++at) {
    const std::uint64_t number = Random(base_seed() + first.at * 1000 + at).next();
    // Past the end of the undisturbed run every pair is run, so that the end of the loop is found.
    if (number % shards == 0 || at > first.at + trial.undisturbed.calls) {
      fired = trial.disturb({number, {first, {at, kind, chosen_loss(number + 1)}}});
    }
  }
}

void pairs_of_faults(Trial& trial, std::uint64_t shards) {
  for (const auto one : pair_kinds) {
    for (const auto other : pair_kinds) {
      for (std::size_t at = 1; at <= trial.undisturbed.calls; ++at) {
        second_faults(trial, {at, one, chosen_loss(base_seed() + at)}, other, shards);
      }
    }
  }
}

// Up to five faults, without lies, each some calls after the one before.
FaultPlan random_plan(std::uint64_t seed, std::size_t calls) {
  constexpr std::array kinds{FaultKind::fail_once, FaultKind::fail_always, FaultKind::cut_before, FaultKind::cut_midway,
                             FaultKind::cut_after};
  Random random(seed);
  FaultPlan plan{seed, {}};
  std::size_t at = 0;
  for (std::size_t left = 1 + random.below(5); left > 0; --left) {
    at += 1 + random.below(calls / 2);
    plan.faults.push_back({at, kinds.at(random.below(kinds.size())), Loss::any});
  }
  return plan;
}

void random_faults(Trial& trial, std::size_t runs) {
  for (std::size_t i = 0; i < runs; ++i) {
    trial.disturb(random_plan(Random(base_seed() + i).next(), trial.undisturbed.calls));
  }
}

void check_nothing_found(const Trial& trial) {
  MESSAGE(trial.flow.name << ": " << trial.findings.runs() << " runs, " << trial.undisturbed.calls
                          << " mutating calls in an undisturbed one");
  for (const auto& line : trial.findings.lines()) {
    FAIL_CHECK(line);
  }
  if (!trial.findings.empty()) {
    MESSAGE(trial.findings.first_trace());
  }
}

std::vector<Flow> flows() { return {engine_flow(), engine_flow_over_old_work(), engine_flow_without_a_journal()}; }

}  // namespace

TEST_SUITE("fault loops") {
  TEST_CASE("undisturbed") {
    for (auto& flow : flows()) {
      check_nothing_found(Trial(std::move(flow)));
    }
  }

  TEST_CASE("every single fault") {
    for (auto& flow : flows()) {
      Trial trial(std::move(flow));
      single_faults(trial);
      check_nothing_found(trial);
    }
  }

  TEST_CASE("pairs of faults") {
    for (auto& flow : flows()) {
      Trial trial(std::move(flow));
      pairs_of_faults(trial, whole_matrix() ? 1 : 16);
      check_nothing_found(trial);
    }
  }

  TEST_CASE("several faults by chance") {
    for (auto& flow : flows()) {
      Trial trial(std::move(flow));
      random_faults(trial, whole_matrix() ? 20'000 : 500);
      check_nothing_found(trial);
    }
  }

  TEST_CASE("canary: without its check after each step the engine ends wrongly, and the loops notice") {
    Trial trial(engine_flow({.check_after_apply = false}));
    disturb_each_call(trial, FaultKind::lie, Loss::any, base_seed());
    CHECK(trial.findings.has("in the end there is not"));
  }

  TEST_CASE("the run that SIM_FLOW and SIM_FAULTS name") {
    const auto faults = parse_faults(environment("SIM_FAULTS", ""));
    REQUIRE(faults.has_value());
    if (faults->empty()) {
      SKIP_TEST("SIM_FAULTS, as a failure prints it");
    }
    for (auto& flow : flows()) {
      if (environment("SIM_FLOW", flow.name) == flow.name) {
        Trial trial(std::move(flow));
        const FaultPlan plan{base_seed(), *faults};
        MESSAGE(run(trial.flow, plan).trace);
        CHECK(trial.disturb(plan));
        check_nothing_found(trial);
      }
    }
  }
}

}  // namespace provision::test
