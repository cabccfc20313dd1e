// SPDX-License-Identifier: Apache-2.0
// The planner of units: files, drop-ins, masks, and what enables and disables them.
//
// enabled=true is a line "enable NAME" in a preset file, which the first boot of the real root applies. enabled=false
// is a line "disable NAME" there, always: Ignition writes it only if `systemctl is-enabled` says yes, which it never
// does for the instance of a template, so that disabling one is silently lost. But at a first boot systemd only ever
// enables by presets (systemd.preset(5)): what the image itself has enabled stays so. Hence the links by which the unit
// is enabled in /etc are removed too, as `systemctl disable` would.
//
// A target that has a machine id applies no presets at its next boot, and what the config wants enabled would silently
// never start. There the links are made that `systemctl enable` would make.
#include <algorithm>
#include <map>

#include "base/path.hpp"
#include "base/text.hpp"
#include "model/enablement.hpp"
#include "model/observe.hpp"
#include "model/observe_files.hpp"
#include "plan/files_plan.hpp"

namespace provision::plan {
namespace {

constexpr std::string_view mask_target = "/dev/null";

Result<void> check_replaced(const model::FileView* there, const Origin& origin) {
  if (there != nullptr && there->kind == host::NodeKind::directory) {
    return Error(Code::conflict, there->path + " is a directory in the target").at(origin);
  }
  return {};
}

// A unit's file or drop-in is always replaced (spec: units have no "overwrite"), but never a directory.
Result<void> plan_text(FilesPlan& files, PutUnit wanted, const std::string& text, const std::string& id,
                       const Origin& origin) {
  const bool is_dropin = !wanted.dropin.empty();
  const std::string path = is_dropin ? model::dropin_path(wanted.name, wanted.dropin) : model::unit_path(wanted.name);
  const model::FileView* const there = files.inventory().file(path);
  files.claims.push_back({path, Claim::Kind::file, {}, id, origin});
  TRY(check_replaced(there, origin));
  wanted.contents.size = static_cast<std::int64_t>(text.size());
  wanted.contents.digest = Digest::sha256(text);
  PutFile file;
  file.path = path;
  file.whole = wanted.contents.digest;
  if (is_so(there, file)) {
    return {};
  }
  const std::string why = there == nullptr ? "it is not there"
                          : is_dropin      ? "a drop-in of that name is replaced"
                                           : "a unit file of that name is replaced";
  files.plan.steps.push_back(step_over(id, there, why, origin, std::move(wanted)));
  return {};
}

Result<void> plan_mask(FilesPlan& files, const spec::Unit& unit, const Origin& origin) {
  const std::string path = model::unit_path(unit.name);
  const model::FileView* const there = files.inventory().file(path);
  const std::string id = "unit:" + unit.name;
  files.claims.push_back({path, Claim::Kind::file, {}, id, origin});
  TRY(check_replaced(there, origin));
  if (there != nullptr && there->kind == host::NodeKind::symlink && there->target == mask_target) {
    return {};
  }
  const std::string why = there != nullptr ? "a unit file of that name is replaced" : "it is not there";
  files.plan.steps.push_back(step_over(id, there, why, origin, PutUnit{unit.name, {}, {}, true}));
  return {};
}

// Only a mask is removed, nothing else of that name.
void plan_unmask(FilesPlan& files, const spec::Unit& unit, const Origin& origin) {
  const std::string path = model::unit_path(unit.name);
  const model::FileView* const there = files.inventory().file(path);
  if (there != nullptr && there->kind == host::NodeKind::symlink && there->target == mask_target) {
    files.plan.steps.push_back(step_over("unmask:" + unit.name, there, "the unit is masked and shall not be", origin,
                                         RemoveLink{path, std::string(mask_target)}));
  }
}

Result<void> plan_dropins(FilesPlan& files, std::size_t index) {
  const spec::Unit& unit = files.config().systemd.units[index];
  const std::string at = "$.systemd.units." + std::to_string(index) + ".dropins.";
  for (std::size_t i = 0; i < unit.dropins.size(); ++i) {
    const spec::Dropin& dropin = unit.dropins[i];
    if (!dropin.contents) {
      continue;
    }
    const std::string path = at + std::to_string(i);
    PutUnit wanted{unit.name, dropin.name, {}, false};
    wanted.contents.from = path + ".contents";
    TRY(plan_text(files, std::move(wanted), *dropin.contents, "dropin:" + unit.name + "/" + dropin.name,
                  files.question.origin(dropin.place, path)));
  }
  return {};
}

Result<void> plan_unit(FilesPlan& files, std::size_t index) {
  const spec::Unit& unit = files.config().systemd.units[index];
  const std::string path = "$.systemd.units." + std::to_string(index);
  const Origin origin = files.question.origin(unit.place, path);
  TRY(plan_dropins(files, index));
  if (unit.mask.value_or(false)) {
    return plan_mask(files, unit, origin);
  }
  if (!unit.contents.value_or("").empty()) {
    PutUnit wanted{unit.name, {}, {}, false};
    wanted.contents.from = path + ".contents";
    return plan_text(files, std::move(wanted), *unit.contents, "unit:" + unit.name, origin);
  }
  if (unit.mask) {
    plan_unmask(files, unit, files.question.origin(unit.place, path, "mask"));
  }
  return {};
}

void plan_disabling(FilesPlan& files, std::size_t index) {
  const spec::Unit& unit = files.config().systemd.units[index];
  const Origin origin = files.question.origin(unit.place, "$.systemd.units." + std::to_string(index), "enabled");
  for (const auto& view : files.inventory().files) {
    if (model::enables(view, unit.name)) {
      files.plan.steps.push_back(step_over("disable:" + view.path, &view, "the unit shall not be enabled", origin,
                                           RemoveLink{view.path, view.target}));
    }
  }
}

bool is_claimed(const FilesPlan& files, const std::string& path) {
  return std::any_of(files.claims.begin(), files.claims.end(), [&](const Claim& claim) { return claim.path == path; });
}

void plan_enabling(FilesPlan& files) {
  if (model::applies_presets(files.config(), files.inventory())) {
    return;
  }
  for (const auto& link : model::enabling_links(files.config(), files.inventory())) {
    if (is_claimed(files, link.path) || files.inventory().file(link.path) != nullptr) {
      continue;
    }
    const spec::Unit& unit = files.config().systemd.units[link.unit];
    const Origin origin = files.question.origin(unit.place, "$.systemd.units." + std::to_string(link.unit), "enabled");
    const std::string id = "enable:" + link.path;
    files.claims.push_back({link.path, Claim::Kind::symlink, link.target, id, origin});
    PutLink wanted;
    wanted.path = link.path;
    wanted.target = link.target;
    files.plan.steps.push_back(
        step_over(id, nullptr, "the target has a machine id, and so applies no presets", origin, std::move(wanted)));
  }
}

// --- Presets

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

Result<void> plan_presets(FilesPlan& files) {
  const auto lines = preset_lines(files.config().systemd.units);
  const model::FileView* const there = files.inventory().file(model::preset_path);
  if (lines.empty()) {
    return {};
  }
  const std::string path(model::preset_path);
  Origin origin = files.question.origin(files.config().systemd.place, "$.systemd.units", "units");
  files.claims.push_back({path, Claim::Kind::file, {}, "file:" + path, origin});
  if (there != nullptr && there->kind != host::NodeKind::regular) {
    return Error(Code::conflict, there->path + " is no regular file in the target").at(std::move(origin));
  }
  PutFile wanted;
  wanted.path = path;
  wanted.contents = generated(with_lines(there != nullptr ? there->text : "", lines));
  wanted.whole = wanted.contents.digest;
  if (is_so(there, wanted)) {
    return {};
  }
  files.plan.steps.push_back(
      step_over("file:" + path, there, "the first boot enables and disables units by it", origin, std::move(wanted)));
  return {};
}

}  // namespace

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

Result<void> plan_units(FilesPlan& files) {
  const auto& units = files.config().systemd.units;
  for (std::size_t i = 0; i < units.size(); ++i) {
    TRY(plan_unit(files, i));
  }
  for (std::size_t i = 0; i < units.size(); ++i) {
    if (units[i].enabled == false) {
      plan_disabling(files, i);
    }
  }
  plan_enabling(files);
  return plan_presets(files);
}

}  // namespace provision::plan
