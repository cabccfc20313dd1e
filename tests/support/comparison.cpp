// SPDX-License-Identifier: Apache-2.0
#include "support/comparison.hpp"

#include <algorithm>

#include "base/path.hpp"
#include "fields/json.hpp"
#include "host/filesystem_size.hpp"
#include "model/observe.hpp"

namespace provision::test {
namespace {

using fields::Value;
using model::FileView;
using model::Inventory;

// --- Both sides in the same terms

class Levelling {
 public:
  Levelling(Inventory predicted, Inventory seen, const std::vector<plan::Operation>& done, const Names& names)
      : predicted_(std::move(predicted)), seen_(std::move(seen)), names_(names) {
    for (const auto& operation : done) {
      if (const auto* mount = std::get_if<plan::Mount>(&operation)) {
        mounted_.push_back(*mount);
      } else if (const auto* made = std::get_if<plan::MakeFilesystem>(&operation)) {
        made_.push_back(made->device.path);
      } else if (const auto* file = std::get_if<plan::PutFile>(&operation)) {
        written_.push_back(file->path);
      }
    }
  }

  std::pair<Inventory, Inventory> run() {
    level_files();
    level_devices();
    level_growths();
    level_holders();
    level_accounts();
    level_groups();
    for (auto& disk : predicted_.disks) {
      add_users(disk);
    }
    for (auto* inventory : {&predicted_, &seen_}) {
      level_order(*inventory);
    }
    return {std::move(predicted_), std::move(seen_)};
  }

 private:
  [[nodiscard]] bool is_mounted_on(const std::string& path) const {
    return std::any_of(mounted_.begin(), mounted_.end(),
                       [&](const plan::Mount& mount) { return path::is_within(path, mount.path); });
  }

  // What predictions leave open is taken from the other side.
  void level_file(FileView& seen, const FileView& predicted) const {
    if (predicted.kind == host::NodeKind::regular && predicted.digest.empty()) {
      seen.digest = {};
    }
    if (predicted.extended.empty()) {
      seen.extended = {};
    }
    // The config's own, and no text of ours: its digest is predicted.
    if (seen.path == model::crypttab_path && predicted.text.empty() && !predicted.digest.empty()) {
      seen.text.clear();
    }
    if (seen.attributes_fixed && is_mounted_on(seen.path)) {
      seen.attributes_fixed = predicted.attributes_fixed;
      seen.mode = predicted.mode;
      seen.uid = predicted.uid;
      seen.gid = predicted.gid;
    }
  }

  void level_files() {
    std::erase_if(seen_.files, [&](const FileView& view) {
      const bool is_written = std::find(written_.begin(), written_.end(), view.path) != written_.end();
      return predicted_.file(view.path) == nullptr && is_mounted_on(view.path) && !is_written;
    });
    for (auto& view : seen_.files) {
      if (const FileView* const predicted = predicted_.file(view.path)) {
        level_file(view, *predicted);
      }
    }
  }

  // As if the config's own text had been predicted.
  void level_accounts() {
    const auto level = [this](std::string_view database, auto Inventory::*part, auto member) {
      if (std::find(written_.begin(), written_.end(), database) != written_.end()) {
        (predicted_.*part).*member = (seen_.*part).*member;
      }
    };
    level("/etc/passwd", &Inventory::accounts, &model::Accounts::users);
    level("/etc/group", &Inventory::accounts, &model::Accounts::groups);
    level("/etc/shadow", &Inventory::account_files, &model::AccountFiles::user_passwords);
    level("/etc/gshadow", &Inventory::account_files, &model::AccountFiles::group_passwords);
    level("/etc/subuid", &Inventory::account_files, &model::AccountFiles::sub_uids);
    level("/etc/subgid", &Inventory::account_files, &model::AccountFiles::sub_gids);
  }

  // How the kernel calls an array, and how often it has written its state, nobody knows before. That an array or a
  // volume has its devices is told by themselves.
  void level_holders() {
    for (auto* inventory : {&predicted_, &seen_}) {
      for (auto& array : inventory->arrays) {
        for (auto& view : array.members) {
          view.member.node.clear();
          view.member.events = std::min<std::int64_t>(view.member.events, 1);
          drop_holders(view.users);
        }
      }
      for (auto& view : inventory->volumes) {
        drop_holders(view.users);
      }
      for (auto& view : inventory->devices) {
        drop_holders(view.users);
      }
      for (auto& disk : inventory->disks) {
        drop_holders(disk.users);
        for (auto& view : disk.partitions) {
          drop_holders(view.users);
        }
      }
    }
  }

