// SPDX-License-Identifier: Apache-2.0
// provision status: whether this machine was provisioned, when, by what and how; while it is, how far it has come.
#include "cli/status.hpp"

#include <fmt/format.h>

#include <memory>

#include "base/path.hpp"
#include "base/text.hpp"
#include "cli/complaint.hpp"
#include "cli/console.hpp"
#include "fields/json.hpp"
#include "host/linux/files.hpp"
#include "plan/planners.hpp"
#include "run/last_failure.hpp"

namespace provision::cli {
namespace {

struct StatusOptions {
  std::string root = "/";
  bool json = false;
};

int exit_status(run::Provisioning state) {
  switch (state) {
    case run::Provisioning::provisioned:
      return 0;
    case run::Provisioning::failed:
      return 1;
    case run::Provisioning::in_progress:
      return 3;
    case run::Provisioning::not_provisioned:
      break;
  }
  return 4;
}

std::string headline(const run::Status& status) {
  const std::string when = status.report ? " on " + status.report->date : "";
  const std::string engine = status.report ? " by " + printable(status.report->engine) : "";
  switch (status.state) {
    case run::Provisioning::provisioned:
      return "Provisioned" + when + engine + ".\n";
    case run::Provisioning::in_progress:
      return "Being provisioned since" + when.substr(3) + engine + ".\n";
    case run::Provisioning::failed:
      return "The first boot stopped. This machine is not provisioned.\n";
    case run::Provisioning::not_provisioned:
      break;
  }
  return "Not provisioned: there is no trace of a first boot.\n";
}

std::string config_lines(const run::Report& report) {
  if (report.config.empty()) {
    return "Config: none was found so far.\n";
  }
  std::string text = "Config: ";
  text += plan::is_no_config(report.document) ? printable(report.document) : printable(report.config);
  text += report.spec.empty() ? "\n" : ", spec " + printable(report.spec) + "\n";
  for (const auto& source : report.sources) {
    text += fmt::format("  {:<10} {}\n{:13}{}\n", source.kind, printable(source.name), "", source.digest.text());
  }
  return text;
}

std::string step_line(const run::StepReport& step) {
  const std::string took =
      step.outcome == "applied" || step.outcome == "failed" ? seconds_text(step.microseconds) + " s" : std::string();
  return fmt::format("  {:<8} {:>10}  {}\n", step.outcome, took, printable(step.sentence));
}

std::string stage_lines(const run::StageReport& stage) {
  std::string text = fmt::format("{:<14} {}", stage.name, stage.result);
  text += stage.result == "running" ? "\n" : ", " + seconds_text(stage.microseconds) + " s\n";
  for (const auto& notice : stage.notices) {
    text += "  note: " + printable(notice) + "\n";
  }
  for (const auto& step : stage.steps) {
    text += step_line(step);
  }
  text += stage.error.empty() ? "" : "  " + printable(stage.error) + "\n";
  return text;
}

std::string report_lines(const run::Report& report) {
  std::string text = "Boot: " + printable(report.boot) + "\n";
  text += report.platform.empty() ? "" : "Platform: " + printable(report.platform) + "\n";
  text += config_lines(report);
  text += report.measured.empty() ? "" : "Measured: " + printable(report.measured) + "\n";
  if (!report.earlier_failure.empty()) {
    text += "An earlier try stopped: " + printable(run::summary_of(report.earlier_failure)) + "\n";
  }
  text += "\n";
  for (const auto& stage : report.stages) {
    text += stage_lines(stage);
  }
  return text;
}

std::string result_lines(const run::ResultFile& result) {
  return "By Ignition, or by an engine that left no report: only /etc/.ignition-result.json is there.\nBoot: " +
         printable(result.boot) + "\nDate: " + printable(result.date) +
         (result.config_provided ? "\nA config was given.\n" : "\nNo config was given.\n");
}

std::string text_of(const run::Status& status) {
  std::string text = headline(status);
  if (status.report) {
    text += report_lines(*status.report);
  } else if (status.result) {
    text += result_lines(*status.result);
  }
  for (const auto& step : status.under_way) {
    text += "  under way: " + printable(step.sentence) + "\n";
  }
  text += status.failure.empty() ? "" : "\n" + status.failure;
  return text;
}

int run_status_command(const StatusOptions& options) {
  const auto status = status_of(options.root);
  if (!status) {
    return complain(status.error(), nullptr);
  }
  print(options.json ? fields::write_json(fields::Engine<run::Status>::write(*status), fields::Layout::indented) + "\n"
                     : text_of(*status));
  return exit_status(status->state);
}

}  // namespace

void add_machine_option(ArgumentParser& parser, std::string& root) {
  parser.add_option("--root", root, "The root of the machine to look at").existing_directory().show_default();
}

Result<run::Status> status_of(const std::string& root) {
  host::LinuxFiles machine(root);
  host::LinuxFiles state(path::join(root, TRY(run::state_directory(machine))));
  return run::observe_status(machine, state);
}

std::string seconds_text(std::int64_t microseconds) {
  const double seconds = static_cast<double>(microseconds) / 1e6;
  return seconds < 10 ? fmt::format("{:.3f}", seconds) : fmt::format("{:.1f}", seconds);
}

Command add_status(ArgumentParser& program) {
  ArgumentParser parser =
      program.add_subcommand("status", "Tell whether this machine was provisioned, by what and how");
  auto options = std::make_shared<StatusOptions>();
  add_machine_option(parser, options->root);
  parser.add_flag("--json", options->json, "As JSON (docs/report.md)");
  parser.footer(
      "\nExit status: 0 it is provisioned, 1 its first boot failed, or an error, 2 wrong usage, 3 it is being\n"
      "provisioned, 4 there is no trace of a first boot.");
  return {parser, [options] { return run_status_command(*options); }};
}

}  // namespace provision::cli
