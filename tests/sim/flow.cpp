#include "sim/flow.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/path.hpp"
#include "base/text.hpp"

namespace provision::test {
namespace {

using namespace host::sim;

bool has_lie(const FaultPlan& plan) {
  return std::any_of(plan.faults.begin(), plan.faults.end(),
                     [](const Fault& fault) { return fault.kind == FaultKind::lie; });
}

// Boots, says how that ended, and ends it.
Boot boot_once(const Flow& flow, SimHost& machine, Endings endings, Random& random) {
  const std::size_t before = machine.disturbed();
  Boot boot;
  Loss loss = Loss::all;
  try {
    boot.result = flow.first_boot(machine);
    loss = boot.result ? Loss::all : Loss::any;
  } catch (const PowerCut& cut) {
    boot.cut = true;
    loss = cut.loss;
  }
  boot.disturbed = machine.disturbed() - before;
  const bool failed = !boot.cut && !boot.result;
  if (failed) {
    machine.repair();
  }
  if (!boot.cut && (endings == Endings::in_good_order || (failed && random.below(2) == 0))) {
    machine.reboot_orderly();
  } else {
    machine.reboot(loss);
  }
  return boot;
}

bool is_declared(const Flow& flow, const std::string& target) {
  return std::any_of(flow.declared.begin(), flow.declared.end(), [&target](const std::string& rule) {
    return rule.ends_with('/') ? target.starts_with(rule) : target == rule;
  });
}

// Errors by which a boot may say that a fault hit it. A lie may be noticed late: by the stage that needs what is not
// there.
bool speaks_of_a_fault(const Error& error, bool lied) {
  switch (error.code) {
    case Code::io:
    case Code::program_failed:
    case Code::not_satisfied:
    case Code::device_missing:
    case Code::tpm_failed:
      return true;
    case Code::device_busy:
    case Code::stage_order:
      return lied;
    case Code::usage:
    case Code::bad_config:
    case Code::unsupported:
    case Code::no_platform:
    case Code::config_unavailable:
    case Code::conflict:
    case Code::program_missing:
    case Code::network:
    case Code::bad_contents:
    case Code::journal_other_config:
    case Code::journal_other_machine:
    case Code::journal_other_format:
    case Code::journal_damaged:
    case Code::internal:
      break;
  }
  return false;
}

std::string words(const Error& error) { return fmt::format("{}: {}", row(error.code).name, to_string(error)); }

std::set<std::string> lines(const std::string& text) {
  std::set<std::string> found;
  for (const auto line : split(text, '\n')) {
    found.emplace(line);
  }
  return found;
}

void compare(const std::string& expected, const std::string& seen, std::vector<std::string>& complaints) {
  const auto wanted = lines(expected);
  const auto there = lines(seen);
  for (const auto& line : there) {
    if (!wanted.contains(line)) {
      complaints.push_back("in the end there is: " + line);
    }
  }
  for (const auto& line : wanted) {
    if (!there.contains(line)) {
      complaints.push_back("in the end there is not: " + line);
    }
  }
}

void judge_boots(const Flow& flow, const Run& faulted, std::vector<std::string>& complaints) {
  for (std::size_t i = 0; i < faulted.boots.size(); ++i) {
    const Boot& boot = faulted.boots[i];
    if (!boot.cut && boot.result && i + 1 < faulted.boots.size() && !faulted.lied) {
      complaints.emplace_back("a boot succeeds, and the next one is a first boot all the same");
    }
    if (boot.cut || boot.result || (flow.is_expected && flow.is_expected(i + 1, boot.result.error()))) {
      continue;
    }
    const Error& error = boot.result.error();
    if (boot.disturbed == 0) {
      complaints.push_back("a boot without faults fails: " + words(error));
    } else if (!speaks_of_a_fault(error, faulted.lied)) {
      complaints.push_back("a fault is reported as " + words(error));
    }
  }
}

// Names of temporaries differ from run to run.
std::string without_random_names(std::string text) {
  constexpr std::string_view mark = ".provision-";
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const std::size_t begin = at + mark.size();
    text.replace(begin, std::min<std::size_t>(16, text.size() - begin), "…");
  }
  return text;
}

}  // namespace

Run run(const Flow& flow, const FaultPlan& plan, Endings endings) {
  constexpr std::size_t boots_to_recover = 4;
  SimHost machine(flow.machine, plan);
  Random random(plan.seed);
  Run made;
  made.lied = has_lie(plan);
  const Endings chosen = made.lied ? Endings::in_good_order : endings;
  while (!made.complete && made.boots.size() < plan.faults.size() + boots_to_recover) {
    made.boots.push_back(boot_once(flow, machine, chosen, random));
    made.complete = flow.is_complete(machine);
  }
  made.fired = machine.fired();
  made.calls = machine.calls();
  made.snapshot = machine.snapshot(flow.ignored);
  made.problems = machine.problems();
  made.touched = machine.touched();
  if (made.complete && flow.faults_of) {
    made.wrong = flow.faults_of(machine);
  }
  made.trace = "SIM_FLOW=" + flow.name + " " + machine.trace();
  return made;
}

std::vector<std::string> judge(const Flow& flow, const Run& undisturbed, const Run& faulted) {
  std::vector<std::string> complaints;
  judge_boots(flow, faulted, complaints);
  if (!faulted.complete) {
    complaints.emplace_back("the first boot never completes");
    return complaints;
  }
  compare(undisturbed.snapshot, faulted.snapshot, complaints);
  for (const auto& problem : faulted.problems) {
    complaints.push_back("fsck: " + problem);
  }
  complaints.insert(complaints.end(), faulted.wrong.begin(), faulted.wrong.end());
  for (const auto& target : faulted.touched) {
    if (!is_declared(flow, target)) {
      complaints.push_back("touched, and not declared: " + target);
    }
  }
  return complaints;
}

void Findings::add(const std::string& complaint, const std::string& trace) {
  Finding& finding = found_[without_random_names(complaint)];
  ++finding.count;
  if (finding.trace.empty()) {
    finding.trace = trace;
  }
}

void Findings::forget(std::string_view words) {
  std::erase_if(found_, [&](const auto& one) { return one.first.find(words) != std::string::npos; });
}

bool Findings::has(std::string_view words) const {
  return std::any_of(found_.begin(), found_.end(),
                     [&](const auto& one) { return one.first.find(words) != std::string::npos; });
}

std::vector<std::string> Findings::lines(std::size_t most) const {
  std::vector<std::string> lines;
  for (const auto& [complaint, finding] : found_) {
    if (lines.size() == most) {
      lines.push_back(fmt::format("and {} more complaints", found_.size() - most));
      break;
    }
    const std::string repeat = finding.trace.substr(0, finding.trace.find('\n'));
    lines.push_back(fmt::format("{}  ({} of {} runs; {})", complaint, finding.count, runs_, repeat));
  }
  return lines;
}

std::string Findings::first_trace() const { return found_.empty() ? std::string{} : found_.begin()->second.trace; }

}  // namespace provision::test
