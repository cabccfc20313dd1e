// SPDX-License-Identifier: Apache-2.0
#include "stages/volume_groups.hpp"

#include <algorithm>

#include "plan/left_behind.hpp"
#include "plan/operations/make_volume_group.hpp"
#include "plan/plan_volume_groups.hpp"
#include "stages/given_up.hpp"

namespace provision::stages {
namespace {

bool goes_with_a_table(const plan::Question& question, const plan::Plan* plan, const spec::VolumeGroup& group) {
  const model::VolumeGroupView* const view = question.inventory.volume_group(group.name);
  return view != nullptr && std::any_of(view->members.begin(), view->members.end(), [&](const auto& member) {
           return goes_with_table(question, plan, member.device);
         });
}

}  // namespace

Result<bool> activate_groups(Context& context, const spec::Parsed& config, const run::Journal& journal, bool begun) {
  const auto& groups = config.config->provision.volume_groups;
  if (groups.empty()) {
    return false;
  }
  model::Scope scope;
  scope.groups = true;
  scope.allow_missing = begun;
  scope.patience = context.patience;
  model::Inventory inventory = TRY(model::observe(context.host, config, scope));
  inventory.machine.seed = journal.begun()->seed;
  inventory = plan::without(std::move(inventory), journal.left_behind());
  const plan::Question question{config, inventory};
  bool any = false;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    const model::VolumeGroupFound* found = nullptr;
    if (!begun) {
      found = TRY(plan::existing_volume_group(question, i));
    } else if (!goes_with_a_table(question, stored_plan(journal, "disks"), groups[i])) {
      found = plan::begun_volume_group(question, i);
    }
    const auto volumes = found == nullptr ? std::vector<std::string>{} : plan::inactive_volumes(groups[i], *found);
    if (!volumes.empty()) {
      TRY_WHILE(plan::activate(context.host, groups[i].name, volumes), "activating the volume group " + groups[i].name);
      any = true;
    }
  }
  return any;
}

}  // namespace provision::stages
