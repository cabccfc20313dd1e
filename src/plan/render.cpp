// SPDX-License-Identifier: Apache-2.0
// The plan as a person reads it.
#include <fmt/format.h>

#include <algorithm>

#include "base/text.hpp"
#include "plan/plan.hpp"

namespace provision::plan {
namespace {

struct Ink {
  std::string_view strong;
  std::string_view danger;
  std::string_view quiet;
  std::string_view plain;
};
constexpr Ink coloured{"\033[1m", "\033[1;31m", "\033[2m", "\033[0m"};
constexpr Ink uncoloured{};

std::string render_step(std::size_t number, const Step& step, const Ink& ink) {
  std::string text = fmt::format("{:>4}. {}{}{}\n", number, ink.strong, describe(step.operation), ink.plain);
  text += fmt::format("      {}{}, because {}{}\n", ink.quiet, to_string(step.origin), step.why, ink.plain);
  if (loses(step)) {
    text += fmt::format("      {}what is there now is lost{}\n", ink.danger, ink.plain);
  }
  if (std::find(step.after.begin(), step.after.end(), after_all) != step.after.end()) {
    text += fmt::format("      {}after all of the above{}\n", ink.quiet, ink.plain);
  } else if (!step.after.empty()) {
    text += fmt::format("      {}after {}{}\n", ink.quiet, join(step.after, ", "), ink.plain);
  }
  return text;
}

}  // namespace

// Text that a planner makes of what is there (the preset file) keeps it.
bool loses(const Step& step) { return !step.replaces.empty() && !traits(step.operation).keeps; }

std::string render(const std::vector<Plan>& plans, bool colour) {
  const Ink& ink = colour ? coloured : uncoloured;
  std::string text;
  std::size_t number = 0;
  std::size_t losses = 0;
  for (const auto& plan : plans) {
    if (plan.steps.empty()) {
      continue;
    }
    text += fmt::format("{}{}{}\n", ink.strong, plan.stage, ink.plain);
    for (const auto& step : plan.steps) {
      text += render_step(++number, step, ink);
      losses += loses(step) ? 1U : 0U;
    }
  }
  if (number == 0) {
    return "Nothing to do: this machine is as the config wants it.\n";
  }
  return text + fmt::format("{} step{}, {} of them destructive. Nothing has been changed.\n", number,
                            number == 1 ? "" : "s", losses == 0 ? "none" : std::to_string(losses));
}

}  // namespace provision::plan
