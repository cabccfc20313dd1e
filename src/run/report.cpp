// SPDX-License-Identifier: Apache-2.0
#include "run/report.hpp"

#include "fields/engine_impl.hpp"
#include "fields/json.hpp"

namespace provision::fields {

using namespace run;

template <>
struct Table<StepReport> {
  static constexpr auto rows = std::tuple{
      field("id", &StepReport::id, "The step."),
      field("sentence", &StepReport::sentence, "What it does."),
      field("outcome", &StepReport::outcome, "applied, or already."),
      field("microseconds", &StepReport::microseconds, "How long it took.", {.unit = "µs"}),
  };
};

template <>
struct Table<StageReport> {
  static constexpr auto rows = std::tuple{
      field("name", &StageReport::name, "The stage."),
      field("result", &StageReport::result, "done, resumed, skipped or failed."),
      field("error", &StageReport::error, "What failed."),
      field("startedMicroseconds", &StageReport::started_microseconds, "When it started, since the kernel did.",
            {.unit = "µs"}),
      field("microseconds", &StageReport::microseconds, "How long it took.", {.unit = "µs"}),
      field("steps", &StageReport::steps, "Its steps, in the order they ended."),
  };
};

template <>
struct Table<Report> {
  static constexpr auto rows = std::tuple{
      field("engine", &Report::engine, "The engine and its version."),
      field("platform", &Report::platform, "The platform."),
      field("document", &Report::document, "Where the config came from."),
      field("config", &Report::config, "The digest of its meaning."),
      field("boot", &Report::boot, "The boot's id."),
      field("date", &Report::date, "When."),
      field("stages", &Report::stages, "The stages."),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::run::StepReport);
PROVISION_INSTANTIATE_RECORD(provision::run::StageReport);
PROVISION_INSTANTIATE_RECORD(provision::run::Report);

namespace provision::run {
namespace {
constexpr std::size_t max_report_bytes = std::size_t{64} << 20U;
}

std::vector<StepReport> step_reports(const std::vector<StepResult>& results) {
  std::vector<StepReport> reports;
  reports.reserve(results.size());
  for (const auto& result : results) {
    reports.push_back(
        {result.id, result.sentence, result.outcome == Outcome::applied ? "applied" : "already", result.took.count()});
  }
  return reports;
}

Report load_report(host::Files& own) {
  Report report;
  auto text = own.read(report_path, max_report_bytes);
  if (!text) {
    return report;
  }
  fields::Document document("report", *std::move(text));
  if (fields::parse_json(document)) {
    fields::Notes notes;
    fields::Reader reader(document, 0, {fields::first_version, false}, notes);
    fields::Engine<Report>::read(document.root(), report, reader);
  }
  return report;
}

Result<void> save_report(host::Files& own, const Report& report) {
  const std::string text = fields::write_json(fields::Engine<Report>::write(report), fields::Layout::indented) + "\n";
  return own.replace(report_path, text, 0644, {});
}

}  // namespace provision::run
