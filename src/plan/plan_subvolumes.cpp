// SPDX-License-Identifier: Apache-2.0
#include "plan/plan_subvolumes.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/site.hpp"
#include "spec/subvolumes.hpp"

namespace provision::plan {
namespace {

using host::SubvolumeKind;

// One subvolume of the config, with what is known of its file system.
struct Asked {
  const spec::Subvolume& subvolume;
  std::string place;
  // Null: nothing is known of what is in it, or it is made anew and nothing is.
  const model::DeviceView* there = nullptr;
  // What it has shows only when its device is set up, or under another name of the device: then what is missing is
  // found when it is made.
  bool is_unseen = false;
};

std::string filesystem_step(const std::string& device) { return "filesystem:" + device; }

std::string step_id(const spec::Subvolume& subvolume) { return "subvolume:" + subvolume.device + ":" + subvolume.name; }

// An array or a volume that is there, and not set up yet.
bool shows_later(const Plan& plan, const std::string& device) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& step) {
    const auto* const array = std::get_if<MakeArray>(&step.operation);
    const auto* const volume = std::get_if<MakeVolume>(&step.operation);
    return (array != nullptr && array->there && array->path == device) ||
           (volume != nullptr && volume->there && model::volume_path(volume->name) == device);
  });
}

Asked asked_for(const Question& question, const Plan& plan, std::size_t index) {
  const spec::Subvolume& subvolume = question.config().provision.subvolumes[index];
  Asked asked{subvolume, "$.provision.subvolumes." + std::to_string(index)};
  const bool is_made = step_named(plan, filesystem_step(subvolume.device)) != nullptr;
  asked.there = is_made ? nullptr : question.inventory.device(subvolume.device);
  asked.is_unseen = shows_later(plan, subvolume.device) || (!is_made && asked.there == nullptr);
  return asked;
}

const host::SubvolumeEntry* seen(const Asked& asked, const std::string& name) {
  return asked.there == nullptr ? nullptr : asked.there->subvolume(name);
}

std::string words_of(SubvolumeKind kind) { return kind == SubvolumeKind::directory ? "a directory" : "a file"; }

// What it lies in is another subvolume of the config, or is there.
Result<void> check_parent(const Question& question, const Asked& asked) {
  const std::string parent = spec::parent_subvolume(asked.subvolume.name);
  const auto listed = spec::subvolumes_of(question.config(), asked.subvolume.device);
  const bool is_listed =
      std::any_of(listed.begin(), listed.end(), [&](const spec::Subvolume* other) { return other->name == parent; });
  if (parent.empty() || is_listed || asked.is_unseen) {
    return {};
  }
  const auto name = [&] { return question.origin(asked.subvolume.place, asked.place + ".name", "name"); };
  const host::SubvolumeEntry* const there = seen(asked, parent);
  if (there == nullptr) {
    return Error(Code::bad_config, "there is no " + printable(parent) + " on " + asked.subvolume.device +
                                       " for the subvolume to lie in: list that as a subvolume too")
        .at(name());
  }
  if (there->kind == SubvolumeKind::other) {
    return Error(Code::conflict,
                 printable(parent) + " on " + asked.subvolume.device + " is a file, in which no subvolume can lie")
        .at(name());
  }
  return {};
}

Step making_step(const Question& question, const Asked& asked, const host::DeviceRef& device, bool there) {
  const spec::Subvolume& wanted = asked.subvolume;
  MakeSubvolume made{device,
                     wanted.name,
                     wanted.mode.value_or(0755),
                     wanted.user.id.value_or(0),
                     wanted.group.id.value_or(0),
                     wanted.no_copy_on_write.value_or(false),
                     wanted.is_default.value_or(false),
                     there};
  Step step;
  step.id = step_id(wanted);
  step.why = there             ? "it is not the default subvolume"
             : asked.is_unseen ? "whether it is there shows later"
                               : "it is not there";
  step.origin = question.origin(wanted.place, asked.place);
  step.assumes = std::string(there ? subvolume_fingerprint : model::absent_fingerprint);
  step.operation = std::move(made);
  return step;
}

// Behind the last one of the same file system, or behind that, or behind all that makes its device.
std::vector<std::string> comes_after(const Plan& plan, const Site& site, const Step* filesystem) {
  for (auto step = plan.steps.rbegin(); step != plan.steps.rend(); ++step) {
    const auto* const other = std::get_if<MakeSubvolume>(&step->operation);
    if (other != nullptr && other->device == site.device) {
      return {step->id};
    }
  }
  return filesystem != nullptr ? std::vector<std::string>{filesystem->id} : needs_of(plan, site);
}

Result<void> plan_subvolume(const Question& question, const model::Inventory& after, const Asked& asked, Plan& plan) {
  const spec::Subvolume& wanted = asked.subvolume;
  const auto name = [&] { return question.origin(wanted.place, asked.place + ".name", "name"); };
  const host::SubvolumeEntry* const there = seen(asked, wanted.name);
  if (there != nullptr && there->kind != SubvolumeKind::subvolume) {
    return Error(Code::conflict, printable(wanted.name) + " on " + wanted.device + " is " + words_of(there->kind) +
                                     " and no subvolume: give the subvolume another name, or make a subvolume of it "
                                     "by hand")
        .at(name());
  }
  TRY(check_parent(question, asked));
  if (there != nullptr && (there->is_default || !wanted.is_default.value_or(false))) {
    return {};
  }
  auto site = site_of(question, after, plan, wanted.device, "have subvolumes");
  if (!site) {
    return std::move(site).error().at(question.origin(wanted.place, asked.place + ".device", "device"));
  }
  Step step = making_step(question, asked, site->device, there != nullptr);
  const Step* const filesystem = step_named(plan, filesystem_step(wanted.device));
  step.afresh = filesystem != nullptr && filesystem->afresh;
  step.after = comes_after(plan, *site, filesystem);
  plan.steps.push_back(std::move(step));
  return {};
}

}  // namespace

Result<void> plan_subvolumes(const Question& question, const model::Inventory& after, Plan& plan) {
  std::vector<Asked> all;
  for (std::size_t i = 0; i < question.config().provision.subvolumes.size(); ++i) {
    all.push_back(asked_for(question, plan, i));
  }
  const auto depth = [](const Asked* asked) {
    const std::string& name = asked->subvolume.name;
    return std::count(name.begin(), name.end(), '/');
  };
  std::vector<const Asked*> ordered;
  for (const auto& asked : all) {
    ordered.push_back(&asked);
  }
  std::stable_sort(ordered.begin(), ordered.end(),
                   [&](const Asked* one, const Asked* other) { return depth(one) < depth(other); });
  for (const auto* asked : ordered) {
    TRY(plan_subvolume(question, after, *asked, plan));
  }
  return {};
}

}  // namespace provision::plan
