// SPDX-License-Identifier: Apache-2.0
#include "stages/volumes.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "model/cards.hpp"
#include "plan/clevis.hpp"
#include "plan/enrollment.hpp"
#include "plan/left_behind.hpp"
#include "plan/operations/make_volume.hpp"
#include "plan/operations/programs.hpp"
#include "plan/plan_volumes.hpp"
#include "plan/secure_key.hpp"
#include "plan/volume_keys.hpp"
#include "stages/given_up.hpp"

namespace provision::stages {
namespace {

// As the stage's stored plan makes or opens it; one that was open when that was made is as it was before.
plan::MakeVolume planned(const run::StageHistory& history, const spec::Config& config, const spec::Luks& asked,
                         const host::DeviceRef& device) {
  for (const auto& step : history.plan->steps) {
    const auto* const volume = std::get_if<plan::MakeVolume>(&step.operation);
    if (volume != nullptr && volume->name == asked.name) {
      return *volume;
    }
  }
  plan::MakeVolume volume;
  volume.name = asked.name;
  volume.device = device;
  volume.discard = asked.discard.value_or(false);
  volume.there = true;
  volume.bound = plan::wants_binding(asked);
  volume.cex = model::wants_card(asked);
  const auto number = plan::enrollment_for(config, asked.name);
  if (number && plan::enrolls_tpm2(config.provision.enrollments[*number])) {
    volume.enrolled = plan::enrollment_place(*number);
  }
  volume.open_options = asked.open_options;
  return volume;
}

// By the key that the image's initramfs has for cards, which is then kept for the target again.
Result<bool> open_by_card_key(host::Host& host, const plan::MakeVolume& volume) {
  const auto key = TRY(plan::card_key(host.own));
  if (!key || !TRY(plan::open_volume(host, volume, *key))) {
    return false;
  }
  TRY(plan::keep_key(host.state, volume.name, *key));
  return true;
}

// Where the journal has lost its keys, or there never was one.
Result<bool> open_without_key(host::Host& host, const plan::ContentSource& contents, const plan::MakeVolume& volume,
                              const host::LuksHeader& header) {
  if (volume.bound && header.bound) {
    TRY(plan::open_by_binding(host, volume));
    return true;
  }
  if (!volume.enrolled.empty() && header.tpm2) {
    TRY(plan::open_by_enrollment(host, contents, volume));
    return true;
  }
  return volume.cex && header.verified ? open_by_card_key(host, volume) : Result<bool>(false);
}

// One that this first boot has made, or begun to, or opened. Where the key does not open it, its step is still to do.
Result<void> open_kept(host::Host& host, const plan::ContentSource& contents, const plan::MakeVolume& volume,
                       const host::LuksHeader& header, bool done) {
  const auto key = TRY(plan::kept_key(host.state, volume.name));
  bool open = key && TRY(plan::open_volume(host, volume, *key));
  // What it is to be made anew over may be bound as well: open, it would be in the way.
  const bool is_it = volume.uuid.empty() || volume.uuid == header.uuid;
  if (!open && is_it) {
    open = TRY(open_without_key(host, contents, volume, header));
  }
  if (!open && done) {
    return Error(Code::conflict, "the encrypted volume " + printable(volume.name) + " on " + volume.device.path +
                                     " was made by this first boot, and " +
                                     (key ? "its kept key does not open it any more" : "its key is not kept any more") +
                                     ": set wipeVolume and start over (provision.unfinished=start-over)");
  }
  return {};
}

Result<void> open_all_kept(Context& context, const spec::Parsed& config, const model::Inventory& inventory,
                           const run::StageHistory& history) {
  const auto& volumes = config.config->storage.luks;
  const plan::ContentSource contents(*config.config);
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const auto* const view = inventory.volume(volumes[i].name);
    if (view == nullptr || view->is_open() || view->header.version != 2 || !view->header.has_key ||
        goes_with_table({config, inventory}, &*history.plan, view->device)) {
      continue;
    }
    const auto volume = planned(history, *config.config, volumes[i], view->device);
    const bool is_done = !history.done_in.empty();
    if (auto opened = open_kept(context.host, contents, volume, view->header, is_done); !opened) {
      return std::move(opened).error().at(
          model::origin_of(config, volumes[i].place, "$.storage.luks." + std::to_string(i) + ".name", "name"));
    }
  }
  return {};
}

// One of before, by Clevis or its TPM: there is no key to keep.
Result<void> open_existing_without_key(host::Host& host, const spec::Parsed& config, const plan::MakeVolume& volume) {
  if (TRY(host.crypt.opened(volume.name))) {
    return {};
  }
  if (volume.enrolled.empty()) {
    TRY(plan::open_by_binding(host, volume));
  } else {
    TRY(plan::open_by_enrollment(host, plan::ContentSource(*config.config), volume));
  }
  if (!TRY(host.crypt.opened(volume.name))) {
    return Error(Code::not_satisfied, "nothing failed, yet " + plan::volume_words(volume.name) + " is not open");
  }
  return {};
}

// One of before, by the config's key or the initramfs', which is kept for the target. It may be open already.
Result<void> open_existing(host::Host& host, const spec::Parsed& config, const plan::MakeVolume& volume) {
  const plan::ContentSource contents(*config.config);
  const Secret key = TRY_WHILE(plan::key_from_elsewhere(host, contents, volume), "getting the volume's key");
  const bool is_open = TRY(host.crypt.opened(volume.name)).has_value();
  const bool opens =
      is_open ? TRY(host.crypt.open(volume.device, {}, {}, key)) : TRY(plan::open_volume(host, volume, key));
  if (!opens) {
    return Error(Code::conflict, volume.device.path +
                                     " holds an encrypted volume, and this key does not open it: give "
                                     "its key, or set wipeVolume to make it anew, and what it holds "
                                     "is lost");
  }
  // What is planned for the file system in it rests on what it shows.
  if (!TRY(host.crypt.opened(volume.name))) {
    return Error(Code::not_satisfied, "nothing failed, yet " + plan::volume_words(volume.name) + " is not open");
  }
  return plan::keep_key(host.state, volume.name, key);
}

Result<void> open_all_existing(Context& context, const plan::Question& question) {
  const auto& volumes = question.config().storage.luks;
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const auto volume = TRY(plan::existing_volume(question, i));
    if (!volume || (volume->key.empty() && !volume->bound && volume->enrolled.empty() && !volume->cex)) {
      continue;
    }
    const bool has_key = !volume->key.empty() || volume->cex;
    const std::string_view key = !volume->key.empty() ? "keyFile"
                                 : volume->cex        ? "cex"
                                 : volume->bound      ? "clevis"
                                                      : "name";
    auto opened = has_key ? open_existing(context.host, question.parsed, *volume)
                          : open_existing_without_key(context.host, question.parsed, *volume);
    if (!opened) {
      const std::string place = "$.storage.luks." + std::to_string(i) + "." + std::string(key);
      return std::move(opened).error().at(question.origin(volumes[i].place, place, key));
    }
  }
  return {};
}