  // Of a group that is made LVM draws the UUID, and what is free and what the rest comes to only LVM tells.
  void level_groups() {
    for (auto* inventory : {&predicted_, &seen_}) {
      for (auto& group : inventory->volume_groups) {
        for (auto& view : group.members) {
          drop_holders(view.users);
        }
      }
      for (auto& group : inventory->found_groups) {
        level_group(group);
      }
    }
    for (auto& group : seen_.found_groups) {
      const auto& all = predicted_.found_groups;
      const auto same =
          std::find_if(all.begin(), all.end(), [&](const auto& other) { return other.name == group.name; });
      for (auto& volume : group.logical) {
        const auto* const predicted = same == all.end() ? nullptr : same->volume(volume.name);
        volume.bytes = predicted != nullptr && predicted->bytes == 0 ? 0 : volume.bytes;
      }
    }
  }

  static void level_group(model::VolumeGroupFound& group) {
    constexpr std::int64_t extent = std::int64_t{4} << 20U;
    group.uuid.clear();
    group.nodes.clear();
    group.extent_bytes = 0;
    group.free_extents = 0;
    for (auto& volume : group.logical) {
      volume.bytes = (volume.bytes + extent - 1) / extent * extent;
      volume.open = false;
    }
    std::stable_sort(group.logical.begin(), group.logical.end(),
                     [](const auto& a, const auto& b) { return a.name < b.name; });
  }

  static void drop_holders(std::vector<std::string>& users) {
    std::erase_if(users, [](const std::string& user) {
      return user.starts_with("the RAID array ") || user.starts_with("the encrypted volume ") ||
             user.starts_with("the logical volume ");
    });
  }

  void level_devices() {
    std::erase_if(seen_.devices, [&](const model::DeviceView& view) {
      const bool made = std::find(made_.begin(), made_.end(), view.device.path) != made_.end();
      return !made && predicted_.device(view.device.path) == nullptr;
    });
    for (auto& view : predicted_.devices) {
      for (const auto& mount : mounted_) {
        if (names_.node(view.device.path) == names_.node(mount.device.path)) {
          add_user(view.users, mount);
        }
      }
    }
  }

  // Of a file system that is made anew nobody asks how large it is. One that grew leaves less of its device than
  // counts.
  void level_growths() {
    for (auto* inventory : {&predicted_, &seen_}) {
      std::erase_if(inventory->growths, [&](const model::GrowthView& view) {
        return std::find(made_.begin(), made_.end(), view.device.path) != made_.end();
      });
      for (auto& view : inventory->growths) {
        view.size = {host::fills_device(view.size) ? 0 : view.size.bytes, 0};
      }
    }
  }

  // Who plans disks does so before anything is mounted: the users that mounting makes are told by the mounts.
  void add_user(std::vector<std::string>& users, const plan::Mount& mount) const {
    const std::string point = path::join(names_.target_path, mount.path);
    if (std::find(users.begin(), users.end(), point) == users.end()) {
      users.push_back(point);
    }
  }

  void add_users(model::DiskView& disk) const {
    for (const auto& mount : mounted_) {
      const bool whole = mount.device.disk.empty() && names_.node(mount.device.path) == names_.node(disk.device);
      if (whole || mount.device.disk == disk.device) {
        add_user(disk.users, mount);
      }
      for (auto& view : disk.partitions) {
        if (mount.device.disk == disk.device && mount.device.number == view.number) {
          add_user(view.users, mount);
        }
      }
    }
  }

  void level_order(Inventory& inventory) const {
    const auto by = [](auto& list, auto key) {
      std::stable_sort(list.begin(), list.end(), [&](const auto& a, const auto& b) { return key(a) < key(b); });
    };
    by(inventory.files, [](const FileView& view) { return view.path; });
    by(inventory.devices, [](const model::DeviceView& view) { return view.device.path; });
    by(inventory.account_files.user_passwords, [](const model::PasswordView& view) { return view.name; });
    by(inventory.account_files.group_passwords, [](const model::PasswordView& view) { return view.name; });
    by(inventory.mounts, [](const host::MountEntry& entry) { return entry.target; });
    for (auto& entry : inventory.mounts) {
      entry.source = names_.node(entry.source);
    }
    for (auto& view : inventory.devices) {
      std::sort(view.users.begin(), view.users.end());
    }
    for (auto& disk : inventory.disks) {
      std::sort(disk.users.begin(), disk.users.end());
      for (auto& view : disk.partitions) {
        std::sort(view.users.begin(), view.users.end());
      }
    }
  }

  Inventory predicted_;
  Inventory seen_;
  std::vector<plan::Mount> mounted_;
  std::vector<std::string> made_;
  std::vector<std::string> written_;
  const Names& names_;
};

// --- Differences of two values, by their JSON form

// What tells the items of a list apart.
std::string name_of(const Value& item) {
  for (const auto* key : {"path", "device", "target", "number", "name", "owner"}) {
    if (const Value* const found = item.find(key)) {
      const Value* const inner = found->find("path");
      return fields::write_json(inner != nullptr ? *inner : *found);
    }
  }
  return {};
}

class Comparing {
 public:
  std::vector<std::string> lines;

