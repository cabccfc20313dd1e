// SPDX-License-Identifier: Apache-2.0
#include "run/status.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "fields/json.hpp"
#include "model/observe.hpp"
#include "run/journal.hpp"

namespace provision::run {

static constexpr auto words(Provisioning /*of*/) {
  return std::array{std::pair{Provisioning::provisioned, std::string_view("provisioned")},
                    std::pair{Provisioning::in_progress, std::string_view("in-progress")},
                    std::pair{Provisioning::failed, std::string_view("failed")},
                    std::pair{Provisioning::not_provisioned, std::string_view("not-provisioned")}};
}

}  // namespace provision::run

namespace provision::fields {

using namespace run;

template <>
struct Table<StepUnderWay> {
  static constexpr auto rows = std::tuple{
      field("stage", &StepUnderWay::stage, "Its stage."),
      field("sentence", &StepUnderWay::sentence, "What it does."),
  };
};

template <>
struct Table<ResultFile> {
  static constexpr auto rows = std::tuple{
      field("provisioningBootID", &ResultFile::boot, "The boot's id."),
      field("provisioningDate", &ResultFile::date, "When."),
      field("userConfigProvided", &ResultFile::config_provided, "Whether there was a config."),
  };
};

template <>
struct Table<Status> {
  static constexpr auto rows = std::tuple{
      field("version", &Status::version, "Of this form."),
      field("state", &Status::state, "provisioned, in-progress, failed or not-provisioned."),
      field("report", &Status::report, "The report."),
      field("underWay", &Status::under_way, "Steps that have begun and not ended."),
      field("failure", &Status::failure, "The failure screen."),
      field("result", &Status::result, "What /etc/.ignition-result.json says."),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::run::StepUnderWay);
PROVISION_INSTANTIATE_RECORD(provision::run::ResultFile);
PROVISION_INSTANTIATE_RECORD(provision::run::Status);

namespace provision::run {
namespace {

constexpr std::size_t max_small_bytes = std::size_t{1} << 20U;
// Written by the generator: where the journal of this boot is.
constexpr std::string_view environment_path = "/run/provision.env";
constexpr std::string_view state_key = "PROVISION_STATE=";

Result<std::string> text_of(host::Files& machine, std::string_view path) {
  if (!TRY(machine.look(path))) {
    return std::string();
  }
  return machine.read(path, max_small_bytes);
}

Result<std::optional<ResultFile>> read_result(host::Files& machine) {
  const std::string text = TRY(text_of(machine, model::result_path));
  fields::Document document(std::string(model::result_path), text);
  // It may be somebody else's: what cannot be read says nothing.
  if (text.empty() || !fields::parse_json(document)) {
    return std::optional<ResultFile>{};
  }
  fields::Notes notes;
  fields::Reader reader(document, 0, {fields::first_version, false}, notes);
  ResultFile result;
  fields::Engine<ResultFile>::read(document.root(), result, reader);
  return notes.has_errors() ? std::optional<ResultFile>{} : std::optional(std::move(result));
}

// Of the stages that have not ended.
std::vector<StepUnderWay> steps_under_way(const Journal& journal, const Report& report) {
  std::vector<StepUnderWay> steps;
  for (const auto& stage : report.stages) {
    const StageHistory* const history = journal.stage(stage.name);
    if (stage.result != "running" || history == nullptr || !history->plan) {
      continue;
    }
    for (const auto& step : history->plan->steps) {
      if (history->started.contains(step.id) && !history->done.contains(step.id)) {
        steps.push_back({stage.name, plan::describe(step.operation)});
      }
    }
  }
  return steps;
}

bool has_failed(const Report& report) {
  return std::any_of(report.stages.begin(), report.stages.end(),
                     [](const StageReport& stage) { return stage.result == "failed"; });
}

bool is_complete(const Report& report) {
  const StageReport* const last = report.stage("complete");
  return last != nullptr && last->result != "failed" && last->result != "running";
}

// While the first boot goes on, and in the rest of it.
Result<void> take_this_boot(Status& status, Report report, host::Files& state) {
  if (is_complete(report)) {
    status.state = Provisioning::provisioned;
    status.failure.clear();
  } else if (has_failed(report) || !status.failure.empty()) {
    status.state = Provisioning::failed;
  } else {
    status.state = Provisioning::in_progress;
    status.under_way = steps_under_way(TRY(Journal::open(state)), report);
  }
  status.report = std::move(report);
  return {};
}

}  // namespace

Result<std::string> state_directory(host::Files& machine) {
  const std::string text = TRY(text_of(machine, environment_path));
  for (const auto line : split(text, '\n')) {
    if (line.starts_with(state_key)) {
      return std::string(line.substr(state_key.size()));
    }
  }
  return std::string(volatile_state);
}

Result<Status> observe_status(host::Files& machine, host::Files& state) {
  Status status;
  status.failure = TRY(text_of(machine, failure_path));
  status.result = TRY(read_result(machine));
  if (auto now = TRY(read_report(machine, report_path))) {
    TRY(take_this_boot(status, *std::move(now), state));
  } else if (!status.failure.empty()) {
    status.state = Provisioning::failed;
  } else {
    status.report = TRY(read_report(machine, kept_report_path));
    if (status.report || status.result) {
      status.state = Provisioning::provisioned;
    }
  }
  return status;
}

}  // namespace provision::run
