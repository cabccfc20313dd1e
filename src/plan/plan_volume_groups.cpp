// SPDX-License-Identifier: Apache-2.0
#include "plan/plan_volume_groups.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "model/observe.hpp"
#include "model/volume_groups.hpp"
#include "plan/identity.hpp"
#include "plan/plan_arrays.hpp"
#include "plan/plan_volumes.hpp"
#include "plan/site.hpp"
#include "spec/volume_groups.hpp"

namespace provision::plan {
namespace {

using model::VolumeGroupFound;

constexpr std::int64_t extent_mib = 4;
constexpr std::string_view pool_type = "thin-pool";

std::string group_place(std::size_t index) { return "$.provision.volumeGroups." + std::to_string(index); }

const spec::VolumeGroup& asked_group(const Question& question, std::size_t index) {
  return question.config().provision.volume_groups[index];
}

Origin place_of(const Question& question, std::size_t index, std::string_view key) {
  return question.origin(asked_group(question, index).place, group_place(index) + "." + std::string(key), key);
}

Origin place_of_device(const Question& question, std::size_t index, std::size_t device) {
  const std::string path = group_place(index) + ".devices." + std::to_string(device);
  return question.origin(asked_group(question, index).place, path, "devices");
}

Origin place_of_volume(const Question& question, std::size_t index, std::size_t volume, std::string_view key) {
  const std::string path = group_place(index) + ".logicalVolumes." + std::to_string(volume);
  const spec::Located& place = asked_group(question, index).logical_volumes[volume].place;
  return key.empty() ? question.origin(place, path) : question.origin(place, path + "." + std::string(key), key);
}

bool wipes(const spec::VolumeGroup& group) { return group.wipe_volume_group.value_or(false); }

bool wipes_disk(const spec::Config& config, const host::DeviceRef& device) {
  const auto& disks = config.storage.disks;
  return std::any_of(disks.begin(), disks.end(), [&](const spec::Disk& disk) {
    return (disk.device == device.disk || disk.device == device.path) && disk.wipe_table.value_or(false);
  });
}

// --- What is there already

std::string derived_uuid(const Question& question, std::size_t index, std::size_t device, const host::DeviceRef& ref) {
  const Identity identity{question.inventory.machine, spec::meaning(question.config())};
  const model::DiskView* const disk = question.inventory.disk(ref.number != 0 ? ref.disk : ref.path);
  return model::physical_uuid(identity.physical(disk != nullptr ? disk->facts : host::DiskFacts{},
                                                group_place(index) + ".devices." + std::to_string(device)));
}

std::size_t members_in(const model::VolumeGroupView& view, const VolumeGroupFound& found) {
  return static_cast<std::size_t>(
      std::count_if(view.members.begin(), view.members.end(),
                    [&](const model::PhysicalVolumeView& member) { return found.has(member.signature.uuid); }));
}

// All that is there of it is on devices of the config's group.
bool lies_within(const model::VolumeGroupView& view, const VolumeGroupFound& found) {
  return members_in(view, found) == found.physical.size() - static_cast<std::size_t>(found.missing);
}

bool has_uuids_of_ours(const Question& question, std::size_t index, const VolumeGroupFound& found) {
  const auto& devices = asked_group(question, index).devices;
  for (std::size_t i = 0; i < devices.size(); ++i) {
    if (found.has(derived_uuid(question, index, i, model::resolve(question.inventory, devices[i])))) {
      return true;
    }
  }
  return false;
}

std::string words_on(const VolumeGroupFound& found) {
  return "the volume group " + printable(found.name) + (found.nodes.empty() ? "" : " on " + join(found.nodes, ", ")) +
         " (UUID " + found.uuid + ")";
}

Error in_the_way(const Question& question, std::size_t index, const VolumeGroupFound& found,
                 const model::VolumeGroupView& view) {
  const auto fault = [&](std::string_view key, const std::string& what) {
    return Error(Code::conflict, "there is " + words_on(found) + ", " + what).at(place_of(question, index, key));
  };
  if (!lies_within(view, found)) {
    return fault(
        members_in(view, found) == 0 ? "name" : "devices",
        members_in(view, found) == 0
            ? "and the config wants another one of that name: rename it (vgrename), or give this one another name"
            : "which lies on devices that the config's group does not have: name all of them, or take it apart "
              "(vgreduce, vgremove)");
  }
  if (found.missing > 0) {
    return fault("devices", "which lacks " + std::to_string(found.missing) + " of its " +
                                std::to_string(found.physical.size()) +
                                " physical volumes: repair it (vgextend, lvconvert --repair, vgreduce "
                                "--removemissing), or set wipeVolumeGroup to make it anew, and what it holds is lost");
  }
  return fault(
      "devices",
      "and the config wants more devices in it: add them to it (pvcreate, vgextend), or set wipeVolumeGroup to "
      "make it anew, and what it holds is lost");
}

// --- Its devices

Result<void> check_kind(const Question& question, const model::Inventory& after, std::size_t index,
                        std::size_t device) {
  const std::string& path = asked_group(question, index).devices[device];
  const std::string both = ": it cannot be a device of a volume group as well";
  std::string taken;
  if (const auto* const array = array_of(question, after, path)) {
    taken = " is a device of the RAID array " + printable(array->name) + both;
  } else if (const auto* const volume = volume_on(question, after, path)) {
    taken = " is the device of the encrypted volume " + printable(volume->name) + both;
  }
  return taken.empty() ? Result<void>{}
                       : Error(Code::bad_config, path + taken).at(place_of_device(question, index, device));
}

bool has_device(const spec::VolumeGroup& group, const model::Inventory& after, const host::DeviceRef& device) {
  return std::any_of(group.devices.begin(), group.devices.end(), [&](const std::string& path) {
    return model::is_same_device(model::resolve(after, path), device);
  });
}

// A device is of one group only, and once.
Result<void> check_once(const Question& question, const model::Inventory& after, std::size_t index,
                        std::size_t device) {
  const spec::VolumeGroup& group = asked_group(question, index);
  const host::DeviceRef ref = model::resolve(after, group.devices[device]);
  const auto fault = [&](const std::string& what) {
    return Error(Code::bad_config, group.devices[device] + what).at(place_of_device(question, index, device));
  };
  for (std::size_t k = 0; k < device; ++k) {
    if (model::is_same_device(model::resolve(after, group.devices[k]), ref)) {
      return fault(" is the same device as " + group.devices[k]);
    }
  }
  for (std::size_t other = 0; other < index; ++other) {
    if (has_device(asked_group(question, other), after, ref)) {
      return fault(" is a device of the volume group " + printable(asked_group(question, other).name) + " already");
    }
  }
  return {};
}

// Who uses it; not those who go with the group that is made anew, as long as nothing has one of its volumes open.
std::vector<std::string> users_of(const Question& question, std::size_t index, const Site& site) {
  std::vector<std::string> users = site.users;
  const auto* const found = site.signature ? question.inventory.group_of(site.signature->uuid) : nullptr;
  const bool closed = found != nullptr && std::none_of(found->logical.begin(), found->logical.end(),
                                                       [](const auto& volume) { return volume.open; });
  if (closed && wipes(asked_group(question, index))) {
    const std::string its = "the logical volume " + model::mapper_name(found->name, "");
    std::erase_if(users, [&](const std::string& user) { return user.starts_with(its); });
  }
  return users;
}

// Nothing but what may go is there.
Result<void> check_device(const Question& question, std::size_t index, std::size_t device, const Site& site,
                          const std::string& uuid) {
  const spec::VolumeGroup& group = asked_group(question, index);
  const std::string& path = group.devices[device];
  const auto fault = [&](Code code, const std::string& what) {
    return Error(code, path + what).at(place_of_device(question, index, device));
  };
  if (const auto users = users_of(question, index, site); !users.empty()) {
    return fault(Code::device_busy, " is in use: " + used_by(users));
  }
  if (!site.signature || site.signature->type.empty()) {
    return {};
  }
  const auto* const found = question.inventory.group_of(site.signature->uuid);
  const auto* const view = question.inventory.volume_group(group.name);
  if (found != nullptr && wipes(group) && (view == nullptr || !lies_within(*view, *found))) {
    return fault(Code::conflict, " holds a part of " + words_on(*found) +
                                     ", which lies on devices that the config's group does not have: wipeVolumeGroup "
                                     "makes no end of that; take it apart first (vgreduce, vgremove)");
  }
  const bool begun = found == nullptr && site.signature->uuid == uuid;
  if (begun || wipes(group) || is_wiped(question.config(), site)) {
    return {};
  }
  const std::string what =
      found != nullptr ? "a physical volume of " + words_on(*found) : model::describe(*site.signature);
  return fault(Code::conflict,
               " holds " + what + ", which would be lost: wipe it (wipefs -a does), or set wipeVolumeGroup");
}

// The step may replace what is on all of its devices, or only what is seen: as for RAID arrays.
Result<void> check_unseen(const Question& question, std::size_t index, const std::vector<Site>& sites) {
  const auto wiped = [&](const Site& site) { return is_wiped(question.config(), site); };
  if (wipes(asked_group(question, index)) || std::none_of(sites.begin(), sites.end(), wiped)) {
    return {};
  }
  for (std::size_t i = 0; i < sites.size(); ++i) {
    if (!sites[i].signature && sites[i].device.number != 0 && !wiped(sites[i])) {
      return Error(Code::conflict, sites[i].device.path +
                                       " is new and may hold something of before, which wipeTable on another disk of "
                                       "the group does not give up: set wipeTable on its disk as well, or "
                                       "wipeVolumeGroup")
          .at(place_of_device(question, index, i));
    }
  }
  return {};
}

Result<Site> group_site(const Question& question, const model::Inventory& after, const Plan& plan, std::size_t index,
                        std::size_t device) {
  TRY(check_kind(question, after, index, device));
  TRY(check_once(question, after, index, device));
  auto site =
      site_of(question, after, plan, asked_group(question, index).devices[device], "be a device of a volume group");
  return site ? std::move(site) : Result<Site>(std::move(site).error().at(place_of_device(question, index, device)));
}

// --- Making one

std::string replaceable(const Question& question, std::size_t index, const std::vector<Site>& sites,
                        const std::string& assumes) {
  const auto wiped = [&](const Site& site) { return is_wiped(question.config(), site); };
  if (!wipes(asked_group(question, index))) {
    return std::any_of(sites.begin(), sites.end(), wiped) ? std::string(replaces_anything) : "";
  }
  const bool known = std::all_of(sites.begin(), sites.end(), [](const Site& site) { return site.maker == nullptr; });
  if (!known) {
    return std::string(replaces_anything);
  }
  return assumes == model::absent_fingerprint ? "" : assumes;
}

Result<Step> group_step(const Question& question, const Plan& plan, std::size_t index, const std::vector<Site>& sites) {
  const spec::VolumeGroup& group = asked_group(question, index);
  Step step;
  step.id = volume_group_step(group.name);
  step.why = wipes(group) ? "wipeVolumeGroup is set" : "there is no such volume group yet";
  step.origin = question.origin(group.place, group_place(index));
  step.afresh = wipes(group);
  MakeVolumeGroup made;
  made.name = group.name;
  std::vector<std::string> prints;
  for (std::size_t i = 0; i < sites.size(); ++i) {
    const std::string uuid = derived_uuid(question, index, i, sites[i].device);
    TRY(check_device(question, index, i, sites[i], uuid));
    for (auto& id : needs_of(plan, sites[i])) {
      if (std::find(step.after.begin(), step.after.end(), id) == step.after.end()) {
        step.after.push_back(std::move(id));
      }
    }
    prints.push_back(model::fingerprint(sites[i].signature.value_or(host::Signature{})));
    made.members.push_back(sites[i].device);
    made.physical.push_back(uuid);
  }
  TRY(check_unseen(question, index, sites));
  const bool blank = std::all_of(prints.begin(), prints.end(),
                                 [](const std::string& print) { return print == model::absent_fingerprint; });
  step.assumes = blank ? std::string(model::absent_fingerprint) : join(prints, " ");
  step.replaces = replaceable(question, index, sites, step.assumes);
  step.operation = std::move(made);
  return step;
}

// A group that stays needs its devices where they are.
Result<void> check_kept(const Question& question, std::size_t index, const std::vector<Site>& sites,
                        const VolumeGroupFound& found) {
  for (std::size_t i = 0; i < sites.size(); ++i) {
    if (!sites[i].signature || !found.has(sites[i].signature->uuid)) {
      return Error(Code::conflict, asked_group(question, index).devices[i] + " holds a physical volume of " +
                                       words_on(found) +
                                       ", and the config moves that partition: leave it where it is, "
                                       "or set wipeVolumeGroup")
          .at(place_of_device(question, index, i));
    }
  }
  return {};
}

// --- Logical volumes

// What is left of the group, in extents; unknown where a device's size is.
class Room {
 public:
  static Room of(const VolumeGroupFound& found) {
    // Of a prediction nothing is known.
    return Room(found.extent_bytes > 0 ? std::optional(found.free_extents) : std::nullopt,
                found.extent_bytes > 0 ? found.extent_bytes : mib(extent_mib));
  }
  static Room of(const model::Inventory& after, const std::vector<Site>& sites) {
    std::int64_t extents = 0;
    for (const auto& site : sites) {
      const std::int64_t bytes = bytes_of(after, site.device);
      if (bytes == 0) {
        return {std::nullopt, mib(extent_mib)};
      }
      // LVM's own part is the first MiB.
      extents += std::max<std::int64_t>(bytes - mib(1), 0) / mib(extent_mib);
    }
    return {extents, mib(extent_mib)};
  }

