// SPDX-License-Identifier: Apache-2.0
#include "plan/plan_arrays.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "model/observe.hpp"
#include "plan/identity.hpp"
#include "plan/operations/make_array.hpp"
#include "plan/site.hpp"

namespace provision::plan {
namespace {

std::string array_place(std::size_t index) { return "$.storage.raid." + std::to_string(index); }

const spec::Raid& asked_array(const Question& question, std::size_t index) {
  return question.config().storage.raid[index];
}

Origin place_of(const Question& question, std::size_t index, std::string_view key) {
  return question.origin(asked_array(question, index).place, array_place(index) + "." + std::string(key), key);
}

Origin place_of_device(const Question& question, std::size_t index, std::size_t device) {
  const std::string path = array_place(index) + ".devices." + std::to_string(device);
  return question.origin(asked_array(question, index).place, path, "devices");
}

std::int64_t spares_of(const spec::Raid& array) { return std::max<std::int64_t>(array.spares.value_or(0), 0); }

std::int64_t devices_of(const spec::Raid& array) {
  return static_cast<std::int64_t>(array.devices.size()) - spares_of(array);
}

// With fewer mdadm makes none (Create.c).
std::int64_t least_devices(std::string_view level) {
  if (level == "raid6") {
    return 4;
  }
  return level == "raid4" || level == "raid5" || level == "raid10" ? 2 : 1;
}

Result<void> check_number(const Question& question, std::size_t index) {
  const spec::Raid& array = asked_array(question, index);
  const std::string level = level_name(array.level.value_or(""));
  if (devices_of(array) >= least_devices(level)) {
    return {};
  }
  return Error(Code::bad_config, "an array of level " + level + " needs at least " +
                                     std::to_string(least_devices(level)) + " devices beside its spares, and has " +
                                     std::to_string(std::max<std::int64_t>(devices_of(array), 0)))
      .at(place_of(question, index, "devices"));
}

struct Chosen {
  Uuid uuid;
  // By the user, in the options.
  bool given = false;
};

Result<Chosen> chosen_uuid(const Question& question, std::size_t index) {
  auto given = uuid_in(asked_array(question, index).options);
  if (!given) {
    return std::move(given).error().at(place_of(question, index, "options"));
  }
  const Identity identity{question.inventory.machine, spec::meaning(question.config())};
  return Chosen{given->value_or(identity.array(array_place(index))), given->has_value()};
}

bool is_like(const host::ArrayMember& there, const spec::Raid& asked) {
  return there.name == asked.name && there.level == level_name(asked.level.value_or("")) &&
         there.devices == devices_of(asked);
}

// What was seen there, whichever name the partition had then.
const host::ArrayMember* member_seen(const Question& question, const std::string& array,
                                     const host::DeviceRef& device) {
  const auto* const view = question.inventory.array(array);
  if (view == nullptr) {
    return nullptr;
  }
  const auto* const member = view->member(device.path);
  return member == nullptr || member->member.array.empty() ? nullptr : &member->member;
}

std::string words_on(const Site& site, const host::ArrayMember* member) {
  return member != nullptr ? model::describe(*member) : model::describe(*site.signature);
}

// The step may replace what is on all of its devices, or nothing: what is on a new partition of a disk that is not
// wiped is not known before it is there, and so must not go by what the config says of another disk.
Result<void> check_unseen(const Question& question, std::size_t index, const std::vector<Site>& sites) {
  const auto wiped = [&](const Site& site) { return is_wiped(question.config(), site); };
  if (std::none_of(sites.begin(), sites.end(), wiped)) {
    return {};
  }
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const bool is_array = model::array_named(question.config(), sites[i].device.path) != nullptr;
    if (!sites[i].signature && !is_array && !wiped(sites[i])) {
      return Error(Code::conflict, sites[i].device.path +
                                       " is new and may hold something of before, which wipeTable on another disk of "
                                       "the array does not give up: set wipeTable on its disk as well")
          .at(place_of_device(question, index, i));
    }
  }
  return {};
}

// Nothing but what may go is there.
Result<void> check_device(const Question& question, std::size_t index, std::size_t device, const Site& site,
                          const Uuid& uuid) {
  const spec::Raid& array = asked_array(question, index);
  const host::ArrayMember* const member = member_seen(question, array.name, site.device);
  const bool ours = member != nullptr && member->array == uuid;
  if (!site.users.empty() && !ours) {
    return Error(Code::device_busy, array.devices[device] + " is in use: " + used_by(site.users))
        .at(place_of_device(question, index, device));
  }
  const bool blank = !site.signature || site.signature->type.empty();
  if (blank || ours || is_wiped(question.config(), site)) {
    return {};
  }
  const std::string way_out =
      site.device.disk.empty() ? "" : ", or set wipeTable on its disk, or wipePartitionEntry on one that is made anew";
  return Error(Code::conflict, array.devices[device] + " holds " + words_on(site, member) +
                                   ", which would be lost: wipe it (wipefs -a does)" + way_out)
      .at(place_of_device(question, index, device));
}

bool has_device(const spec::Raid& array, const model::Inventory& after, const host::DeviceRef& device) {
  return std::any_of(array.devices.begin(), array.devices.end(), [&](const std::string& path) {
    return model::is_same_device(model::resolve(after, path), device);
  });
}

// A device is of one array only, and once.
Result<void> check_once(const Question& question, const model::Inventory& after, std::size_t index) {
  const spec::Raid& array = asked_array(question, index);
  for (std::size_t i = 0; i < array.devices.size(); ++i) {
    const host::DeviceRef ref = model::resolve(after, array.devices[i]);
    const auto fault = [&](const std::string& what) {
      return Error(Code::bad_config, array.devices[i] + what).at(place_of_device(question, index, i));
    };
    for (std::size_t k = 0; k < i; ++k) {
      if (model::is_same_device(model::resolve(after, array.devices[k]), ref)) {
        return fault(" is the same device as " + array.devices[k]);
      }
    }
    for (std::size_t other = 0; other < index; ++other) {
      if (has_device(asked_array(question, other), after, ref)) {
        return fault(" is a device of the array " + printable(asked_array(question, other).name) + " already");
      }
    }
  }
  return {};
}

Result<Step> array_step_for(const Question& question, const model::Inventory& after, const Plan& plan,
                            std::size_t index, const std::optional<ExistingArray>& existing) {
  const spec::Raid& array = asked_array(question, index);
  const Chosen chosen = TRY(chosen_uuid(question, index));
  const Uuid uuid = existing ? existing->uuid : chosen.uuid;
  Step step;
  step.id = array_step(array.name);
  step.why = existing ? "the array is there, and is not set up" : "there is no such array yet";
  step.origin = question.origin(array.place, array_place(index));
  MakeArray made;
  made.name = array.name;
  made.path = model::array_path(array);
  made.level = level_name(array.level.value_or(""));
  made.spares = spares_of(array);
  made.uuid = uuid;
  made.there = existing.has_value();
  made.options = array.options;
  std::vector<std::string> prints;
  std::vector<Site> sites;
  bool may_replace = false;
  for (std::size_t i = 0; i < array.devices.size(); ++i) {
    auto found = site_of(question, after, plan, array.devices[i], "be a device of a RAID array");
    if (!found) {
      return std::move(found).error().at(place_of_device(question, index, i));
    }
    TRY(check_device(question, index, i, *found, uuid));
    for (auto& id : needs_of(plan, *found)) {
      if (std::find(step.after.begin(), step.after.end(), id) == step.after.end()) {
        step.after.push_back(std::move(id));
      }
    }
    may_replace = may_replace || is_wiped(question.config(), *found);
    prints.push_back(model::fingerprint(found->signature.value_or(host::Signature{})));
    made.members.push_back(found->device);
    sites.push_back(*std::move(found));
  }
  TRY(check_unseen(question, index, sites));
  const bool blank = std::all_of(prints.begin(), prints.end(),
                                 [](const std::string& print) { return print == model::absent_fingerprint; });
  step.assumes = blank ? std::string(model::absent_fingerprint) : join(prints, " ");
  step.replaces = may_replace && !existing ? std::string(replaces_anything) : "";
  step.operation = std::move(made);
  return step;
}

// Those of the view's devices that have the array.
std::vector<host::ArrayMember> members_of(const model::ArrayView& view, const Uuid& array) {
  std::vector<host::ArrayMember> members;
  for (const auto& seen : view.members) {
    if (seen.member.array == array) {
      members.push_back(seen.member);
    }
  }
  return members;
}

ExistingArray existing_of(const std::vector<host::ArrayMember>& members) {
  return {members.front().array,
          std::any_of(members.begin(), members.end(), [](const host::ArrayMember& member) { return member.running; })};
}

// All are there and of one array, which is like the one that is asked for.
std::optional<ExistingArray> array_like(const spec::Raid& array, const model::ArrayView& view) {
  if (view.members.empty() || view.members.front().member.array.empty()) {
    return std::nullopt;
  }
  const auto members = members_of(view, view.members.front().member.array);
  const bool alike = members.size() == array.devices.size() && model::was_started(members) &&
                     std::all_of(members.begin(), members.end(),
                                 [&](const host::ArrayMember& member) { return is_like(member, array); });
  return alike ? std::optional(existing_of(members)) : std::nullopt;
}

// Only its UUID tells that it is the config's: then it must be what the config says.
Result<void> check_level(const Question& question, std::size_t index, const host::ArrayMember& member) {
  const spec::Raid& array = asked_array(question, index);
  const std::string level = level_name(array.level.value_or(""));
  if (member.level.empty() || (member.level == level && member.devices == devices_of(array))) {
    return {};
  }
  return Error(Code::conflict, "the devices of the array " + printable(array.name) + " hold " +
                                   model::describe(member) + ", and the config wants " + level + " of " +
                                   std::to_string(devices_of(array)) + " devices")
      .at(place_of(question, index, "level"));
}

// With what has gone before, or an error if it is in itself.
Result<void> add_in_order(const Question& question, std::size_t index, std::vector<std::size_t>& way,
                          std::vector<std::size_t>& order) {
  if (std::find(order.begin(), order.end(), index) != order.end()) {
    return {};
  }
  if (std::find(way.begin(), way.end(), index) != way.end()) {
    return Error(Code::bad_config,
                 "the array " + printable(asked_array(question, index).name) + " would be a device of itself")
        .at(place_of(question, index, "devices"));
  }
  way.push_back(index);
  for (const auto& device : asked_array(question, index).devices) {
    if (const auto* const inner = model::array_named(question.config(), device)) {
      const auto inner_index = static_cast<std::size_t>(inner - question.config().storage.raid.data());
      TRY(add_in_order(question, inner_index, way, order));
    }
  }
  way.pop_back();
  order.push_back(index);
  return {};
}

}  // namespace

