// SPDX-License-Identifier: Apache-2.0
#include "model/inventory.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "fields/json.hpp"

namespace provision::model {
namespace {

template <class List, class Is>
auto find_in(const List& list, Is&& is) -> const typename List::value_type* {
  const auto found = std::find_if(list.begin(), list.end(), is);
  return found == list.end() ? nullptr : &*found;
}

// "/dev/vda" + 1 is "/dev/vda1", "/dev/nvme0n1" + 1 is "/dev/nvme0n1p1" (kernel: bdevname); a link of udev's to a disk
// has one with "-part1" beside it (systemd: 60-persistent-storage.rules).
std::string partition_node(const std::string& disk, std::int64_t number) {
  if (disk.starts_with("/dev/disk/by-")) {
    return disk + "-part" + std::to_string(number);
  }
  const bool ends_in_digit = !disk.empty() && disk.back() >= '0' && disk.back() <= '9';
  return disk + (ends_in_digit ? "p" : "") + std::to_string(number);
}

bool names(const std::string& path, const DiskView& disk, const host::Partition& partition) {
  constexpr std::string_view by_label = "/dev/disk/by-partlabel/";
  constexpr std::string_view by_guid = "/dev/disk/by-partuuid/";
  if (path.starts_with(by_label)) {
    return !partition.label.empty() && path.substr(by_label.size()) == udev_encoded(partition.label);
  }
  if (path.starts_with(by_guid)) {
    return lower_ascii(path.substr(by_guid.size())) == partition.guid.text();
  }
  return path == partition_node(disk.device, partition.number);
}

}  // namespace

const host::Partition* DiskView::entry(std::int64_t number) const {
  return find_in(table.partitions, [&](const host::Partition& p) { return p.number == number; });
}

const PartitionView* DiskView::partition(std::int64_t number) const {
  return find_in(partitions, [&](const PartitionView& p) { return p.number == number; });
}

const DiskView* Inventory::disk(std::string_view name) const {
  return find_in(disks, [&](const DiskView& d) { return d.device == name; });
}

bool was_started(const std::vector<host::ArrayMember>& members) {
  // While it runs the kernel writes past what a read of the device may be answered from: that can be older.
  const auto runs = [](const host::ArrayMember& member) { return member.events > 0 || member.running; };
  if (std::any_of(members.begin(), members.end(), runs)) {
    return true;
  }
  const bool plain = !members.empty() && (members.front().level == "raid0" || members.front().level == "linear");
  return plain && static_cast<std::int64_t>(members.size()) >= members.front().devices;
}

const MemberView* ArrayView::member(std::string_view path) const {
  return find_in(members, [&](const MemberView& m) { return m.device.path == path; });
}

const ArrayView* Inventory::array(std::string_view name) const {
  return find_in(arrays, [&](const ArrayView& a) { return a.name == name; });
}

const VolumeView* Inventory::volume(std::string_view name) const {
  return find_in(volumes, [&](const VolumeView& v) { return v.name == name; });
}

const PhysicalVolumeView* VolumeGroupView::member(std::string_view path) const {
  return find_in(members, [&](const PhysicalVolumeView& m) { return m.device.path == path; });
}

bool VolumeGroupFound::has(std::string_view physical_uuid) const {
  return !physical_uuid.empty() && std::find(physical.begin(), physical.end(), physical_uuid) != physical.end();
}

const LogicalVolumeView* VolumeGroupFound::volume(std::string_view wanted) const {
  return find_in(logical, [&](const LogicalVolumeView& v) { return v.name == wanted; });
}

const VolumeGroupView* Inventory::volume_group(std::string_view name) const {
  return find_in(volume_groups, [&](const VolumeGroupView& g) { return g.name == name; });
}

const VolumeGroupFound* Inventory::group_of(std::string_view physical_uuid) const {
  return find_in(found_groups, [&](const VolumeGroupFound& g) { return g.has(physical_uuid); });
}

const DeviceView* Inventory::device(std::string_view path) const {
  return find_in(devices, [&](const DeviceView& d) { return d.device.path == path; });
}

const GrowthView* Inventory::growth(std::string_view path) const {
  return find_in(growths, [&](const GrowthView& g) { return g.device.path == path; });
}

const host::SubvolumeEntry* DeviceView::subvolume(std::string_view name) const {
  return find_in(subvolumes, [&](const host::SubvolumeEntry& s) { return s.name == name; });
}

const FileView* Inventory::file(std::string_view path) const {
  return find_in(files, [&](const FileView& f) { return f.path == path; });
}

host::DeviceRef resolve(const Inventory& inventory, const std::string& path) {
  for (const auto& disk : inventory.disks) {
    for (const auto& partition : disk.table.partitions) {
      if (names(path, disk, partition)) {
        return {path, disk.device, partition.number};
      }
    }
  }
  return {path, {}, 0};
}

bool is_same_device(const host::DeviceRef& one, const host::DeviceRef& other) {
  const bool both_known = one.number != 0 && other.number != 0;
  return both_known ? one.disk == other.disk && one.number == other.number : one.path == other.path;
}

std::string udev_encoded(std::string_view name) {
  constexpr std::string_view hex = "0123456789abcdef";
  constexpr std::string_view allowed = "#+-.:=@_";
  std::string encoded;
  while (!name.empty()) {
    const std::size_t length = utf8_sequence_length(name);
    const char c = name.front();
    const bool word = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      allowed.find(c) != std::string_view::npos;
    if (length > 1) {
      encoded += name.substr(0, length);
    } else if (word) {
      encoded += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      encoded += std::string("\\x") + hex[byte >> 4U] + hex[byte & 0xFU];
    }
    name.remove_prefix(std::max<std::size_t>(length, 1));
  }
  return encoded;
}

std::string fingerprint(const host::Table& table, const host::Signature& signature) {
  if (table.kind == host::TableKind::none) {
    return fingerprint(signature);
  }
  return "table:" + Digest::sha256(fields::write_json(fields::Engine<host::Table>::write(table))).hex().substr(0, 32);
}

std::string fingerprint(const host::Signature& signature) {
  if (signature.type.empty()) {
    return std::string(absent_fingerprint);
  }
  return "signature:" + signature.type + ":" + signature.uuid + ":" + signature.label;
}

std::string fingerprint(const FileView* file) {
  if (file == nullptr) {
    return std::string(absent_fingerprint);
  }
  const std::string text = std::to_string(static_cast<int>(file->kind)) + ":" + std::to_string(file->mode) + ":" +
                           std::to_string(file->uid) + ":" + std::to_string(file->gid) + ":" + file->target + ":" +
                           file->digest.text();
  return "file:" + Digest::sha256(text).hex().substr(0, 32);
}

namespace {

// libblkid's names of what is no file system, for those who do not know them.
std::string kind_words(std::string_view type) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 9> kinds{{
      {"gpt", "a partition table"},
      {"dos", "a partition table"},
      {"LVM2_member", "a physical volume of LVM"},
      {"LVM1_member", "a physical volume of LVM"},
      {"linux_raid_member", "a member of a RAID array"},
      {"zfs_member", "a device of a ZFS pool"},
      {"bcache", "a device of bcache"},
      {"crypto_LUKS", "an encrypted volume"},
      {"mpath_member", "a path of a multipath device"},
  }};
  for (const auto& [name, words] : kinds) {
    if (name == type) {
      return " (" + std::string(words) + ")";
    }
  }
  return {};
}

}  // namespace

