// SPDX-License-Identifier: Apache-2.0
// MakeVolumeGroup: physical volumes of LVM, and a volume group of them, by lvm.
//
// What was on the devices goes first, from all of them; then they become physical volumes, one by one, with UUIDs that
// the plan has; then the group is made of them in one change of its metadata, which LVM repairs where a cut has left it
// on some of them only. So a device that has its UUID and is in no group was begun by us.
#include "plan/operations/make_volume_group.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "model/observe.hpp"
#include "model/volume_groups.hpp"
#include "plan/operation.hpp"
#include "plan/operations/device_content.hpp"
#include "plan/operations/programs.hpp"

namespace provision::plan {
namespace {

constexpr std::chrono::seconds patience{30};

struct Seen {
  host::DeviceRef device;
  std::string node;
  host::Signature signature;
};

using Groups = std::vector<model::VolumeGroupFound>;

Result<std::vector<Seen>> look(host::Host& host, const std::vector<host::DeviceRef>& devices) {
  std::vector<Seen> all;
  for (const auto& device : devices) {
    Seen seen;
    seen.device = device;
    seen.node = TRY(host.disks.await(device, patience));
    seen.signature = TRY(model::content_of(host, device));
    all.push_back(std::move(seen));
  }
  return all;
}

bool is_blank(const Seen& seen) { return seen.signature.type.empty(); }
bool is_physical(const Seen& seen) { return seen.signature.type == model::physical_volume_type; }

// LVM is asked only where there is something of its own.
Result<Groups> groups_on(host::Host& host, const std::vector<Seen>& all) {
  if (std::none_of(all.begin(), all.end(), is_physical)) {
    return Groups{};
  }
  return model::volume_groups_of(host);
}

const model::VolumeGroupFound* group_of(const Groups& groups, const Seen& seen) {
  const auto found = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
    return is_physical(seen) && group.has(seen.signature.uuid);
  });
  return found == groups.end() ? nullptr : &*found;
}

// It was made into what it shall be, and nothing more.
bool is_begun(const Groups& groups, const Seen& seen, const std::string& uuid) {
  return is_physical(seen) && seen.signature.uuid == uuid && group_of(groups, seen) == nullptr;
}

bool is_made(const Groups& groups, const std::vector<Seen>& all, const MakeVolumeGroup& operation) {
  const auto* const group = group_of(groups, all.front());
  if (group == nullptr || group->name != operation.name || group->physical.size() != all.size()) {
    return false;
  }
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (all[i].signature.uuid != operation.physical[i] || !group->has(operation.physical[i])) {
      return false;
    }
  }
  return true;
}

std::string words_on(const Groups& groups, const Seen& seen) {
  const auto* const group = group_of(groups, seen);
  return seen.device.path + " holds " +
         (group != nullptr ? "a physical volume of the volume group " + printable(group->name)
                           : model::describe(seen.signature));
}

// Where it is to be made anew. LVM itself refuses where one of its volumes is open.
Result<void> deactivate(host::Host& host, const Groups& groups, const std::vector<Seen>& all) {
  for (const auto& group : groups) {
    const bool is_here =
        std::any_of(all.begin(), all.end(), [&](const Seen& seen) { return group_of(groups, seen) == &group; });
    const bool active = std::any_of(group.logical.begin(), group.logical.end(),
                                    [](const model::LogicalVolumeView& volume) { return volume.active; });
    if (is_here && active) {
      TRY_WHILE(run_lvm(host, {"vgchange", "--activate", "n", group.name}),
                "deactivating the volume group " + printable(group.name) + ", which is made anew");
    }
  }
  return {};
}

Result<void> erase_others(host::Host& host, const Groups& groups, const std::vector<Seen>& all,
                          const MakeVolumeGroup& operation) {
  TRY(deactivate(host, groups, all));
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!is_blank(all[i]) && !is_begun(groups, all[i], operation.physical[i])) {
      TRY(make_blank(host, all[i].device));
    }
  }
  return {};
}