// Without them no card is seen to be online.
void load_card_drivers(host::Host& host, const spec::Config& config) {
  const auto& volumes = config.storage.luks;
  if (std::any_of(volumes.begin(), volumes.end(), model::wants_card)) {
    plan::load_drivers(host, {plan::card_drivers.begin(), plan::card_drivers.end()});
  }
}

// Of those that are made: where Clevis or a TPM opens them and the user has no key, none shall be left.
bool loses_its_key(const spec::Config& config, const spec::Luks& volume) {
  return plan::opens_without_key(config, volume) && volume.key_file.source.value_or("").empty();
}

}  // namespace

Result<void> open_volumes(Context& context, const spec::Parsed& config, const run::Journal& journal, bool begun) {
  if (config.config->storage.luks.empty()) {
    return {};
  }
  load_card_drivers(context.host, *config.config);
  model::Scope scope;
  scope.volumes = true;
  scope.allow_missing = begun;
  scope.patience = context.patience;
  model::Inventory inventory = TRY(model::observe(context.host, config, scope));
  if (begun) {
    return open_all_kept(context, config, inventory, *journal.stage("disks"));
  }
  inventory.machine.seed = journal.begun()->seed;
  inventory = plan::without(std::move(inventory), journal.left_behind());
  return open_all_existing(context, {config, inventory});
}

Result<void> remove_drawn_keys(Context& context) {
  const spec::Parsed config = TRY(load_config(context.host));
  const auto& volumes = config.config->storage.luks;
  const bool any = std::any_of(volumes.begin(), volumes.end(),
                               [&](const spec::Luks& volume) { return loses_its_key(*config.config, volume); });
  if (!any) {
    return {};
  }
  model::Scope scope;
  scope.volumes = true;
  scope.patience = context.patience;
  const model::Inventory inventory = TRY(model::observe(context.host, config, scope));
  for (const auto& asked : volumes) {
    const auto* const view = inventory.volume(asked.name);
    // One of before was opened without a key.
    const auto key = TRY(plan::kept_key(context.host.state, asked.name));
    if (loses_its_key(*config.config, asked) && key && view != nullptr) {
      const auto remove = plan::wants_binding(asked) ? &plan::remove_key_of : &plan::remove_key_of_enrolled;
      TRY_WHILE(remove(context.host, view->device, *key),
                "removing the key that " + plan::volume_words(asked.name) + " was made with");
    }
  }
  return {};
}

}  // namespace provision::stages
