// SPDX-License-Identifier: Apache-2.0
// The planner of the files stage: files, units, and the preset file.
#include <algorithm>
#include <map>
#include <set>

#include "base/path.hpp"
#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/planners.hpp"

namespace provision::plan {
namespace {

constexpr std::int64_t default_mode = 0644;

Result<Contents> contents_of(const spec::File& file, const std::string& path) {
  const std::string bytes = TRY(resource_bytes(file.contents));
  if (const auto expected = Digest::parse(file.contents.verification.hash.value_or(""))) {
    const Digest actual = digest_of(expected->function(), bytes);
    if (actual != *expected) {
      return Error(Code::bad_config,
                   "the contents have the hash " + actual.brief() + "…, the config says " + expected->brief() + "…");
    }
  }
  Contents contents;
  contents.from = path + ".contents";
  contents.size = static_cast<std::int64_t>(bytes.size());
  contents.digest = Digest::sha256(bytes);
  return contents;
}

// What stands in the way of writing a file; nothing if nothing does.
std::optional<Error> obstacle(const spec::File& file, const model::FileView& there) {
  if (there.kind == host::NodeKind::directory) {
    return Error(Code::conflict, file.path + " is a directory in the target");
  }
  if (!file.contents.source) {
    return Error(Code::unsupported, file.path +
                                        " is there and the config gives it no contents: changing only mode or "
                                        "owner cannot be done by this version of provision yet");
  }
  if (!file.overwrite.value_or(false)) {
    return Error(Code::conflict, file.path + " is there with other contents, mode or owner, and overwrite is not set");
  }
  return std::nullopt;
}

bool equals(const model::FileView& there, const PutFile& wanted) {
  return there.kind == host::NodeKind::regular && there.digest == wanted.contents.digest && there.mode == wanted.mode &&
         there.uid == wanted.uid && there.gid == wanted.gid;
}

Result<void> plan_file(const Question& question, std::size_t index, Plan& plan) {
  const spec::File& file = question.config().storage.files[index];
  const std::string path = "$.storage.files." + std::to_string(index);
  const model::FileView* there = question.inventory.file(file.path);
  auto contents = contents_of(file, path);
  if (!contents) {
    return std::move(contents).error().at(question.origin(file.place, path + ".contents", "contents"));
  }
  PutFile wanted{file.path, *std::move(contents), file.mode.value_or(default_mode), file.user.id.value_or(0),
                 file.group.id.value_or(0)};
  if (there != nullptr && equals(*there, wanted)) {
    return {};
  }
  if (there != nullptr) {
    if (auto error = obstacle(file, *there)) {
      return std::move(*error).at(question.origin(file.place, path, "path"));
    }
  }
  Step step;
  step.id = "file:" + file.path;
  step.why = there != nullptr ? "overwrite is set" : "it is not there";
  step.origin = question.origin(file.place, path);
  step.assumes = model::fingerprint(there);
  step.replaces = there != nullptr ? step.assumes : "";
  step.operation = std::move(wanted);
  plan.steps.push_back(std::move(step));
  return {};
}

// The unit's file is always replaced (spec: units have no "overwrite"), but never a directory.
Result<void> plan_unit(const Question& question, std::size_t index, Plan& plan) {
  const spec::Unit& unit = question.config().systemd.units[index];
  const std::string path = "$.systemd.units." + std::to_string(index);
  const bool masked = unit.mask.value_or(false);
  const model::FileView* there = question.inventory.file(model::unit_path(unit.name));
  const bool is_masked = there != nullptr && there->kind == host::NodeKind::symlink && there->target == "/dev/null";
  if (unit.mask && !masked && is_masked) {
    return Error(Code::unsupported, "unmasking a unit cannot be done by this version of provision yet")
        .at(question.origin(unit.place, path, "mask"));
  }
  if ((!masked && unit.contents.value_or("").empty()) || (masked && is_masked)) {
    return {};
  }
  if (there != nullptr && there->kind == host::NodeKind::directory) {
    return Error(Code::conflict, there->path + " is a directory in the target").at(question.origin(unit.place, path));
  }
  PutUnit wanted{unit.name, {}, masked};
  if (!masked) {
    wanted.contents.from = path + ".contents";
    wanted.contents.size = static_cast<std::int64_t>(unit.contents->size());
    wanted.contents.digest = Digest::sha256(*unit.contents);
    if (there != nullptr && equals(*there, {there->path, wanted.contents, default_mode, 0, 0})) {
      return {};
    }
  }
  Step step;
  step.id = "unit:" + unit.name;
  step.why = there != nullptr ? "a unit file of that name is replaced" : "it is not there";
  step.origin = question.origin(unit.place, path);
  step.assumes = model::fingerprint(there);
  step.replaces = there != nullptr ? step.assumes : "";
  step.operation = std::move(wanted);
  plan.steps.push_back(std::move(step));
  return {};
}

// The preset lines of the config, sorted by unit; instances of one template on one line: "enable web@.service a b".
std::vector<std::string> preset_lines(const std::vector<spec::Unit>& units) {
  std::map<std::string, std::string> lines;
  for (const auto& unit : units) {
    if (!unit.enabled) {
      continue;
    }
    const std::string verb = *unit.enabled ? "enable" : "disable";
    const std::size_t at = unit.name.find('@');
    const std::size_t dot = unit.name.rfind('.');
    const bool instance = at != std::string::npos && dot != std::string::npos && dot > at + 1;
    const std::string name = instance ? unit.name.substr(0, at + 1) + unit.name.substr(dot) : unit.name;
    std::string& line = lines[name + "-" + verb + "d"];
    if (line.empty()) {
      line = verb + " " + name;
    }
    if (instance) {
      line += " " + unit.name.substr(at + 1, dot - at - 1);
    }
  }
  std::vector<std::string> sorted;
  sorted.reserve(lines.size());
  for (auto& [key, line] : lines) {
    sorted.push_back(std::move(line));
  }
  return sorted;
}

// The old text with the lines that it lacks at its end.
std::string with_lines(std::string text, const std::vector<std::string>& lines) {
  const std::string old = text;
  const auto present = split(old, '\n');
  if (!text.empty() && !text.ends_with('\n')) {
    text += '\n';
  }
  for (const auto& line : lines) {
    if (std::find(present.begin(), present.end(), line) == present.end()) {
      text += line + "\n";
    }
  }
  return text;
}

Result<void> plan_presets(const Question& question, Plan& plan) {
  const auto lines = preset_lines(question.config().systemd.units);
  const model::FileView* there = question.inventory.file(model::preset_path);
  if (lines.empty()) {
    return {};
  }
  if (there != nullptr && there->kind != host::NodeKind::regular) {
    return Error(Code::conflict, there->path + " is no regular file in the target");
  }
  const std::string old = there != nullptr ? there->text : "";
  PutFile wanted{std::string(model::preset_path), generated(with_lines(old, lines)), default_mode, 0, 0};
  if (there != nullptr && equals(*there, wanted)) {
    return {};
  }
  Step step;
  step.id = "file:" + std::string(model::preset_path);
  step.why = "the first boot enables and disables units by it";
  step.origin = question.origin(question.config().systemd.place, "$.systemd.units", "units");
  step.assumes = model::fingerprint(there);
  step.replaces = there != nullptr ? step.assumes : "";
  step.operation = std::move(wanted);
  plan.steps.push_back(std::move(step));
  return {};
}

std::string target_path(const Step& step) {
  if (const auto* file = std::get_if<PutFile>(&step.operation)) {
    return file->path;
  }
  return model::unit_path(std::get<PutUnit>(step.operation).name);
}

// No two steps may have one target, nor may one be a directory that another needs as a file.
Result<void> check_targets(const Plan& plan) {
  std::map<std::string, const Step*> targets;
  for (const auto& step : plan.steps) {
    const auto [other, fresh] = targets.emplace(target_path(step), &step);
    if (!fresh) {
      return Error(Code::bad_config, other->first + " is written by " + other->second->id + " and again by " + step.id)
          .at(step.origin);
    }
  }
  for (const auto& [path, step] : targets) {
    for (std::string above = path::parent(path); above != "/"; above = path::parent(above)) {
      if (targets.contains(above)) {
        return Error(Code::bad_config, path + " cannot be written: " + above + " is a file of this config")
            .at(step->origin);
      }
    }
  }
  return {};
}

}  // namespace

Result<Plan> plan_files(const Question& question) {
  Plan plan;
  plan.stage = "files";
  for (std::size_t i = 0; i < question.config().storage.files.size(); ++i) {
    TRY(plan_file(question, i, plan));
  }
  std::stable_sort(plan.steps.begin(), plan.steps.end(), [](const Step& a, const Step& b) {
    return path::depth(target_path(a)) < path::depth(target_path(b));
  });
  for (std::size_t i = 0; i < question.config().systemd.units.size(); ++i) {
    TRY(plan_unit(question, i, plan));
  }
  TRY(plan_presets(question, plan));
  TRY(check_targets(plan));
  Plan accounts;
  TRY(plan_accounts(question, accounts));
  plan.steps.insert(plan.steps.begin(), accounts.steps.begin(), accounts.steps.end());
  order_after_homes(plan);
  return plan;
}

}  // namespace provision::plan