model::VolumeGroupView& view_of(model::Inventory& inventory, const std::string& name) {
  for (auto& group : inventory.volume_groups) {
    if (group.name == name) {
      return group;
    }
  }
  inventory.volume_groups.push_back({name, {}});
  return inventory.volume_groups.back();
}

}  // namespace

Result<void> run_lvm(host::Host& host, std::vector<std::string> arguments) {
  return run_program(host, model::lvm_command(std::move(arguments)));
}

Result<void> make_blank(host::Host& host, const host::DeviceRef& device) {
  const host::Signature there = TRY(model::content_of(host, device));
  return there.type.empty() ? Result<void>{} : erase_content(host, device);
}

Result<Observation> observe(host::Host& host, const MakeVolumeGroup& operation) {
  const auto all = TRY(look(host, operation.members));
  const Groups groups = TRY(groups_on(host, all));
  Observation observation;
  std::vector<std::string> prints;
  for (const auto& seen : all) {
    prints.push_back(model::fingerprint(seen.signature));
  }
  const bool blank = std::all_of(all.begin(), all.end(), is_blank);
  observation.fingerprint = blank ? std::string(model::absent_fingerprint) : join(prints, " ");
  observation.state = blank ? State::absent : State::partly_ours;
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!is_blank(all[i]) && !is_begun(groups, all[i], operation.physical[i])) {
      observation.state = State::foreign;
      observation.found = words_on(groups, all[i]);
    }
  }
  observation.state = is_made(groups, all, operation) ? State::satisfied : observation.state;
  return observation;
}

// Also where it is there: then it is to be made anew.
Result<void> apply(Work& work, const MakeVolumeGroup& operation) {
  host::Host& host = work.host;
  TRY(must_have_program(host, model::lvm_program));
  load_drivers(host, {"dm_mod"});
  const auto all = TRY(look(host, operation.members));
  const Groups groups = TRY(groups_on(host, all));
  TRY(erase_others(host, groups, all, operation));
  std::vector<std::string> arguments{"vgcreate", "--yes", operation.name};
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!is_begun(groups, all[i], operation.physical[i])) {
      TRY(run_lvm(host, {"pvcreate", "--yes", "--uuid", operation.physical[i], "--norestorefile", all[i].node}));
    }
    arguments.push_back(all[i].node);
  }
  TRY(run_lvm(host, std::move(arguments)));
  for (const auto& member : operation.members) {
    TRY(host.disks.flush(member));
  }
  return {};
}

void predict(model::Inventory& inventory, const MakeVolumeGroup& operation) {
  model::VolumeGroupView& view = view_of(inventory, operation.name);
  std::vector<model::PhysicalVolumeView> members;
  for (std::size_t i = 0; i < operation.members.size(); ++i) {
    const auto* const before = view.member(operation.members[i].path);
    const std::string old = before != nullptr ? before->signature.uuid : std::string{};
    std::erase_if(inventory.found_groups, [&](const model::VolumeGroupFound& group) { return group.has(old); });
    const host::Signature signature{std::string(model::physical_volume_type), "", operation.physical[i], false};
    predict_content(inventory, operation.members[i], signature);
    members.push_back({operation.members[i], signature, {}});
  }
  view.members = std::move(members);
  inventory.found_groups.push_back({operation.name, "", 0, 0, operation.physical, {}, 0, {}});
}

std::string describe(const MakeVolumeGroup& operation) {
  std::vector<std::string> members;
  for (const auto& member : operation.members) {
    members.push_back(printable(member.path));
  }
  return "make the volume group " + printable(operation.name) + " (LVM) of " + join(members, ", ");
}

// LVM's metadata has a checksum, and is there as a whole or not at all.
Traits traits(const MakeVolumeGroup& /*operation*/) {
  return {.sync_path = {}, .observation_proves = true, .lasts = true};
}

}  // namespace provision::plan
