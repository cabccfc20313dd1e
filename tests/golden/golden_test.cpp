// SPDX-License-Identifier: Apache-2.0
// Each folder of cases/ has a config.json, an inventory.json, and the plan.txt that `provision plan` makes of them, or
// the error that it ends with; some have the tables of the disks as well, in disks.txt. The JSON form of each plan is
// read back and must be the same value.
#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>

#include "fields/json.hpp"
#include "plan/device_tree.hpp"
#include "plan/disk_changes.hpp"
#include "stages/stage.hpp"
#include "support/golden_cases.hpp"

using namespace provision;
using namespace provision::test;

namespace {

void check_round_trip(const std::vector<plan::Plan>& plans) {
  for (const auto& plan : plans) {
    fields::Document document("plan", fields::write_json(plan::to_value(plan)));
    REQUIRE(fields::parse_json(document));
    const auto again = plan::from_value(document.root());
    REQUIRE(again);
    CHECK(*again == plan);
  }
}

// Only the journal knows that what was fetched has been appended.
bool appends_fetched(const plan::Step& step) {
  const auto* file = std::get_if<plan::PutFile>(&step.operation);
  return file != nullptr && !file->append.empty() && plan::fetches(*file);
}

// After a plan has been carried out as predicted, planning again finds nothing to do, except what is mounted anew,
// wiped each time the config is given, or fetched to be appended.
void check_nothing_left(const spec::Parsed& parsed, model::Inventory inventory, const std::vector<plan::Plan>& plans) {
  for (const auto& plan : plans) {
    inventory = plan::predicted(std::move(inventory), plan);
  }
  const auto again = stages::plan_all(parsed, inventory);
  REQUIRE(again);
  for (const auto& plan : *again) {
    for (const auto& step : plan.steps) {
      CAPTURE(step.id);
      CHECK((plan.stage == "mount" || step.afresh || appends_fetched(step)));
    }
  }
}

std::string planned(const GoldenCase& golden) {
  if (!golden.config.config) {
    return golden_text(spec::error_of(golden.config));
  }
  const auto plans = stages::plan_all(golden.config, golden.inventory);
  if (!plans) {
    return golden_text(plans.error());
  }
  check_round_trip(*plans);
  check_nothing_left(golden.config, golden.inventory, *plans);
  return golden_text(*plans);
}

// The table of each disk, before and after.
std::string disks_of(const GoldenCase& golden) {
  REQUIRE(golden.config.config);
  const auto plans = stages::plan_all(golden.config, golden.inventory);
  REQUIRE(plans);
  return plan::render(plan::disk_changes(golden.inventory, *plans), false);
}

// The tree of devices, before and after.
std::string devices_of(const GoldenCase& golden) {
  REQUIRE(golden.config.config);
  const auto plans = stages::plan_all(golden.config, golden.inventory);
  REQUIRE(plans);
  return plan::render(plan::device_tree(*golden.config.config, golden.inventory, *plans), false);
}

// For the cases that have the file.
void check_file(const GoldenCase& golden, const std::string& name, std::string (*shown)(const GoldenCase&)) {
  if (!std::filesystem::exists(golden.folder / name)) {
    return;
  }
  const std::string text = shown(golden);
  if (std::getenv("GOLDEN_ACCEPT") != nullptr) {
    std::ofstream(golden.folder / name, std::ios::binary) << text;
  }
  CHECK(text == read_file(golden.folder / name));
}

}  // namespace

TEST_CASE("golden: every case plans as it is written down") {
  const auto cases = golden_cases();
  CHECK(cases.size() >= 180);
  for (const auto& golden : cases) {
    CAPTURE(golden.name);
    const std::string text = planned(golden);
    if (std::getenv("GOLDEN_ACCEPT") != nullptr) {
      std::ofstream(golden.folder / "plan.txt", std::ios::binary) << text;
    }
    CHECK(text == read_file(golden.folder / "plan.txt"));
    check_file(golden, "disks.txt", &disks_of);
    check_file(golden, "devices.txt", &devices_of);
  }
}
