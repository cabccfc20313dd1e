// SPDX-License-Identifier: Apache-2.0
#include "stages/unclean.hpp"

#include <algorithm>
#include <variant>

#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/operations/kept_root.hpp"

namespace provision::stages {
namespace {

bool may_be_damaged(const run::Journal& journal, const std::string& boot) {
  const run::StageHistory* const mount = journal.stage("mount");
  if (mount == nullptr || !mount->plan || mount->done_in == boot) {
    return false;
  }
  const run::StageHistory* const files = journal.stage("files");
  return files == nullptr || files->done_in.empty();
}

Result<void> make_anew(Context& context, const plan::MakeFilesystem& made, const plan::ContentSource& contents) {
  const std::string& device = made.device.path;
  const std::string text = "an earlier attempt was ended while " + printable(device) +
                           " was written to, which a vfat need not survive: it is made anew";
  context.listener.on({run::Event::Kind::notice, {}, text, {}});
  plan::Work work{context.host, contents};
  TRY(plan::apply(work, made));
  const plan::Observation seen = TRY(plan::observe(context.host, made));
  if (seen.state != plan::State::satisfied) {
    return Error(Code::not_satisfied, "nothing failed, yet there is no new vfat on " + device);
  }
  return {};
}

// The step that puts kept files on it; null: none does.
const plan::Step* restoring_step(const plan::Plan& plan, const plan::MakeFilesystem& made) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(), [&](const plan::Step& step) {
    const auto* const restore = std::get_if<plan::RestoreRoot>(&step.operation);
    return restore != nullptr && restore->device == made.device;
  });
  return found == plan.steps.end() ? nullptr : &*found;
}

const plan::SaveRoot* save_of(const plan::Plan& plan, const std::string& kept) {
  for (const auto& step : plan.steps) {
    const auto* const save = std::get_if<plan::SaveRoot>(&step.operation);
    if (save != nullptr && save->kept == kept) {
      return save;
    }
  }
  return nullptr;
}

// Whether the files can be put there once more.
Result<bool> can_restore(host::Host& host, const plan::SaveRoot& save, const plan::RestoreRoot& restore) {
  if (TRY(plan::has_files(host, plan::keeper_of(restore), plan::places_of(restore.kept)))) {
    return true;
  }
  const bool other = save.id != restore.id || save.format != restore.format;
  return other && TRY(plan::is_there(host, {save.device, save.format, save.id}));
}

// Of a vfat that was given a part of the kept files, or all of them and nobody knows.
Result<void> make_restored_anew(Context& context, const plan::Plan& plan, const plan::MakeFilesystem& made,
                                const plan::RestoreRoot& restore, const plan::ContentSource& contents) {
  const plan::SaveRoot* const save = save_of(plan, restore.kept);
  if (save == nullptr) {
    return {};
  }
  if (TRY(can_restore(context.host, *save, restore))) {
    return make_anew(context, made, contents);
  }
  // The copy goes when all have it. Memory loses it with the power as well; its place is there in the boot that had it.
  const std::string place = path::parent(plan::places_of(restore.kept).keeper);
  const bool may_be_damaged = restore.keeper.path.empty() && !TRY(context.host.own.look(place));
  return may_be_damaged ? plan::root_is_lost(restore.kept, restore.root) : Result<void>();
}

}  // namespace

Result<void> make_half_restored_anew(Context& context, const spec::Parsed& config, const run::Journal& journal) {
  const run::StageHistory* const disks = journal.stage("disks");
  if (disks == nullptr || !disks->plan || !disks->done_in.empty()) {
    return {};
  }
  const plan::ContentSource contents(*config.config);
  for (const auto& step : disks->plan->steps) {
    const auto* const made = std::get_if<plan::MakeFilesystem>(&step.operation);
    const plan::Step* const restoring = made == nullptr ? nullptr : restoring_step(*disks->plan, *made);
    if (restoring == nullptr || made->format != "vfat" || !disks->started.contains(restoring->id) ||
        disks->done.contains(restoring->id)) {
      continue;
    }
    const auto& restore = std::get<plan::RestoreRoot>(restoring->operation);
    if (auto again = make_restored_anew(context, *disks->plan, *made, restore, contents); !again) {
      return std::move(again).error().at(restoring->origin);
    }
  }
  return {};
}

Result<void> make_unclean_anew(Context& context, const spec::Parsed& config, const run::Journal& journal) {
  const run::StageHistory* const disks = journal.stage("disks");
  const std::string boot = TRY(context.host.firmware.boot_id());
  if (disks == nullptr || !disks->plan || !may_be_damaged(journal, boot)) {
    return {};
  }
  const plan::ContentSource contents(*config.config);
  for (const auto& step : disks->plan->steps) {
    const auto* const made = std::get_if<plan::MakeFilesystem>(&step.operation);
    if (made == nullptr || made->format != "vfat" || restoring_step(*disks->plan, *made) != nullptr) {
      continue;
    }
    const auto users = TRY(context.host.disks.users(made->device));
    if (users.empty()) {
      TRY_WHILE(make_anew(context, *made, contents), "making " + made->device.path + " anew after a power cut");
    }
  }
  return {};
}

}  // namespace provision::stages
