// SPDX-License-Identifier: Apache-2.0
#include "stages/arrays.hpp"

#include "plan/left_behind.hpp"
#include "plan/operations/make_array.hpp"
#include "plan/plan_arrays.hpp"
#include "stages/given_up.hpp"

namespace provision::stages {
namespace {

// Sets up those whose devices are seen; says whether there was one.
Result<bool> set_up_seen(host::Host& host, const plan::Question& question, const plan::Plan* plan) {
  bool any = false;
  const auto order = TRY(plan::in_nesting_order(question));
  for (const std::size_t index : order) {
    const spec::Raid& array = question.config().storage.raid[index];
    const auto existing = TRY(plan::existing_array(question, index));
    const bool goes = plan::has_member(question.inventory, array,
                                       [&](const auto& device) { return goes_with_table(question, plan, device); });
    if (!existing || existing->running || goes) {
      continue;
    }
    std::vector<host::DeviceRef> devices;
    for (const auto& member : question.inventory.array(array.name)->members) {
      devices.push_back(member.device);
    }
    const std::string path = model::array_path(array);
    TRY_WHILE(plan::assemble(host, path, existing->uuid, devices), "setting up the array " + path);
    any = true;
  }
  return any;
}

}  // namespace

Result<void> set_up_arrays(Context& context, const spec::Parsed& config, const run::Journal& journal, bool begun) {
  model::Scope scope;
  scope.tables = true;
  scope.arrays = true;
  scope.allow_missing = begun;
  scope.patience = context.patience;
  const plan::Plan* const plan = stored_plan(journal, "disks");
  // Each round may show the devices of arrays that are made of arrays.
  for (std::size_t round = 0; round < config.config->storage.raid.size(); ++round) {
    model::Inventory inventory = TRY(model::observe(context.host, config, scope));
    inventory.machine.seed = journal.begun()->seed;
    inventory = plan::without(std::move(inventory), journal.left_behind());
    const bool any = TRY(set_up_seen(context.host, {config, inventory}, plan));
    if (!any) {
      break;
    }
  }
  return {};
}

}  // namespace provision::stages
