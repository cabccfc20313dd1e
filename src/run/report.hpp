// SPDX-License-Identifier: Apache-2.0
// The report: what a person or a fleet reads. One JSON object, grown stage by stage.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "fields/engine.hpp"
#include "host/files.hpp"
#include "run/executor.hpp"

namespace provision::run {

struct StepReport {
  std::string id;
  std::string sentence;
  // "applied" or "already".
  std::string outcome;
  std::int64_t microseconds = 0;
};

struct StageReport {
  std::string name;
  // "done", "resumed" (an earlier boot began it), "skipped" (an earlier boot did it) or "failed".
  std::string result;
  std::string error;
  // Since the kernel's start, and how long it took.
  std::int64_t started_microseconds = 0;
  std::int64_t microseconds = 0;
  std::vector<StepReport> steps;
};

struct Report {
  std::string engine;
  std::string platform;
  // The config: where it came from and its meaning's digest; empty where there was none.
  std::string document;
  std::string config;
  std::string boot;
  std::string date;
  std::vector<StageReport> stages;
};

inline constexpr std::string_view report_path = "/run/provision/report.json";

std::vector<StepReport> step_reports(const std::vector<StepResult>& results);
// The report so far; an empty one if there is none yet, or it cannot be read.
Report load_report(host::Files& own);
Result<void> save_report(host::Files& own, const Report& report);

}  // namespace provision::run

PROVISION_DECLARE_RECORD(provision::run::StepReport);
PROVISION_DECLARE_RECORD(provision::run::StageReport);
PROVISION_DECLARE_RECORD(provision::run::Report);
