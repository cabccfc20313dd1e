// SPDX-License-Identifier: Apache-2.0
// One stage on any host, by its planner and the executor: what was planned, what was predicted, and what is seen then.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "model/observe.hpp"
#include "plan/planners.hpp"
#include "run/executor.hpp"

namespace provision::test {

class Quiet final : public run::Listener {
 public:
  void on(const run::Event& /*event*/) override {}
};

struct StageRun {
  plan::Plan plan;
  model::Inventory predicted;
  model::Inventory seen;

  // The ids of its steps.
  [[nodiscard]] std::string steps() const {
    std::string text;
    for (const auto& step : plan.steps) {
      text += (text.empty() ? "" : " ") + step.id;
    }
    return text;
  }
};

inline spec::Parsed config_of(const std::string& storage) {
  auto parsed = spec::parse("c", R"({"ignition": {"version": "3.4.0"}, "storage": )" + storage + "}");
  REQUIRE(parsed.config);
  return parsed;
}

inline Result<StageRun> run_disks(host::Host host, const spec::Parsed& config, unsigned workers = 4) {
  const model::Scope scope{.tables = true, .contents = true, .patience = std::chrono::seconds(5)};
  const model::Inventory before = TRY(model::observe(host, config, scope));
  StageRun run;
  run.plan = TRY(plan::plan_disks({config, before}));
  run.predicted = plan::predicted(before, run.plan);
  run::Journal journal = TRY(run::Journal::open(host.state));
  TRY(journal.begin({"test", spec::meaning(*config.config), "c", "boot"}));
  TRY(journal.planned(run.plan));
  const plan::ContentSource contents(*config.config);
  Quiet quiet;
  run::Options options;
  options.workers = workers;
  TRY(run::execute(host, run.plan, contents, journal, quiet, options));
  run.seen = TRY(model::observe(host, config, scope));
  return run;
}

// What was predicted must be what is seen. A device that was not there before, and that no step made, has no
// prediction.
inline void check_predicted(const StageRun& run) {
  CHECK(run.predicted.disks.size() == run.seen.disks.size());
  for (std::size_t i = 0; i < run.predicted.disks.size(); ++i) {
    const auto& predicted = run.predicted.disks[i];
    const auto& seen = run.seen.disks[i];
    CAPTURE(seen.device);
    CHECK(predicted.table == seen.table);
    CHECK(predicted.signature == seen.signature);
    CHECK(predicted.partitions == seen.partitions);
    CHECK(predicted == seen);
  }
  for (const auto& predicted : run.predicted.devices) {
    CAPTURE(predicted.device.path);
    const model::DeviceView* seen = run.seen.device(predicted.device.path);
    REQUIRE(seen != nullptr);
    CHECK(seen->signature.type == predicted.signature.type);
    CHECK(seen->signature.uuid == predicted.signature.uuid);
    CHECK(seen->signature.label == predicted.signature.label);
    CHECK(*seen == predicted);
  }
}

}  // namespace provision::test
