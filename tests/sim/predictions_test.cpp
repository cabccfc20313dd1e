// SPDX-License-Identifier: Apache-2.0
// What a plan of the disks stage predicts is what is seen on the simulated machine when it has been carried out.
#include <doctest/doctest.h>

#include "sim/engine_flow.hpp"
#include "sim/flow.hpp"
#include "support/stage_run.hpp"

using namespace provision;
using namespace provision::test;

TEST_CASE("predictions: of each machine's disks, and a second run finds nothing to do but to wipe anew") {
  for (const auto& flow : {fresh_disk_flow(), used_disks_flow(), changed_disks_flow()}) {
    CAPTURE(flow.name);
    host::sim::SimHost machine(flow.machine);
    const auto config = spec::parse("c", flow.machine.fw_cfg.at("opt/com.coreos/config"));
    REQUIRE(config.config);
    const auto run = run_disks(machine.host(), config, 0);
    REQUIRE_MESSAGE(run, to_string(run.error()));
    check_predicted(*run);
    CHECK_FALSE(run->plan.steps.empty());
    const auto again = plan::plan_disks({config, run->seen});
    REQUIRE_MESSAGE(again, to_string(again.error()));
    for (const auto& step : again->steps) {
      CAPTURE(step.id);
      CHECK(step.afresh);
    }
  }
}
