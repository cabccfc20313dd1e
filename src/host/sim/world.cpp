// SPDX-License-Identifier: Apache-2.0
#include "host/sim/world.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>

#include "base/path.hpp"
#include "base/text.hpp"

namespace provision::host::sim {
namespace {

constexpr int most_links = 40;

// As sysfs has them: the directory of the bus has links.
void add_cards(const std::map<std::string, std::string>& cards, std::map<std::string, Entry>& entries) {
  entries.emplace("/sys/bus/ap/devices", directory());
  for (const auto& [domain, mode] : cards) {
    const bool online = !mode.starts_with('-');
    const std::string place = "/sys/devices/ap/card" + domain.substr(0, 2) + "/" + domain;
    entries.emplace("/sys/bus/ap/devices/" + domain,
                    symlink("../../../devices/ap/card" + domain.substr(0, 2) + "/" + domain));
    entries.emplace(place + "/online", regular(online ? "1\n" : "0\n"));
    entries.emplace(place + "/uevent",
                    regular("DEVTYPE=ap_queue\nDRIVER=cex4queue\nMODE=" + mode.substr(online ? 0 : 1) + "\n"));
  }
}

Tree initramfs_tree(const MachineSpec& spec) {
  std::map<std::string, Entry> entries{{"/run", directory()}, {"/etc", directory()}, {"/tmp", directory(01777)}};
  for (const auto& wanted : spec.mounts) {
    entries.emplace(wanted.target, directory());
  }
  entries.emplace(spec.target_path, directory());
  for (const auto& program : spec.programs) {
    entries.emplace("/usr/sbin/" + program, regular("", 0755));
  }
  if (!spec.card_key.empty()) {
    entries.emplace("/etc/luks/cex.key", regular(spec.card_key));
  }
  if (spec.cards) {
    add_cards(*spec.cards, entries);
  }
  return tree(entries);
}

MountPoint root_mount() { return MountPoint{MountEntry{"rootfs", "/", "rootfs"}, std::nullopt, false}; }

std::vector<Disk> make_disks(const MachineSpec& spec) {
  std::vector<Disk> disks;
  for (const auto& disk : spec.disks) {
    disks.emplace_back(disk);
  }
  return disks;
}

std::deque<std::string> parts_of(std::string_view path) {
  std::deque<std::string> parts;
  for (const auto part : split(path, '/')) {
    if (!part.empty() && part != ".") {
      parts.emplace_back(part);
    }
  }
  return parts;
}

Error no_way(std::string_view path, int number) { return {Code::io, "cannot resolve " + std::string(path), number}; }

}  // namespace

bool has_option(std::string_view options, std::string_view wanted) {
  const auto words = split(options, ',');
  return std::find(words.begin(), words.end(), wanted) != words.end();
}

World::World(const MachineSpec& spec, FaultPlan plan)
    : spec_(spec), disks_(make_disks(spec)), random_(plan.seed), key_random_(~plan.seed), gate_(std::move(plan)) {
  for (const auto& array : spec_.arrays) {
    remember(array);
  }
  for (const auto& volume : spec_.volumes) {
    remember(volume);
  }
  for (const auto& group : spec_.groups) {
    remember(group);
  }
  start();
}

void World::start() {
  uptime_ = std::chrono::milliseconds{0};
  initramfs_ = FileSystem(initramfs_tree(spec_));
  mounts_ = {root_mount()};
  for (auto& array : arrays_) {
    array.node.clear();
    array.link.clear();
    array.held.clear();
  }
  for (auto& volume : volumes_) {
    volume.name.clear();
    volume.node.clear();
    volume.held.reset();
  }
  for (auto& group : groups_) {
    for (auto& volume : group.logical) {
      volume.node.clear();
    }
  }
  for (const auto& wanted : spec_.arrays) {
    assemble_by_os(wanted);
  }
  for (const auto& wanted : spec_.volumes) {
    open_by_os(wanted);
  }
  for (const auto& wanted : spec_.groups) {
    activate_by_os(wanted);
  }
  mount_by_os(false);
}

void World::mount_by_os(bool late) {
  for (const auto& wanted : spec_.mounts) {
    if (wanted.late == late) {
      mount_by_os(wanted);
    }
  }
}

void World::mount_memory(std::string target) {
  memory_.insert_or_assign(target, FileSystem(tree()));
  mounts_.push_back(MountPoint{MountEntry{"tmpfs", std::move(target), "tmpfs"}, std::nullopt, false});
}

void World::mount_by_os(const OsMount& wanted) {
  const auto device = find(wanted.device);
  if (!device || disk(*device).probe(device->start).type != wanted.type) {
    return;
  }
  const bool read_only = has_option(wanted.options, "ro");
  mounts_.push_back(MountPoint{MountEntry{device->node, wanted.target, wanted.type}, device, read_only});
}

std::string World::boot_id() const {
  return Uuid::derive({"boot", std::to_string(gate_.plan().seed), std::to_string(gate_.boot())}).text();
}

void World::settle() {
  for (auto& disk : disks_) {
    disk.settle();
  }
}

void World::restart(Loss loss) {
  for (auto& disk : disks_) {
    disk.lose(loss, random_);
  }
  for (const auto& point : mounts_) {
    if (point.device && array_of(point.device->disk) == nullptr) {
      disks_[point.device->disk].restore_first_copy();
    }
  }
  measured_.clear();
  gate_.next_boot();
  start();
}

// --- Devices

std::string World::kernel_node(std::size_t disk) const {
  if (const Array* const array = array_of(disk)) {
    return array->node;
  }
  if (const LogicalVolume* const logical = logical_of(disk).second) {
    return logical->node;
  }
  const Volume* const volume = volume_of(disk);
  return volume == nullptr ? disks_[disk].node(0) : volume->node;
}

bool World::is_there(std::size_t disk) const {
  const bool is_layer = array_of(disk) != nullptr || volume_of(disk) != nullptr || logical_of(disk).second != nullptr;
  return is_layer ? !kernel_node(disk).empty() : disks_[disk].spec().appears_after <= uptime_;
}

std::vector<Device> World::devices() const {
  std::vector<Device> found;
  for (std::size_t i = 0; i < disks_.size(); ++i) {
    if (!is_there(i)) {
      continue;
    }
    const std::string node = kernel_node(i);
    found.push_back(Device{i, 0, node, 0, disks_[i].spec().facts.sectors});
    for (const auto& known : disks_[i].kernel()) {
      found.push_back(Device{i, known.number, partition_node(node, known.number), known.start, known.size});
    }
  }
  return found;
}

std::optional<Device> World::find(const DeviceRef& ref) const {
  if (ref.disk.empty() || ref.number == 0) {
    return find(ref.path);
  }
  const auto disk = find(ref.disk);
  if (!disk || disk->number != 0) {
    return std::nullopt;
  }
  return find(partition_node(disk->node, ref.number));
}

std::optional<Device> World::find(std::string_view path) const {
  for (auto& device : devices()) {
    if (device.node == path) {
      return device;
    }
  }
  return find_link(path);
}

std::optional<Device> World::find_link(std::string_view path) const {
  const std::string folder = path::parent(path);
  for (auto& device : devices()) {
    if (is_link_of(device, folder, path::name(path))) {
      return device;
    }
  }
  return std::nullopt;
}

// As udev's 60-persistent-storage.rules, 60-persistent-storage-dm.rules and 63-md-raid-arrays.rules make them.
bool World::is_link_of(const Device& device, std::string_view folder, std::string_view name) const {
  const Disk& disk = disks_[device.disk];
  const std::string part = device.number == 0 ? "" : fmt::format("-part{}", device.number);
  const auto is = [name](const std::string& value, const std::string& wanted) {
    return !value.empty() && name == wanted;
  };
  const std::string path = path::join(folder, name);
  for (const auto& link : disk.spec().links) {
    if (path == link + part) {
      return true;
    }
  }
  if (const Volume* const volume = volume_of(device.disk)) {
    if (path == "/dev/mapper/" + volume->name || path == "/dev/disk/by-id/dm-name-" + volume->name) {
      return true;
    }
  }
  if (const auto [group, logical] = logical_of(device.disk); logical != nullptr) {
    return path == "/dev/" + group->name + "/" + logical->name;
  }
  if (folder == "/dev/disk/by-id") {
    const DiskFacts& facts = disk.spec().facts;
    return is(facts.serial, "virtio-" + facts.serial + part) || is(facts.wwn, "wwn-" + facts.wwn + part);
  }
  const Array* const array = array_of(device.disk);
  if (array != nullptr && path == partition_node(array->link, device.number)) {
    return true;
  }
  const Signature held = disk.probe(device.start);
  if (folder == "/dev/disk/by-label" || folder == "/dev/disk/by-uuid") {
    const std::string& value = folder == "/dev/disk/by-label" ? held.label : held.uuid;
    return is(value, value) && !held.ambivalent && held.type != "linux_raid_member";
  }
  for (const auto& entry : disk.read_table().partitions) {
    if (entry.number == device.number) {
      return (folder == "/dev/disk/by-partlabel" && is(entry.label, entry.label)) ||
             (folder == "/dev/disk/by-partuuid" && is(entry.guid.text(), entry.guid.text()));
    }
  }
  return false;
}

std::vector<Use> World::uses() const {
  std::vector<Use> found;
  for (const auto& point : mounts_) {
    if (point.device) {
      found.push_back(Use{*point.device, point.entry.target});
    }
  }
  for (const auto& array : arrays_) {
    for (const auto& member : array.held) {
      const std::string name(path::name(array.node));
      found.push_back(Use{member, fmt::format("the RAID array {} ({})", name, array.identity.level)});
    }
  }
  for (const auto& volume : volumes_) {
    if (volume.held) {
      found.push_back(Use{*volume.held, "the encrypted volume " + volume.name});
    }
  }
  for (const VolumeGroup* const group : living_groups()) {
    for (const auto& volume : group->logical) {
      add_uses(*group, volume, found);
    }
  }
  return found;
}

std::vector<std::string> World::users(const Device& device) const {
  std::vector<std::string> found;
  for (auto& [used, user] : uses()) {
    if (used.disk == device.disk && (device.number == 0 || used.number == device.number)) {
      found.push_back(std::move(user));
    }
  }
  return found;
}

// --- Paths

FileSystem& World::file_system_of(const MountPoint& point) {
  if (!point.device) {
    return point.entry.type == "tmpfs" ? memory_.at(point.entry.target) : initramfs_;
  }
  Area* const area = disk(*point.device).area(point.device->start);
  INVARIANT(area != nullptr);
  return area->now.files;
}

// The last mount that covers a path is the one that is seen there.
Place World::locate(const std::string& full) const {
  Place found;
  found.full = full;
  for (std::size_t i = 0; i < mounts_.size(); ++i) {
    const std::string& target = mounts_[i].entry.target;
    if (path::is_within(full, target)) {
      found.mount = i;
      found.inner = target == "/" ? full : path::clean("/" + full.substr(target.size()));
      if (mounts_[i].shows != "/") {
        found.inner = path::clean(mounts_[i].shows + found.inner);
      }
    }
  }
  return found;
}

void World::sync(const Place& place) {
  files(place).settle();
  if (const auto& device = mounts_[place.mount].device) {
    disk(*device).flush(device->start);
  }
}

const Entry* World::entry(const Place& place) {
  const Tree& tree = files(place).now();
  const auto found = tree.find(place.inner);
  return found == tree.end() ? nullptr : &found->second;
}

Result<Place> World::place(std::string_view root, std::string_view path) {
  std::string here(root);
  std::deque<std::string> left = parts_of(path);
  int links = 0;
  while (!left.empty()) {
    const Entry* const folder = entry(locate(here));
    if (folder == nullptr || folder->node.kind != NodeKind::directory) {
      return no_way(path, folder == nullptr ? ENOENT : ENOTDIR);
    }
    const std::string part = left.front();
    left.pop_front();
    if (part == "..") {
      here = here == root ? here : path::parent(here);
      continue;
    }
    const std::string next = path::join(here, part);
    const Entry* const found = entry(locate(next));
    if (left.empty() || found == nullptr || found->node.kind != NodeKind::symlink) {
      here = next;
      continue;
    }
    if (++links > most_links) {
      return no_way(path, ELOOP);
    }
    const auto target = parts_of(found->node.target);
    left.insert(left.begin(), target.begin(), target.end());
    here = found->node.target.starts_with('/') ? std::string(root) : here;
  }
  return locate(here);
}

}  // namespace provision::host::sim
