// SPDX-License-Identifier: Apache-2.0
#include "stages/given_up.hpp"

#include <algorithm>

#include "plan/site.hpp"

namespace provision::stages {
namespace {

bool is_yet_to_be_written(const plan::Plan& plan, const model::Inventory& inventory, const host::DeviceRef& device) {
  const host::DeviceRef place = device.number != 0 ? device : model::resolve(inventory, device.path);
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const plan::Step& step) {
    const auto* const table = std::get_if<plan::WriteTable>(&step.operation);
    const model::DiskView* const view = table == nullptr ? nullptr : inventory.disk(table->disk.path);
    return view != nullptr && table->disk.path == place.disk && view->table.disk_guid != table->table.disk_guid;
  });
}

}  // namespace

const plan::Plan* stored_plan(const run::Journal& journal, const std::string& stage) {
  const run::StageHistory* const history = journal.stage(stage);
  return history != nullptr && history->plan ? &*history->plan : nullptr;
}

bool goes_with_table(const plan::Question& question, const plan::Plan* plan, const host::DeviceRef& device) {
  return plan != nullptr ? is_yet_to_be_written(*plan, question.inventory, device)
                         : plan::is_table_given_up(question, device);
}

}  // namespace provision::stages
