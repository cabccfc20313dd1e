// SPDX-License-Identifier: Apache-2.0
// One planner per stage. Pure: config and inventory in, plan out; no I/O.
#pragma once

#include <string_view>

#include "base/result.hpp"
#include "model/inventory.hpp"
#include "plan/plan.hpp"
#include "spec/parse.hpp"

namespace provision::plan {

// What every planner gets.
struct Question {
  // With its documents, so that each step can name the user's own line.
  const spec::Parsed& parsed;
  const model::Inventory& inventory;

  [[nodiscard]] const spec::Config& config() const { return *parsed.config; }
  [[nodiscard]] Origin origin(const spec::Located& place, std::string path, std::string_view key = {}) const {
    return parsed.sources.origin(place, std::move(path), key);
  }
};

// Partition tables and file systems. Errors: conflict (what is there may not be replaced), device_busy, bad_config
// (does not fit the disk), unsupported.
Result<Plan> plan_disks(const Question& question);
// File systems with a path, outer ones first.
Result<Plan> plan_mount(const Question& question);
// Users and groups: adds their steps to `plan`, and says which accounts the target has after them, so that owners of
// files can be users that this config makes. Errors are at the user's line: bad_config, conflict.
Result<model::Accounts> plan_accounts(const Question& question, Plan& plan);
// How the name of a document begins that stands for there being no config; the reason follows.
inline constexpr std::string_view no_config = "no config (";
bool is_no_config(std::string_view document);

// Users and groups, then files, units, and the preset file that enables them.
Result<Plan> plan_files(const Question& question);

}  // namespace provision::plan
