// SPDX-License-Identifier: Apache-2.0
// The plan: ordered steps, as a value that can be printed, compared, stored, run and resumed.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "plan/operation.hpp"

namespace provision::plan {

struct Step {
  // Stable: "table:/dev/vdb", "filesystem:/dev/disk/by-partlabel/www", "file:/etc/motd".
  std::string id;
  Operation operation;
  // Why it is in the plan, for a person.
  std::string why;
  Origin origin;
  // The ids of the steps of this plan that must have ended before.
  std::vector<std::string> after;
  // The fingerprint of what was there when the plan was made.
  std::string assumes;
  // The fingerprint of what the config allows to be destroyed here; "*": whatever is there, where the plan itself makes
  // the place; empty: nothing.
  std::string replaces;
  // It must be done by this provisioning even if an equal result of an earlier one is there ("wipeFilesystem").
  bool afresh = false;
  bool operator==(const Step&) const = default;
};

inline constexpr std::string_view replaces_anything = "*";
// In `after`: all steps that stand before this one.
inline constexpr std::string_view after_all = "*";

struct Plan {
  // Raised when a stored plan would be read wrongly by another engine.
  static constexpr std::int64_t current_format = 1;

  std::int64_t format = current_format;
  // The stage it belongs to.
  std::string stage;
  std::vector<Step> steps;
  bool operator==(const Plan&) const = default;
};

fields::Value to_value(const Plan& plan);
// Code::journal_other_format if another format wrote it; Code::journal_damaged if it is none.
Result<Plan> from_value(const fields::Value& value);

// The plan as a person reads it; `colour` marks by terminal codes what will be destroyed.
std::string render(const std::vector<Plan>& plans, bool colour);

// Something that is there will be gone after the step.
bool loses(const Step& step);

// Some step leaves something that outlives the boot: not only mounts.
bool changes_anything(const std::vector<Plan>& plans);

// Applies the predictions of all steps.
model::Inventory predicted(model::Inventory inventory, const Plan& plan);

}  // namespace provision::plan

PROVISION_DECLARE_RECORD(provision::Origin);
PROVISION_DECLARE_RECORD(provision::plan::Step);
PROVISION_DECLARE_RECORD(provision::plan::Plan);