  void compare(const std::string& where, const Value& predicted, const Value& seen) {
    if (predicted.kind == Value::Kind::object && seen.kind == Value::Kind::object) {
      compare_members(where, predicted, seen);
    } else if (predicted.kind == Value::Kind::array && seen.kind == Value::Kind::array) {
      compare_items(where, predicted, seen);
    } else if (fields::write_json(predicted) != fields::write_json(seen)) {
      add(where, predicted, seen);
    }
  }

 private:
  void add(const std::string& where, const Value& predicted, const Value& seen) {
    lines.push_back(where + ": predicted " + fields::write_json(predicted) + ", seen " + fields::write_json(seen));
  }

  void compare_members(const std::string& where, const Value& predicted, const Value& seen) {
    const std::string prefix = where.empty() ? "" : where + " ";
    const Value nothing;
    for (const auto& member : predicted.members) {
      const std::string key(member.key);
      const Value* const other = seen.find(key);
      compare(prefix + key, member.value, other != nullptr ? *other : nothing);
    }
    for (const auto& member : seen.members) {
      const std::string key(member.key);
      if (predicted.find(key) == nullptr) {
        compare(prefix + key, nothing, member.value);
      }
    }
  }

  // Items of one name are compared in their order: an account may stand in two databases.
  void compare_items(const std::string& where, const Value& predicted, const Value& seen) {
    const bool named = std::all_of(predicted.items.begin(), predicted.items.end(),
                                   [](const Value& item) { return !name_of(item).empty(); });
    if (predicted.items.empty() || seen.items.empty() || !named) {
      if (fields::write_json(predicted) != fields::write_json(seen)) {
        add(where, predicted, seen);
      }
      return;
    }
    std::vector<const Value*> left;
    for (const auto& item : seen.items) {
      left.push_back(&item);
    }
    for (const auto& item : predicted.items) {
      const auto found =
          std::find_if(left.begin(), left.end(), [&](const Value* other) { return name_of(*other) == name_of(item); });
      if (found == left.end()) {
        lines.push_back(where + " " + name_of(item) + ": predicted " + fields::write_json(item) + ", and not seen");
        continue;
      }
      compare(where + " " + name_of(item), item, **found);
      left.erase(found);
    }
    for (const Value* item : left) {
      lines.push_back(where + " " + name_of(*item) + ": not predicted, and seen " + fields::write_json(*item));
    }
  }
};

// --- Claims

void mask_signature(const host::Signature& claim, host::Signature& seen) {
  if (!claim.type.empty() && claim.uuid.empty()) {
    seen.uuid.clear();
  }
}

void mask_users(const std::vector<std::string>& claim, std::vector<std::string>& seen) {
  if (claim.empty()) {
    seen.clear();
  }
}

void mask_disk(const model::DiskView& claim, model::DiskView& seen) {
  mask_users(claim.users, seen.users);
  std::erase_if(seen.partitions, [&](const auto& view) { return claim.partition(view.number) == nullptr; });
  for (auto& view : seen.partitions) {
    mask_signature(claim.partition(view.number)->signature, view.signature);
    mask_users(claim.partition(view.number)->users, view.users);
  }
}

}  // namespace

std::vector<std::string> differences(const Inventory& predicted, const Inventory& seen,
                                     const std::vector<plan::Operation>& done, const Names& names) {
  const auto [one, other] = Levelling(predicted, seen, done, names).run();
  Comparing comparing;
  comparing.compare("", fields::Engine<Inventory>::write(one), fields::Engine<Inventory>::write(other));
  if (comparing.lines.empty() && !(one == other)) {
    comparing.lines.emplace_back("predicted in another order, or other in what is not written as JSON");
  }
  return comparing.lines;
}

Inventory claimed_part(const Inventory& claim, Inventory seen) {
  for (auto& disk : seen.disks) {
    if (const auto* wanted = claim.disk(disk.device)) {
      mask_disk(*wanted, disk);
    }
  }
  std::erase_if(seen.devices, [&](const auto& view) { return claim.device(view.device.path) == nullptr; });
  for (auto& view : seen.devices) {
    mask_signature(claim.device(view.device.path)->signature, view.signature);
    mask_users(claim.device(view.device.path)->users, view.users);
  }
  for (auto& view : seen.volumes) {
    if (const auto* wanted = claim.volume(view.name)) {
      mask_users(wanted->users, view.users);
    }
  }
  std::erase_if(seen.files, [&](const FileView& view) { return claim.file(view.path) == nullptr; });
  std::erase_if(seen.mounts, [&](const host::MountEntry& entry) {
    return std::none_of(claim.mounts.begin(), claim.mounts.end(),
                        [&](const host::MountEntry& wanted) { return wanted.target == entry.target; });
  });
  return seen;
}

}  // namespace provision::test