std::string describe(const host::Signature& signature) {
  if (signature.type.empty()) {
    return "nothing known";
  }
  if (signature.ambivalent) {
    return "signatures of several kinds";
  }
  std::string text = signature.type + kind_words(signature.type);
  if (!signature.label.empty()) {
    text += " labelled \"" + printable(signature.label) + "\"";
  }
  return signature.uuid.empty() ? text : text + " with UUID " + signature.uuid;
}

std::string describe(const host::ArrayMember& member) {
  std::string text = "a member of the RAID array";
  text += member.name.empty() ? "" : " \"" + printable(member.name) + "\"";
  if (!member.level.empty()) {
    text += " (" + member.level + " of " + std::to_string(member.devices) + " devices)";
  }
  return text + " with UUID " + member.array.text();
}

std::string describe(const host::Table& table) {
  switch (table.kind) {
    case host::TableKind::none:
      return "no partition table";
    case host::TableKind::damaged:
      return "a damaged GPT";
    case host::TableKind::other:
      return "a partition table of kind \"" + table.other_name + "\"";
    case host::TableKind::gpt:
      break;
  }
  std::vector<std::string> names;
  for (const auto& partition : table.partitions) {
    names.push_back(std::to_string(partition.number) +
                    (partition.label.empty() ? "" : " \"" + printable(partition.label) + "\""));
  }
  return names.empty() ? "an empty GPT" : "a GPT with partition " + join(names, ", ");
}

void forget_user(Inventory& inventory, const std::string& user) {
  const auto forget = [&](auto& views) {
    for (auto& view : views) {
      std::erase(view.users, user);
    }
  };
  forget(inventory.disks);
  for (auto& disk : inventory.disks) {
    forget(disk.partitions);
  }
  for (auto& array : inventory.arrays) {
    forget(array.members);
  }
  forget(inventory.volumes);
  for (auto& group : inventory.volume_groups) {
    forget(group.members);
  }
  forget(inventory.devices);
}

void add_user(Inventory& inventory, const host::DeviceRef& device, const std::string& user) {
  for (auto& view : inventory.devices) {
    if (is_same_device(view.device, device)) {
      view.users.push_back(user);
    }
  }
  for (auto& disk : inventory.disks) {
    for (auto& partition : disk.partitions) {
      if (disk.device == device.disk && partition.number == device.number) {
        partition.users.push_back(user);
        disk.users.push_back(user);
      }
    }
  }
}

}  // namespace provision::model
