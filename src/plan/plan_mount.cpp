// SPDX-License-Identifier: Apache-2.0
// The planner of the mount stage.
#include <algorithm>

#include "base/path.hpp"
#include "plan/planners.hpp"

namespace provision::plan {
namespace {

bool is_mounted(const spec::Filesystem& filesystem) {
  const std::string format = filesystem.format.value_or("");
  return filesystem.path && !filesystem.path->empty() && !format.empty() && format != "none" && format != "swap";
}

// What is mounted at the path now, as Mount's observation names it.
std::string assumed(const model::Inventory& inventory, const std::string& path) {
  std::string fingerprint(model::absent_fingerprint);
  for (const auto& entry : inventory.mounts) {
    if (entry.target == path) {
      fingerprint = "mount:" + entry.source;
    }
  }
  return fingerprint;
}

host::DeviceRef device_of(const Question& question, const spec::Filesystem& filesystem) {
  return is_virtiofs(filesystem) ? host::DeviceRef{filesystem.device, {}, 0}
                                 : model::resolve(question.inventory, filesystem.device);
}

}  // namespace

Result<Plan> plan_mount(const Question& question) {
  Plan plan;
  plan.stage = "mount";
  const auto& filesystems = question.config().storage.filesystems;
  for (std::size_t i = 0; i < filesystems.size(); ++i) {
    if (!is_mounted(filesystems[i])) {
      continue;
    }
    Step step;
    step.id = "mount:" + *filesystems[i].path;
    step.why = "the files below it belong on it";
    step.origin = question.origin(filesystems[i].place, "$.storage.filesystems." + std::to_string(i) + ".path", "path");
    step.assumes = assumed(question.inventory, *filesystems[i].path);
    step.operation = Mount{device_of(question, filesystems[i]), *filesystems[i].path, *filesystems[i].format,
                           filesystems[i].mount_options};
    plan.steps.push_back(std::move(step));
  }
  const auto mount_path = [](const Step& step) -> const std::string& { return std::get<Mount>(step.operation).path; };
  std::stable_sort(plan.steps.begin(), plan.steps.end(), [&](const Step& a, const Step& b) {
    return path::depth(mount_path(a)) < path::depth(mount_path(b));
  });
  for (auto& inner : plan.steps) {
    for (const auto& outer : plan.steps) {
      if (&outer != &inner && path::is_within(mount_path(inner), mount_path(outer))) {
        inner.after.push_back(outer.id);
      }
    }
  }
  return plan;
}

}  // namespace provision::plan
