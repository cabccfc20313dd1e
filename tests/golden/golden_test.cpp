// SPDX-License-Identifier: Apache-2.0
// Each folder of cases/ has a config.json, an inventory.json, and the plan.txt that `provision plan` makes of them, or
// the error that it ends with; some have the tables of the disks as well, in disks.txt. The JSON form of each plan is
// read back and must be the same value.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "fields/json.hpp"
#include "plan/disk_changes.hpp"
#include "stages/stage.hpp"

using namespace provision;
namespace fs = std::filesystem;

namespace {

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

model::Inventory read_inventory(const fs::path& path) {
  fields::Document document(path.filename(), read_file(path));
  REQUIRE(fields::parse_json(document));
  fields::Notes notes;
  fields::Reader reader(document, 0, {fields::first_version, false}, notes);
  model::Inventory inventory;
  fields::Engine<model::Inventory>::read(document.root(), inventory, reader);
  REQUIRE(notes.all.empty());
  return inventory;
}

std::string error_text(const Error& error) {
  return "error " + std::string(row(error.code).name) + " at " + (error.origin ? to_string(*error.origin) : "?") +
         ": " + to_string(error) + "\n";
}

void check_round_trip(const std::vector<plan::Plan>& plans) {
  for (const auto& plan : plans) {
    fields::Document document("plan", fields::write_json(plan::to_value(plan)));
    REQUIRE(fields::parse_json(document));
    const auto again = plan::from_value(document.root());
    REQUIRE(again);
    CHECK(*again == plan);
  }
}

// After a plan has been carried out as predicted, planning again finds nothing to do, except what is mounted anew or
// wiped each time the config is given.
void check_nothing_left(const spec::Parsed& parsed, model::Inventory inventory, const std::vector<plan::Plan>& plans) {
  for (const auto& plan : plans) {
    inventory = plan::predicted(std::move(inventory), plan);
  }
  const auto again = stages::plan_all(parsed, inventory);
  REQUIRE(again);
  for (const auto& plan : *again) {
    for (const auto& step : plan.steps) {
      CAPTURE(step.id);
      CHECK((plan.stage == "mount" || step.afresh));
    }
  }
}

std::string planned(const fs::path& folder) {
  const spec::Parsed parsed = spec::parse("config.json", read_file(folder / "config.json"));
  if (!parsed.config) {
    return error_text(spec::error_of(parsed));
  }
  const model::Inventory inventory = read_inventory(folder / "inventory.json");
  const auto plans = stages::plan_all(parsed, inventory);
  if (!plans) {
    return error_text(plans.error());
  }
  check_round_trip(*plans);
  check_nothing_left(parsed, inventory, *plans);
  std::string text = plan::render(*plans, false);
  for (const auto& plan : *plans) {
    for (const auto& step : plan.steps) {
      if (const auto* table = std::get_if<plan::WriteTable>(&step.operation)) {
        text += "\n" + step.id + "\n" +
                fields::write_json(fields::Engine<host::Table>::write(table->table), fields::Layout::indented) + "\n";
      }
    }
  }
  return text;
}

// The table of each disk, before and after.
std::string disks_of(const fs::path& folder) {
  const spec::Parsed parsed = spec::parse("config.json", read_file(folder / "config.json"));
  const model::Inventory inventory = read_inventory(folder / "inventory.json");
  REQUIRE(parsed.config);
  const auto plans = stages::plan_all(parsed, inventory);
  REQUIRE(plans);
  return plan::render(plan::disk_changes(inventory, *plans), false);
}

}  // namespace

TEST_CASE("golden: every case plans as it is written down") {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::directory_iterator(GOLDEN_DIRECTORY)) {
    folders.push_back(entry.path());
  }
  std::sort(folders.begin(), folders.end());
  CHECK(folders.size() >= 50);
  for (const auto& folder : folders) {
    CAPTURE(folder.filename().string());
    const std::string text = planned(folder);
    if (std::getenv("GOLDEN_ACCEPT") != nullptr) {
      std::ofstream(folder / "plan.txt", std::ios::binary) << text;
    }
    CHECK(text == read_file(folder / "plan.txt"));
    if (fs::exists(folder / "disks.txt")) {
      const std::string disks = disks_of(folder);
      if (std::getenv("GOLDEN_ACCEPT") != nullptr) {
        std::ofstream(folder / "disks.txt", std::ios::binary) << disks;
      }
      CHECK(disks == read_file(folder / "disks.txt"));
    }
  }
}
