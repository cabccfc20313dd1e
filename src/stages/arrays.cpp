// SPDX-License-Identifier: Apache-2.0
#include "stages/arrays.hpp"

#include <algorithm>

#include "plan/left_behind.hpp"
#include "plan/operations/make_array.hpp"
#include "plan/plan_arrays.hpp"
#include "plan/site.hpp"

namespace provision::stages {
namespace {

// Whether the stored plan has yet to write another table where the device is.
bool is_yet_to_be_written(const plan::Plan& plan, const model::Inventory& inventory, const host::DeviceRef& device) {
  const host::DeviceRef place = device.number != 0 ? device : model::resolve(inventory, device.path);
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const plan::Step& step) {
    const auto* const table = std::get_if<plan::WriteTable>(&step.operation);
    const model::DiskView* const view = table == nullptr ? nullptr : inventory.disk(table->disk.path);
    return view != nullptr && table->disk.path == place.disk && view->table.disk_guid != table->table.disk_guid;
  });
}

// What goes with the table that it is in is not set up: it would be in the way. The plan tells, where there is one.
bool goes_with_table(const plan::Question& question, const plan::Plan* plan, const host::DeviceRef& device) {
  return plan != nullptr ? is_yet_to_be_written(*plan, question.inventory, device)
                         : plan::is_table_given_up(question, device);
}

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
  const run::StageHistory* const history = journal.stage("disks");
  const plan::Plan* const plan = history != nullptr && history->plan ? &*history->plan : nullptr;
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