  // At least so many; what LVM needs beside the data is not counted.
  std::int64_t needed(const spec::VolumeGroup& group, const spec::LogicalVolume& volume) const {
    const std::int64_t extents =
        std::max<std::int64_t>((volume.size_mib.value_or(0) * mib(1) + extent_bytes_ - 1) / extent_bytes_, 1);
    const std::int64_t stripes = std::max<std::int64_t>(spec::stripes_of(group, volume), 1);
    const std::string type = spec::type_of(volume);
    const std::int64_t parity = type == "raid5" ? 1 : type == "raid6" ? 2 : 0;
    const std::int64_t each = (extents + stripes - 1) / stripes;
    return each * (stripes + parity) * (spec::mirrors_of(volume) + 1);
  }

  bool take(std::int64_t extents) {
    if (!left_) {
      return true;
    }
    *left_ -= extents;
    return *left_ >= 0;
  }

 private:
  Room(std::optional<std::int64_t> left, std::int64_t extent_bytes) : left_(left), extent_bytes_(extent_bytes) {}
  static constexpr std::int64_t mib(std::int64_t count) { return count << 20U; }

  std::optional<std::int64_t> left_;
  std::int64_t extent_bytes_;
};

// Those of a fixed size, then the one that takes the rest, then what is in pools.
std::vector<std::size_t> in_order(const spec::VolumeGroup& group) {
  std::vector<std::size_t> order;
  const auto rank = [&](std::size_t i) {
    const spec::LogicalVolume& volume = group.logical_volumes[i];
    return spec::type_of(volume) == "thin" ? 2 : spec::takes_the_rest(volume) ? 1 : 0;
  };
  for (int wanted = 0; wanted <= 2; ++wanted) {
    for (std::size_t i = 0; i < group.logical_volumes.size(); ++i) {
      if (rank(i) == wanted) {
        order.push_back(i);
      }
    }
  }
  return order;
}

struct Fault {
  std::string_view key;
  std::string what;
};

// Why one that is there is not what the config asks for; nothing: it is, or has more.
std::optional<Fault> reuse_fault(const spec::VolumeGroup& group, const spec::LogicalVolume& asked,
                                 const model::LogicalVolumeView& there) {
  const std::string type = spec::type_of(asked);
  const std::int64_t wanted = asked.size_mib.value_or(0) << 20U;
  if (there.type != type) {
    return Fault{"type", "is of type " + there.type + ", not " + type};
  }
  if (there.bytes < wanted) {
    return Fault{"sizeMiB", "has " + std::to_string(there.bytes) + " bytes, and the config wants " +
                                std::to_string(wanted) + ": extend it (lvextend)"};
  }
  if (type == "striped" && asked.stripes && there.stripes != spec::stripes_of(group, asked)) {
    return Fault{"stripes", "has " + std::to_string(there.stripes) + " stripes"};
  }
  if (type == "raid1" && there.stripes < spec::mirrors_of(asked) + 1) {
    return Fault{"mirrors", "has " + std::to_string(there.stripes) + " copies in all"};
  }
  if (type == "thin" && there.pool != asked.pool.value_or("")) {
    return Fault{"pool", "is in the pool " + there.pool};
  }
  return std::nullopt;
}

Step logical_step(const Question& question, std::size_t index, std::size_t at, const std::string& before, bool there) {
  const spec::VolumeGroup& group = asked_group(question, index);
  const spec::LogicalVolume& volume = group.logical_volumes[at];
  Step step;
  step.id = logical_volume_step(group.name, volume.name);
  step.why = there ? "the logical volume is there, and is not active" : "there is no such logical volume yet";
  step.origin = place_of_volume(question, index, at, {});
  step.assumes = std::string(model::absent_fingerprint);
  // With its group.
  step.afresh = wipes(group);
  if (!before.empty()) {
    step.after.push_back(before);
  }
  MakeLogicalVolume made;
  made.group = group.name;
  made.name = volume.name;
  made.type = spec::type_of(volume);
  made.size_mib = volume.size_mib.value_or(0);
  made.stripes = spec::stripes_of(group, volume);
  made.mirrors = spec::mirrors_of(volume);
  made.pool = volume.pool.value_or("");
  made.there = there;
  made.options = volume.options;
  step.operation = std::move(made);
  return step;
}

Result<void> plan_logical_volumes(const Question& question, std::size_t index, Room room, const VolumeGroupFound* found,
                                  Plan& plan) {
  const spec::VolumeGroup& group = asked_group(question, index);
  // One after the other: where LVM lays them then does not depend on chance.
  std::string before = found == nullptr ? volume_group_step(group.name) : "";
  for (const std::size_t at : in_order(group)) {
    const spec::LogicalVolume& asked = group.logical_volumes[at];
    const auto* const there = found == nullptr ? nullptr : found->volume(asked.name);
    if (const auto fault = there == nullptr ? std::nullopt : reuse_fault(group, asked, *there)) {
      return Error(Code::conflict, model::logical_path(group.name, asked.name) + " is there, and " + fault->what +
                                       ": change the config, or set wipeVolumeGroup to make all of the group anew")
          .at(place_of_volume(question, index, at, fault->key == "type" && !asked.type ? "name" : fault->key));
    }
    if (there == nullptr && spec::type_of(asked) != "thin" && !room.take(room.needed(group, asked))) {
      return Error(found == nullptr ? Code::bad_config : Code::conflict,
                   "there is not enough room in the volume group " + printable(group.name) + " for " +
                       model::logical_path(group.name, asked.name))
          .at(place_of_volume(question, index, at, asked.size_mib ? "sizeMiB" : "name"));
    }
    if (there != nullptr && (there->active || there->type == pool_type)) {
      continue;
    }
    plan.steps.push_back(logical_step(question, index, at, before, there != nullptr));
    before = plan.steps.back().id;
  }
  return {};
}

Result<void> plan_volume_group(const Question& question, const model::Inventory& after, std::size_t index, Plan& plan) {
  const auto* const found = TRY(existing_volume_group(question, index));
  std::vector<Site> sites;
  for (std::size_t i = 0; i < asked_group(question, index).devices.size(); ++i) {
    auto site = TRY(group_site(question, after, plan, index, i));
    sites.push_back(std::move(site));
  }
  if (found != nullptr) {
    TRY(check_kept(question, index, sites, *found));
    return plan_logical_volumes(question, index, Room::of(*found), found, plan);
  }
  auto step = TRY(group_step(question, plan, index, sites));
  plan.steps.push_back(std::move(step));
  return plan_logical_volumes(question, index, Room::of(after, sites), nullptr, plan);
}

}  // namespace

const spec::VolumeGroup* volume_group_on(const Question& question, const model::Inventory& after,
                                         const std::string& device) {
  const auto& groups = question.config().provision.volume_groups;
  const host::DeviceRef ref = model::resolve(after, device);
  const auto found = std::find_if(groups.begin(), groups.end(),
                                  [&](const spec::VolumeGroup& group) { return has_device(group, after, ref); });
  return found == groups.end() ? nullptr : &*found;
}

Result<const VolumeGroupFound*> existing_volume_group(const Question& question, std::size_t index) {
  const spec::VolumeGroup& group = asked_group(question, index);
  const model::VolumeGroupView* const view = question.inventory.volume_group(group.name);
  const VolumeGroupFound* existing = nullptr;
  for (const auto& found : question.inventory.found_groups) {
    if (view == nullptr || found.name != group.name) {
      continue;
    }
    const bool goes = wipes(group) || (!has_uuids_of_ours(question, index, found) &&
                                       std::any_of(view->members.begin(), view->members.end(), [&](const auto& member) {
                                         return wipes_disk(question.config(), member.device);
                                       }));
    const bool same = found.missing == 0 && members_in(*view, found) == found.physical.size() &&
                      found.physical.size() == group.devices.size();
    if (goes ? !lies_within(*view, found) || members_in(*view, found) == 0 : !same) {
      return in_the_way(question, index, found, *view);
    }
    existing = goes ? existing : &found;
  }
  return existing;
}

const VolumeGroupFound* begun_volume_group(const Question& question, std::size_t index) {
  const spec::VolumeGroup& group = asked_group(question, index);
  const model::VolumeGroupView* const view = question.inventory.volume_group(group.name);
  for (const auto& found : question.inventory.found_groups) {
    if (view != nullptr && found.name == group.name && members_in(*view, found) > 0 &&
        (!wipes(group) || has_uuids_of_ours(question, index, found))) {
      return &found;
    }
  }
  return nullptr;
}

std::vector<std::string> inactive_volumes(const spec::VolumeGroup& asked, const VolumeGroupFound& found) {
  std::vector<std::string> names;
  for (const auto& volume : asked.logical_volumes) {
    const auto* const there = found.volume(volume.name);
    if (there != nullptr && !there->active && there->type != pool_type) {
      names.push_back(volume.name);
    }
  }
  return names;
}

Result<void> plan_volume_groups(const Question& question, const model::Inventory& after, Plan& plan) {
  for (std::size_t i = 0; i < question.config().provision.volume_groups.size(); ++i) {
    TRY(plan_volume_group(question, after, i, plan));
  }
  return {};
}

}  // namespace provision::plan
