// SPDX-License-Identifier: Apache-2.0
#include "run/report.hpp"

#include <algorithm>

#include "fields/engine_impl.hpp"
#include "fields/json.hpp"

namespace provision::fields {

using namespace run;

template <>
struct Table<StepReport> {
  static constexpr auto rows = std::tuple{
      field("id", &StepReport::id, "The step."),
      field("sentence", &StepReport::sentence, "What it does."),
      field("outcome", &StepReport::outcome, "applied, already, earlier or failed."),
      field("startedMicroseconds", &StepReport::started_microseconds, "When it began, since the kernel did.",
            {.unit = "µs"}),
      field("microseconds", &StepReport::microseconds, "How long it took.", {.unit = "µs"}),
  };
};

template <>
struct Table<StageReport> {
  static constexpr auto rows = std::tuple{
      field("name", &StageReport::name, "The stage."),
      field("result", &StageReport::result, "running, done, resumed, skipped or failed."),
      field("error", &StageReport::error, "What failed."),
      field("date", &StageReport::date, "When it began, by a clock that may not be set."),
      field("startedMicroseconds", &StageReport::started_microseconds, "When it began, since the kernel did.",
            {.unit = "µs"}),
      field("microseconds", &StageReport::microseconds, "How long it took.", {.unit = "µs"}),
      field("notices", &StageReport::notices, "What a person should know.", {.repeats = true}),
      field("steps", &StageReport::steps, "Its steps, in the order they ended."),
  };
};

template <>
struct Table<SourceReport> {
  static constexpr auto rows = std::tuple{
      field("kind", &SourceReport::kind, "base, user, referred or authority."),
      field("name", &SourceReport::name, "Where it came from."),
      field("digest", &SourceReport::digest, "Of its bytes."),
  };
};

template <>
struct Table<InitrdNeed> {
  static constexpr auto rows = std::tuple{
      field("kind", &InitrdNeed::kind, "array, volume or volume group."),
      field("name", &InitrdNeed::name, "Its name in the config."),
      field("uuid", &InitrdNeed::uuid, "As mdadm, cryptsetup and LVM have it."),
      field("argument", &InitrdNeed::argument, "The kernel argument by which dracut sets it up."),
      field("network", &InitrdNeed::network, "Whether that takes the network."),
  };
};

template <>
struct Table<Report> {
  static constexpr auto rows = std::tuple{
      field("version", &Report::version, "Of this form."),
      field("engine", &Report::engine, "The engine and its version."),
      field("spec", &Report::spec, "The spec version of the whole config."),
      field("planFormat", &Report::plan_format, "The format of the plans."),
      field("journalFormat", &Report::journal_format, "The format of the journal."),
      field("platform", &Report::platform, "The platform."),
      field("document", &Report::document, "Where the config came from."),
      field("config", &Report::config, "The digest of its meaning."),
      field("sources", &Report::sources, "The documents it is made of."),
      field("measured", &Report::measured, "The PCR, and what it was extended by; or that there is no TPM."),
      field("boot", &Report::boot, "The boot's id."),
      field("date", &Report::date, "When."),
      field("earlierFailure", &Report::earlier_failure, "What an earlier boot of it stopped with."),
      field("initrd", &Report::initrd, "What later boots have to set up early."),
      field("stages", &Report::stages, "The stages."),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::run::StepReport);
PROVISION_INSTANTIATE_RECORD(provision::run::StageReport);
PROVISION_INSTANTIATE_RECORD(provision::run::SourceReport);
PROVISION_INSTANTIATE_RECORD(provision::run::InitrdNeed);
PROVISION_INSTANTIATE_RECORD(provision::run::Report);

namespace provision::run {
namespace {
constexpr std::size_t max_report_bytes = std::size_t{64} << 20U;
}

const StageReport* Report::stage(std::string_view name) const {
  const auto found = std::find_if(stages.begin(), stages.end(), [&](const auto& stage) { return stage.name == name; });
  return found == stages.end() ? nullptr : &*found;
}

Result<std::optional<Report>> read_report(host::Files& files, std::string_view path) {
  if (!TRY(files.look(path))) {
    return std::optional<Report>{};
  }
  fields::Document document(std::string(path), TRY(files.read(path, max_report_bytes)));
  TRY_WHILE(fields::parse_json(document), "reading the report");
  Report report;
  fields::Notes notes;
  fields::Reader reader(document, 0, {fields::first_version, false}, notes);
  fields::Engine<Report>::read(document.root(), report, reader);
  if (notes.has_errors()) {
    const fields::Note& note = notes.first_error();
    return Error(Code::io, "the report cannot be read: " + to_string(note.origin) + ": " + note.text);
  }
  if (report.version > Report{}.version) {
    return Error(Code::io, std::string(path) + " is a report of form " + std::to_string(report.version) +
                               ", of a later version of provision than this one");
  }
  return std::optional(std::move(report));
}

std::string report_text(const Report& report) {
  return fields::write_json(fields::Engine<Report>::write(report), fields::Layout::indented) + "\n";
}

Report load_report(host::Files& own) {
  auto report = read_report(own, report_path);
  return report && *report ? **std::move(report) : Report{};
}

Result<void> save_report(host::Files& own, const Report& report) {
  return own.replace(report_path, report_text(report), report_mode, {});
}

void Recorder::on(const Event& event) {
  listener_.on(event);
  const std::int64_t took = event.took.count();
  switch (event.kind) {
    case Event::Kind::notice:
      notices_.push_back(event.text);
      break;
    case Event::Kind::step_started:
      begun_[event.step] = {event.step, event.text, "failed", clock_.monotonic().count(), 0};
      break;
    case Event::Kind::step_done: {
      const auto begun = begun_.find(event.step);
      const std::int64_t at = begun == begun_.end() ? 0 : begun->second.started_microseconds;
      ended_.push_back({event.step, event.text, "applied", at, took});
      begun_.erase(event.step);
      break;
    }
    case Event::Kind::step_skipped:
      ended_.push_back({event.step, event.text, "already", 0, 0});
      break;
  }
}

void Recorder::add_to(StageReport& report) const {
  report.notices.insert(report.notices.end(), notices_.begin(), notices_.end());
  report.steps.insert(report.steps.end(), ended_.begin(), ended_.end());
  const std::int64_t now = clock_.monotonic().count();
  for (const auto& [id, step] : begun_) {
    report.steps.push_back(step);
    report.steps.back().microseconds = now - step.started_microseconds;
  }
}

}  // namespace provision::run
