// SPDX-License-Identifier: Apache-2.0
#include "stages/initrd_needs.hpp"

#include <algorithm>
#include <cstddef>
#include <string>

#include "model/cards.hpp"
#include "model/observe.hpp"
#include "plan/clevis.hpp"
#include "plan/plan_arrays.hpp"

namespace provision::stages {
namespace {

// Four words with colons between: mdadm's form, and the one of MD_UUID, with which dracut compares.
std::string with_colons(const std::string& uuid) {
  std::string text;
  std::size_t digits = 0;
  for (const char c : uuid) {
    if (c == '-') {
      continue;
    }
    text += digits > 0 && digits % 8 == 0 ? ":" : "";
    text += c;
    ++digits;
  }
  return text;
}

run::InitrdNeed need_of(const spec::Raid& array, const Uuid& there) {
  const std::string uuid = with_colons(there.text());
  return {"array", array.name, uuid, "rd.md.uuid=" + uuid, false};
}

run::InitrdNeed need_of(const spec::Luks& volume, const std::string& uuid, bool by_card_key) {
  const bool network = plan::wants_binding(volume) && plan::needs_network(volume.clevis);
  const std::string key = by_card_key ? " rd.luks.key=" + uuid + "=" + std::string(model::card_key_path) : "";
  return {"volume", volume.name, uuid, "rd.luks.name=" + uuid + "=" + volume.name + key, network};
}

}  // namespace

Result<std::vector<run::InitrdNeed>> initrd_needs_in(const plan::Question& question) {
  std::vector<run::InitrdNeed> needs;
  const auto order = TRY(plan::in_nesting_order(question));
  for (const std::size_t index : order) {
    const auto there = TRY(plan::existing_array(question, index));
    if (there) {
      needs.push_back(need_of(question.config().storage.raid[index], there->uuid));
    }
  }
  for (const auto& volume : question.config().storage.luks) {
    const model::VolumeView* const there = question.inventory.volume(volume.name);
    if (there != nullptr && !there->header.uuid.empty()) {
      const bool by_card_key = model::wants_card(volume) && question.inventory.cards.key;
      needs.push_back(need_of(volume, there->header.uuid, by_card_key));
    }
  }
  for (const auto& group : question.config().provision.volume_groups) {
    const auto& all = question.inventory.found_groups;
    const auto found = std::find_if(all.begin(), all.end(),
                                    [&](const model::VolumeGroupFound& one) { return one.name == group.name; });
    if (found != all.end()) {
      needs.push_back({"volume group", group.name, found->uuid, "rd.lvm.vg=" + group.name, false});
    }
  }
  return needs;
}

Result<std::vector<run::InitrdNeed>> initrd_needs(Context& context, const spec::Parsed& config,
                                                  const run::Journal& journal) {
  const spec::Storage& storage = config.config->storage;
  if (storage.raid.empty() && storage.luks.empty() && config.config->provision.volume_groups.empty()) {
    return std::vector<run::InitrdNeed>{};
  }
  model::Scope scope;
  scope.tables = true;
  scope.arrays = true;
  scope.volumes = true;
  scope.groups = true;
  scope.allow_missing = true;
  scope.patience = context.patience;
  scope.workers = context.options.workers;
  model::Inventory inventory = TRY(model::observe(context.host, config, scope));
  inventory.machine.seed = journal.begun()->seed;
  return initrd_needs_in({config, inventory});
}

}  // namespace provision::stages
