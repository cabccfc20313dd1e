// SPDX-License-Identifier: Apache-2.0
#include "plan/plan_growth.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "host/filesystem_size.hpp"
#include "plan/site.hpp"
#include "spec/references.hpp"

namespace provision::plan {
namespace {

bool is_made(const Plan& plan, const host::DeviceRef& device) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& step) {
    const auto* const made = std::get_if<MakeFilesystem>(&step.operation);
    return made != nullptr && made->device == device;
  });
}

// How large the device is when the steps before are done; 0: nobody can know yet.
std::int64_t device_bytes(const model::Inventory& after, const Site& site, const model::GrowthView* seen) {
  if (const model::DiskView* const disk = after.disk(site.device.disk)) {
    const host::Partition* const entry = disk->entry(site.device.number);
    return entry == nullptr ? 0 : entry->size * disk->facts.sector_size;
  }
  return seen == nullptr ? 0 : seen->size.device_bytes;
}

}  // namespace

Result<void> plan_growth(const Question& question, const model::Inventory& after, Plan& plan) {
  const auto& all = question.config().provision.grown_filesystems;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const std::string path = "$.provision.growFilesystems." + std::to_string(i);
    const auto site = site_of(question, after, plan, all[i].device, "hold a file system");
    if (!site) {
      Error error = site.error();
      return std::move(error).at(question.origin(all[i].place, path + ".device", "device"));
    }
    const model::GrowthView* const seen = question.inventory.growth(all[i].device);
    const std::int64_t room = device_bytes(after, *site, seen);
    const bool fills = seen != nullptr && room != 0 && host::fills_device({seen->size.bytes, room});
    if (is_made(plan, site->device) || fills) {
      continue;
    }
    Step step;
    step.id = "growth:" + all[i].device;
    step.why = seen == nullptr ? "it may be smaller than its device" : "it takes only " + human_size(seen->size.bytes);
    step.origin = question.origin(all[i].place, path);
    step.after = needs_of(plan, *site);
    step.assumes = std::string(model::absent_fingerprint);
    step.operation =
        GrowFilesystem{site->device, spec::filesystem_on(question.config(), all[i].device)->format.value(), room};
    plan.steps.push_back(std::move(step));
  }
  return {};
}

}  // namespace provision::plan
