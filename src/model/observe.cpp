// SPDX-License-Identifier: Apache-2.0
#include "model/observe.hpp"

#include <algorithm>
#include <atomic>
#include <optional>
#include <set>

#include "base/path.hpp"
#include "host/parallel.hpp"
#include "model/cards.hpp"
#include "model/observe_files.hpp"
#include "model/selectors.hpp"
#include "model/volume_groups.hpp"
#include "spec/references.hpp"
#include "spec/subvolumes.hpp"

namespace provision::model {
namespace {

// As make_home follows them.
constexpr int max_links = 16;

// What stands on the partitions, where the kernel has them as the table does.
Result<std::vector<PartitionView>> see_partitions(host::Host& host, const host::DeviceRef& disk,
                                                  const host::Table& table) {
  std::vector<PartitionView> views;
  const auto known = TRY(host.disks.kernel_partitions(disk));
  for (const auto& entry : table.partitions) {
    const bool there = std::any_of(known.begin(), known.end(), [&](const host::Partition& k) {
      return k.number == entry.number && k.start == entry.start && k.size == entry.size;
    });
    if (!there) {
      continue;
    }
    const host::DeviceRef ref{{}, disk.path, entry.number};
    PartitionView view;
    view.number = entry.number;
    auto signature = host.disks.probe(ref);
    if (!signature) {
      // A bad spot on a partition that the config may not even name: what is there is not known.
      continue;
    }
    view.signature = *std::move(signature);
    view.users = TRY(host.disks.users(ref));
    views.push_back(std::move(view));
  }
  return views;
}

// Of a damaged GPT, and of a disk without a table, it tells nothing that counts.
Result<std::vector<BootRecordEntry>> see_boot_record(host::Host& host, const host::DeviceRef& disk,
                                                     const host::Table& table) {
  if (table.kind != host::TableKind::gpt && table.kind != host::TableKind::other) {
    return std::vector<BootRecordEntry>{};
  }
  return boot_record_entries(TRY(host.disks.read(disk, boot_record_bytes)));
}

// Nothing where the disk does not appear, and need not.
Result<std::optional<DiskView>> see_disk(host::Host& host, const spec::Parsed& config, const Scope& scope,
                                         std::size_t index) {
  const spec::Disk& disk = config.config->storage.disks[index];
  const host::DeviceRef ref{disk.device, {}, 0};
  if (auto node = host.disks.await(ref, scope.patience); !node) {
    if (scope.allow_missing && node.error().code == Code::device_missing) {
      return std::optional<DiskView>{};
    }
    return std::move(node).error().at(
        origin_of(config, disk.place, "$.storage.disks." + std::to_string(index) + ".device", "device"));
  }
  DiskView view;
  view.device = disk.device;
  view.facts = TRY_WHILE(host.disks.facts(ref), "looking at " + view.device);
  view.table = TRY_WHILE(host.disks.read_table(ref), "reading the partition table of " + view.device);
  view.boot_record = TRY_WHILE(see_boot_record(host, ref, view.table), "reading the boot record of " + view.device);
  if (scope.contents) {
    view.signature = TRY_WHILE(host.disks.probe(ref), "probing " + view.device);
    view.users = TRY_WHILE(host.disks.users(ref), "looking who uses " + view.device);
    view.partitions = TRY_WHILE(see_partitions(host, ref, view.table), "looking at the partitions of " + view.device);
  }
  return std::optional(std::move(view));
}

// What `see` finds of each, in their order. After an error no other is begun.
template <class View, class See>
Result<void> see_all(std::size_t count, unsigned workers, std::vector<View>& views, See see) {
  std::vector<Result<std::optional<View>>> seen(count, Result<std::optional<View>>(std::optional<View>{}));
  std::atomic<bool> failed{false};
  host::for_each_index(count, workers, [&](std::size_t index) {
    if (!failed) {
      seen[index] = see(index);
      failed = failed || !seen[index];
    }
  });
  for (auto& one : seen) {
    auto view = TRY(std::move(one));
    if (view) {
      views.push_back(*std::move(view));
    }
  }
  return {};
}

Result<void> see_disks(host::Host& host, const spec::Parsed& config, const Scope& scope, Inventory& inventory) {
  return see_all(config.config->storage.disks.size(), scope.workers, inventory.disks,
                 [&](std::size_t index) { return see_disk(host, config, scope, index); });
}

// Whether a partition of the config will be what `device` names: then it need not be there yet.
bool is_made_by(const spec::Disk& disk, const std::string& device) {
  return std::any_of(disk.partitions.begin(), disk.partitions.end(), [&](const spec::Partition& partition) {
    host::Partition made;
    made.number = partition.number;
    made.label = partition.label.value_or("");
    made.guid = Uuid::parse(partition.guid.value_or("")).value_or(Uuid{});
    DiskView view;
    view.device = disk.device;
    view.table.partitions.push_back(std::move(made));
    Inventory inventory;
    inventory.disks.push_back(std::move(view));
    return resolve(inventory, device).disk == disk.device;
  });
}

// The kernel makes no partitions of a table of which a copy is broken, as a power cut may leave it: nobody waits for
// them.
bool is_of_damaged_table(const Inventory& inventory, const host::DeviceRef& device) {
  const DiskView* const disk = inventory.disk(device.disk);
  return disk != nullptr && disk->table.kind == host::TableKind::damaged;
}

// Whether the device is not there by rights: it is a partition that the config makes, or of a table that is damaged.
bool may_miss(const spec::Config& config, const Inventory& inventory, const host::DeviceRef& device) {
  const auto& disks = config.storage.disks;
  const bool to_be_made = device.disk.empty() && std::any_of(disks.begin(), disks.end(), [&](const spec::Disk& d) {
                            return is_made_by(d, device.path);
                          });
  return to_be_made || is_of_damaged_table(inventory, device);
}

// Whether there is something to look at. An array or a volume of the config, encrypted or logical, is not waited for:
// whoever may set it up has done so.
Result<bool> is_there(host::Host& host, const spec::Config& config, const Inventory& inventory,
                      const host::DeviceRef& device, std::chrono::milliseconds patience) {
  if (may_miss(config, inventory, device)) {
    return false;
  }
  const bool is_ours = array_named(config, device.path) != nullptr || volume_named(config, device.path) != nullptr ||
                       logical_volume_named(config, device.path).has_value();
  auto node = host.disks.await(device, is_ours ? std::chrono::milliseconds(0) : patience);
  if (!node && is_ours && node.error().code == Code::device_missing) {
    return false;
  }
  TRY(std::move(node));
  return true;
}

Result<MemberView> see_member(host::Host& host, const host::DeviceRef& device) {
  MemberView view;
  view.device = device;
  view.signature = TRY_WHILE(content_of(host, device), "probing " + device.path);
  view.member = TRY_WHILE(host.disks.array_member(device), "looking for an array on " + device.path);
  view.users = TRY_WHILE(host.disks.users(device), "looking who uses " + device.path);
  return view;
}

Result<void> see_array(host::Host& host, const spec::Parsed& config, const Scope& scope, std::size_t index,
                       Inventory& inventory) {
  const spec::Raid& array = config.config->storage.raid[index];
  ArrayView view;
  view.name = array.name;
  for (std::size_t i = 0; i < array.devices.size(); ++i) {
    const host::DeviceRef ref = resolve(inventory, array.devices[i]);
    const auto there = is_there(host, *config.config, inventory, ref, scope.patience);
    if (!there && scope.allow_missing && there.error().code == Code::device_missing) {
      continue;
    }
    if (!there) {
      Error error = there.error();
      return std::move(error).at(origin_of(
          config, array.place, "$.storage.raid." + std::to_string(index) + ".devices." + std::to_string(i), "devices"));
    }
    if (*there) {
      auto member = TRY(see_member(host, ref));
      view.members.push_back(std::move(member));
    }
  }
  inventory.arrays.push_back(std::move(view));
  return {};
}

Result<void> see_arrays(host::Host& host, const spec::Parsed& config, const Scope& scope, Inventory& inventory) {
  for (std::size_t i = 0; i < config.config->storage.raid.size(); ++i) {
    TRY(see_array(host, config, scope, i, inventory));
  }
  return {};
}

Result<void> see_physical_volume(host::Host& host, const host::DeviceRef& device, VolumeGroupView& group) {
  PhysicalVolumeView view;
  view.device = device;
  view.signature = TRY_WHILE(content_of(host, device), "probing " + device.path);
  view.users = TRY_WHILE(host.disks.users(device), "looking who uses " + device.path);
  group.members.push_back(std::move(view));
  return {};
}

Result<void> see_volume_group(host::Host& host, const spec::Parsed& config, const Scope& scope, std::size_t index,
                              Inventory& inventory) {
  const spec::VolumeGroup& group = config.config->provision.volume_groups[index];
  VolumeGroupView view;
  view.name = group.name;
  for (std::size_t i = 0; i < group.devices.size(); ++i) {
    const host::DeviceRef ref = resolve(inventory, group.devices[i]);
    const auto there = is_there(host, *config.config, inventory, ref, scope.patience);
    if (!there && scope.allow_missing && there.error().code == Code::device_missing) {
      continue;
    }
    if (!there) {
      Error error = there.error();
      const std::string place = "$.provision.volumeGroups." + std::to_string(index) + ".devices." + std::to_string(i);
      return std::move(error).at(origin_of(config, group.place, place, "devices"));
    }
    if (*there) {
      TRY(see_physical_volume(host, ref, view));
    }
  }
  inventory.volume_groups.push_back(std::move(view));
  return {};
}

Result<void> see_volume_groups(host::Host& host, const spec::Parsed& config, const Scope& scope, Inventory& inventory) {
  const auto& groups = config.config->provision.volume_groups;
  for (std::size_t i = 0; i < groups.size(); ++i) {
    TRY(see_volume_group(host, config, scope, i, inventory));
  }
  if (!groups.empty()) {
    TRY(see_found_groups(host, inventory));
  }
  return {};
}

bool has_recovery_key(const spec::Config& config, const std::string& volume) {
  const auto& all = config.provision.enrollments;
  return std::any_of(all.begin(), all.end(), [&](const spec::Enrollment& enrollment) {
    return enrollment.volume == volume && !enrollment.recovery_key.path.value_or("").empty();
  });
}

Result<VolumeView> see_volume(host::Host& host, const std::string& name, const host::DeviceRef& device) {
  VolumeView view;
  view.name = name;
  view.device = device;
  view.signature = TRY_WHILE(content_of(host, device), "probing " + device.path);
  view.users = TRY_WHILE(host.disks.users(device), "looking who uses " + device.path);
  view.header = TRY_WHILE(host.crypt.header(device), "reading the LUKS header of " + device.path);
  const auto open = TRY_WHILE(host.crypt.opened(name), "looking at " + volume_path(name));
  view.open = open ? open->uuid : std::string{};
  return view;
}

Result<void> see_volumes(host::Host& host, const spec::Parsed& config, const Scope& scope, Inventory& inventory) {
  const auto& volumes = config.config->storage.luks;
  if (std::any_of(volumes.begin(), volumes.end(), wants_card)) {
    inventory.cards = TRY_WHILE(see_cards(host), "looking for CryptoExpress cards");
  }
  for (std::size_t i = 0; i < volumes.size(); ++i) {
    const host::DeviceRef ref = resolve(inventory, volumes[i].device.value_or(""));
    const auto there = is_there(host, *config.config, inventory, ref, scope.patience);
    if (!there && scope.allow_missing && there.error().code == Code::device_missing) {
      continue;
    }
    const auto place = [&](std::string_view key) {
      return origin_of(config, volumes[i].place, "$.storage.luks." + std::to_string(i) + "." + std::string(key), key);
    };
    if (!there) {
      Error error = there.error();
      return std::move(error).at(place("device"));
    }
    if (!*there) {
      continue;
    }
    auto view = see_volume(host, volumes[i].name, ref);
    if (!view) {
      return std::move(view).error().at(place("name"));
    }
    if (has_recovery_key(*config.config, volumes[i].name)) {
      view->recovery_kept = TRY(host.state.look(kept_key_place(recovery_name(volumes[i].name)))).has_value();
    }
    if (wants_card(volumes[i])) {
      const std::string kept = secure_key_name(volumes[i].name, secure_info_part);
      view->secure_key_kept = TRY(host.state.look(kept_key_place(kept))).has_value();
    }
    inventory.volumes.push_back(*std::move(view));
  }
  return {};
}

// The names of the config's subvolumes, and what they lie in.
std::vector<std::string> subvolume_names(const spec::Config& config, const std::string& device) {
  std::set<std::string> names;
  for (const auto* subvolume : spec::subvolumes_of(config, device)) {
    names.insert(subvolume->name);
    names.insert(spec::parent_subvolume(subvolume->name));
  }
  names.erase("");
  return {names.begin(), names.end()};
}

// Of what is wiped anyway nothing need be seen: it may be anything.
Result<void> see_subvolumes(host::Host& host, const spec::Parsed& config, const spec::Filesystem& filesystem,
                            DeviceView& view) {
  const auto names = subvolume_names(*config.config, filesystem.device);
  if (names.empty() || view.signature.type != spec::btrfs || view.signature.ambivalent) {
    return {};
  }
  const std::string node = TRY(host.disks.await(view.device, std::chrono::milliseconds(0)));
  auto seen = host.mounts.subvolumes(node, names);
  if (seen) {
    view.subvolumes = *std::move(seen);
  } else if (!filesystem.wipe_filesystem.value_or(false)) {
    return std::move(seen).error();
  }
  return {};
}

// Nothing where there is nothing to look at.
Result<std::optional<DeviceView>> see_device(host::Host& host, const spec::Parsed& config, const Scope& scope,
                                             const Inventory& inventory, std::size_t index) {
  const spec::Filesystem& filesystem = config.config->storage.filesystems[index];
  if (!filesystem.format || is_virtiofs(filesystem)) {
    return std::optional<DeviceView>{};
  }
  const host::DeviceRef ref = resolve(inventory, filesystem.device);
  const auto there = is_there(host, *config.config, inventory, ref, scope.patience);
  if (!there) {
    Error error = there.error();
    return std::move(error).at(
        origin_of(config, filesystem.place, "$.storage.filesystems." + std::to_string(index) + ".device", "device"));
  }
  if (!*there) {
    return std::optional<DeviceView>{};
  }
  DeviceView view;
  view.device = ref;
  view.signature = TRY_WHILE(content_of(host, ref), "probing " + filesystem.device);
  view.users = TRY_WHILE(host.disks.users(ref), "looking who uses " + filesystem.device);
  TRY_WHILE(see_subvolumes(host, config, filesystem, view), "looking for subvolumes on " + filesystem.device);
  return std::optional(std::move(view));
}

Result<void> see_devices(host::Host& host, const spec::Parsed& config, const Scope& scope, Inventory& inventory) {
  std::vector<DeviceView> views;
  TRY(see_all(config.config->storage.filesystems.size(), scope.workers, views,
              [&](std::size_t index) { return see_device(host, config, scope, inventory, index); }));
  inventory.devices = std::move(views);
  return {};
}

// Of those file systems that are what the config has there: of anything else the planner knows what to do.
Result<void> see_growths(host::Host& host, const spec::Parsed& config, Inventory& inventory) {
  for (const auto& grown : config.config->provision.grown_filesystems) {
    const spec::Filesystem* const asked = spec::filesystem_on(*config.config, grown.device);
    const DeviceView* const view = inventory.device(grown.device);
    if (asked != nullptr && view != nullptr && view->signature.type == asked->format.value_or("")) {
      const host::FilesystemSize size =
          TRY_WHILE(host.disks.filesystem_size(view->device), "looking how large the file system is");
      inventory.growths.push_back({view->device, size});
    }
  }
  return {};
}

Result<void> see_mounts(host::Host& host, Inventory& inventory) {
  for (auto& entry : TRY(host.mounts.list())) {
    if (path::is_within(entry.target, host.target_path)) {
      const std::size_t prefix = host.target_path == "/" ? 0 : host.target_path.size();
      entry.target = entry.target.size() == prefix ? "/" : entry.target.substr(prefix);
      inventory.mounts.push_back(std::move(entry));
    }
  }
  return {};
}

}  // namespace

Result<Inventory> observe(host::Host& host, const spec::Parsed& config, const Scope& scope) {
  Inventory inventory;
  inventory.machine = TRY(host.firmware.machine());
  if (scope.whole_disks && !config.config->provision.disk_selectors.empty()) {
    inventory.whole_disks = TRY_WHILE(host.disks.whole_disks({}), "looking for the disks of this machine");
  }
  const bool volumes = scope.volumes && !config.config->storage.luks.empty();
  const bool groups = scope.groups && !config.config->provision.volume_groups.empty();
  if (scope.tables || volumes || groups) {
    TRY(see_disks(host, config, scope, inventory));
  }
  if (scope.arrays) {
    TRY(see_arrays(host, config, scope, inventory));
  }
  if (volumes) {
    TRY(see_volumes(host, config, scope, inventory));
  }
  if (groups) {
    TRY(see_volume_groups(host, config, scope, inventory));
  }
  if (scope.contents) {
    TRY(see_devices(host, config, scope, inventory));
    TRY(see_growths(host, config, inventory));
  }
  if (scope.tables || scope.contents) {
    TRY(check_one_name_each(host, config));
  }
  if (scope.mounts) {
    TRY(see_mounts(host, inventory));
  }
  if (scope.files) {
    TRY(see_files(host, config, inventory));
  }
  return inventory;
}

std::string home_of(const spec::User& user, const Accounts& accounts, const AccountRules& rules) {
  const UserView* there = accounts.user(user.name);
  std::string home = user.home_dir.value_or("");
  if (home.empty()) {
    home = there != nullptr ? there->home : rules.home + "/" + user.name;
  }
  return home.starts_with('/') ? path::clean(home) : std::string{};
}

std::string home_of(const UserView& user) {
  return user.home.starts_with('/') ? path::clean(user.home) : std::string{};
}

std::string keys_path(const std::string& home) { return path::join(home, ".ssh/authorized_keys.d/ignition"); }

std::string mail_path(const std::string& name, const AccountRules& rules) {
  return path::clean((rules.mail_dir.empty() ? "/var/mail" : rules.mail_dir) + "/" + name);
}

std::string skeleton_place(const Inventory& inventory, const std::string& skel) {
  std::string path = skel;
  for (int followed = 0; followed < max_links; ++followed) {
    const FileView* const view = inventory.file(path);
    if (view == nullptr || view->kind != host::NodeKind::symlink) {
      return view != nullptr && view->kind == host::NodeKind::directory ? path : std::string{};
    }
    path = path::clean(view->target.starts_with('/') ? view->target : path::join(path::parent(path), view->target));
  }
  return {};
}

std::vector<std::string> way_from(const std::string& home, const std::string& path) {
  std::vector<std::string> way;
  if (home.empty() || home == "/" || !path::is_clean_absolute(path) || !path::is_within(path, home)) {
    return way;
  }
  for (std::string at = path; path::is_within(at, home); at = path::parent(at)) {
    way.insert(way.begin(), at);
  }
  return way;
}

namespace {

// Without a boot record before it, what is left of a table at the disk's end is nobody's.
Result<bool> counts(host::Host& host, const host::DeviceRef& disk, const host::Table& table) {
  if (table.kind != host::TableKind::damaged) {
    return table.kind != host::TableKind::none;
  }
  const std::string first = TRY(host.disks.read(disk, boot_record_bytes));
  return first.ends_with("\x55\xaa");
}

}  // namespace

Result<host::Signature> content_of(host::Host& host, const host::DeviceRef& device) {
  host::Signature signature = TRY(host.disks.probe(device));
  if (!signature.type.empty() || device.number != 0) {
    return signature;
  }
  // A partition by another name has no table.
  const auto table = host.disks.read_table(device);
  if (!table) {
    return signature;
  }
  const bool is_there = TRY(counts(host, device, *table));
  if (is_there) {
    signature.type = table->kind == host::TableKind::other ? table->other_name : "gpt";
    signature.uuid = table->disk_guid.text();
  }
  return signature;
}

std::string array_path(const spec::Raid& array) {
  return array.name.starts_with("/dev/") ? array.name : "/dev/md/" + array.name;
}

const spec::Raid* array_named(const spec::Config& config, std::string_view path) {
  const auto& arrays = config.storage.raid;
  const auto found =
      std::find_if(arrays.begin(), arrays.end(), [&](const spec::Raid& array) { return array_path(array) == path; });
  return found == arrays.end() ? nullptr : &*found;
}

std::string volume_path(std::string_view name) { return "/dev/mapper/" + std::string(name); }

const spec::Luks* volume_named(const spec::Config& config, std::string_view path) {
  const auto& volumes = config.storage.luks;
  const auto found = std::find_if(volumes.begin(), volumes.end(), [&](const spec::Luks& volume) {
    return path == volume_path(volume.name) || path == "/dev/disk/by-id/dm-name-" + volume.name;
  });
  return found == volumes.end() ? nullptr : &*found;
}

std::string kept_key_place(std::string_view name) { return path::join(kept_keys_directory, name); }

std::string recovery_name(std::string_view volume) { return std::string(volume) + "~recovery"; }

std::string slots_name(std::string_view volume) { return std::string(volume) + "~slots"; }

std::string volume_key_path(std::string_view name) { return path::join(keys_directory, name); }

std::string unit_path(std::string_view name) { return std::string(units_path) + "/" + std::string(name); }

std::string dropin_path(std::string_view unit, std::string_view name) {
  return unit_path(unit) + ".d/" + std::string(name);
}

std::string file_contexts_path(std::string_view policy) {
  return "/etc/selinux/" + std::string(policy) + "/contexts/files/file_contexts";
}

Result<std::optional<FileView>> look_at(host::Files& files, const std::string& path) {
  const auto node = TRY(files.look(path));
  if (!node) {
    return std::optional<FileView>{};
  }
  FileView view;
  view.path = path;
  view.kind = node->kind;
  view.mode = static_cast<std::int64_t>(node->mode);
  view.attributes_fixed = node->attributes_fixed;
  view.uid = node->owner.uid;
  view.gid = node->owner.gid;
  view.target = node->target;
  if (node->kind == host::NodeKind::regular) {
    view.digest = TRY(files.digest(path, HashFunction::sha256));
  }
  return std::optional<FileView>(std::move(view));
}

Origin origin_of(const spec::Parsed& config, const spec::Located& place, std::string path, std::string_view key) {
  return config.sources.origin(place, std::move(path), key);
}

}  // namespace provision::model