Result<std::vector<std::size_t>> in_nesting_order(const Question& question) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < question.config().storage.raid.size(); ++i) {
    std::vector<std::size_t> way;
    TRY(add_in_order(question, i, way, order));
  }
  return order;
}

const spec::Raid* array_of(const Question& question, const model::Inventory& after, const std::string& device) {
  const auto& arrays = question.config().storage.raid;
  const host::DeviceRef ref = model::resolve(after, device);
  const auto found = std::find_if(arrays.begin(), arrays.end(),
                                  [&](const spec::Raid& array) { return has_device(array, after, ref); });
  return found == arrays.end() ? nullptr : &*found;
}

Result<std::optional<ExistingArray>> existing_array(const Question& question, std::size_t index) {
  const spec::Raid& array = asked_array(question, index);
  const model::ArrayView* const view = question.inventory.array(array.name);
  const Chosen chosen = TRY(chosen_uuid(question, index));
  if (view == nullptr) {
    return std::optional<ExistingArray>{};
  }
  const auto ours = members_of(*view, chosen.uuid);
  if (!ours.empty() && model::was_started(ours)) {
    TRY(check_level(question, index, ours.front()));
    return std::optional(existing_of(ours));
  }
  return chosen.given ? std::optional<ExistingArray>{} : array_like(array, *view);
}

bool has_member(const model::Inventory& inventory, const spec::Raid& array,
                const std::function<bool(const host::DeviceRef& device)>& is_it) {
  const model::ArrayView* const view = inventory.array(array.name);
  return view != nullptr && std::any_of(view->members.begin(), view->members.end(),
                                        [&](const model::MemberView& member) { return is_it(member.device); });
}

Result<void> plan_arrays(const Question& question, const model::Inventory& after, Plan& plan) {
  const auto order = TRY(in_nesting_order(question));
  for (const std::size_t index : order) {
    TRY(check_number(question, index));
    TRY(check_once(question, after, index));
    const bool goes = has_member(question.inventory, asked_array(question, index),
                                 [&](const auto& device) { return is_table_given_up(question, device); });
    const auto existing = goes ? std::optional<ExistingArray>{} : TRY(existing_array(question, index));
    if (existing && existing->running) {
      continue;
    }
    auto step = TRY(array_step_for(question, after, plan, index, existing));
    plan.steps.push_back(std::move(step));
  }
  return {};
}

}  // namespace provision::plan
