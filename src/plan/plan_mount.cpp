// SPDX-License-Identifier: Apache-2.0
// The planner of the mount stage.
#include <algorithm>

#include "base/path.hpp"
#include "plan/planners.hpp"
#include "spec/subvolumes.hpp"

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
      fingerprint = mount_fingerprint(entry);
    }
  }
  return fingerprint;
}

host::DeviceRef device_of(const Question& question, const spec::Filesystem& filesystem) {
  return is_virtiofs(filesystem) ? host::DeviceRef{filesystem.device, {}, 0}
                                 : model::resolve(question.inventory, filesystem.device);
}

Step mounting_step(const Question& question, Mount mount, Origin origin) {
  Step step;
  step.id = "mount:" + mount.path;
  step.why = "the files below it belong on it";
  step.origin = std::move(origin);
  step.assumes = assumed(question.inventory, mount.path);
  step.operation = std::move(mount);
  return step;
}

void mount_filesystems(const Question& question, Plan& plan) {
  const auto& filesystems = question.config().storage.filesystems;
  for (std::size_t i = 0; i < filesystems.size(); ++i) {
    const spec::Filesystem& one = filesystems[i];
    if (is_mounted(one)) {
      plan.steps.push_back(
          mounting_step(question, Mount{device_of(question, one), *one.path, *one.format, one.mount_options},
                        question.origin(one.place, "$.storage.filesystems." + std::to_string(i) + ".path", "path")));
    }
  }
}

void mount_subvolumes(const Question& question, Plan& plan) {
  const auto& subvolumes = question.config().provision.subvolumes;
  for (std::size_t i = 0; i < subvolumes.size(); ++i) {
    const spec::Subvolume& one = subvolumes[i];
    if (!one.path.value_or("").empty()) {
      plan.steps.push_back(
          mounting_step(question,
                        Mount{model::resolve(question.inventory, one.device), *one.path, std::string(spec::btrfs),
                              one.mount_options, one.name},
                        question.origin(one.place, "$.provision.subvolumes." + std::to_string(i) + ".path", "path")));
    }
  }
}

}  // namespace

Result<Plan> plan_mount(const Question& question) {
  Plan plan;
  plan.stage = "mount";
  mount_filesystems(question, plan);
  mount_subvolumes(question, plan);
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
