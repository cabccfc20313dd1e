// SPDX-License-Identifier: Apache-2.0
// The world's volume groups.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/sim/world.hpp"

namespace provision::host::sim {
namespace {

constexpr std::int64_t mib = std::int64_t{1} << 20U;
constexpr std::int64_t extent = 4 * mib;
constexpr std::int64_t sector = 512;
constexpr std::string_view physical_type = "LVM2_member";

std::string path_of(const std::string& group, const std::string& volume) { return "/dev/" + group + "/" + volume; }

Formatted physical_volume(const std::string& uuid) {
  Formatted made;
  made.signature = {std::string(physical_type), "", uuid, false};
  return made;
}

std::vector<MemberPlace> places_of(const VolumeGroup& group) {
  std::vector<MemberPlace> places;
  for (const auto& physical : group.physical) {
    if (physical.place) {
      places.push_back(*physical.place);
    }
  }
  std::sort(places.begin(), places.end());
  return places;
}

// As device-mapper writes it.
std::string doubled(const std::string& name) {
  std::string text;
  for (const char c : name) {
    text += c == '-' ? "--" : std::string(1, c);
  }
  return text;
}

}  // namespace

bool World::is_there(const PhysicalVolume& physical) const {
  if (!physical.place) {
    return false;
  }
  const auto& areas = disks_[physical.place->disk].areas();
  const auto area = areas.find(physical.place->start);
  return area != areas.end() && area->second.now.signature.type == physical_type &&
         area->second.now.signature.uuid == physical.uuid && device_at(*physical.place).has_value();
}

std::vector<const VolumeGroup*> World::living_groups() const {
  std::vector<const VolumeGroup*> living;
  for (const auto& group : groups_) {
    if (std::any_of(group.physical.begin(), group.physical.end(),
                    [this](const PhysicalVolume& physical) { return is_there(physical); })) {
      living.push_back(&group);
    }
  }
  return living;
}

std::pair<const VolumeGroup*, const LogicalVolume*> World::logical_of(std::size_t disk) const {
  for (const auto& group : groups_) {
    for (const auto& volume : group.logical) {
      if (volume.content == disk) {
        return {&group, &volume};
      }
    }
  }
  return {nullptr, nullptr};
}

std::optional<Device> World::device_at(const MemberPlace& place) const {
  if (!is_there(place.disk)) {
    return std::nullopt;
  }
  const Disk& disk = disks_[place.disk];
  for (const auto& known : disk.kernel()) {
    if (known.start == place.start) {
      return Device{place.disk, known.number, partition_node(kernel_node(place.disk), known.number), known.start,
                    known.size};
    }
  }
  const bool whole = place.start == 0 && disk.kernel().empty();
  return whole ? std::optional(Device{place.disk, 0, kernel_node(place.disk), 0, disk.spec().facts.sectors})
               : std::nullopt;
}

std::int64_t World::extents_of(const VolumeGroup& group) const {
  std::int64_t extents = 0;
  for (const auto& physical : group.physical) {
    if (const auto device = physical.place ? device_at(*physical.place) : std::nullopt) {
      const std::int64_t bytes = device->sectors * disks_[device->disk].spec().facts.sector_size;
      extents += std::max<std::int64_t>(bytes - mib, 0) / extent;
    }
  }
  return extents;
}

void World::add_uses(const VolumeGroup& group, const LogicalVolume& volume, std::vector<Use>& found) const {
  if (volume.node.empty()) {
    return;
  }
  for (const auto& physical : group.physical) {
    if (const auto device = is_there(physical) ? device_at(*physical.place) : std::nullopt) {
      found.push_back({*device, "the logical volume " + doubled(group.name) + "-" + doubled(volume.name)});
    }
  }
}

VolumeGroup* World::group_named(const std::string& name) {
  for (const VolumeGroup* const living : living_groups()) {
    if (living->name == name) {
      return &groups_[static_cast<std::size_t>(living - groups_.data())];
    }
  }
  return nullptr;
}

// --- Changing

void World::make_physical(const Device& device, const std::string& uuid) {
  const MemberPlace place{device.disk, device.start};
  for (auto& group : groups_) {
    for (auto& physical : group.physical) {
      if (physical.place == place && (physical.uuid == uuid || is_there(physical))) {
        physical.place.reset();
      }
    }
  }
  disk(device).format(device.start, device.sectors, physical_volume(uuid));
  disk(device).flush(device.start);
  touch(device.node);
}

void World::make_group(const std::string& name, const std::vector<Device>& devices) {
  VolumeGroup made;
  made.name = name;
  made.uuid = fmt::format("group{}", groups_.size());
  for (const auto& device : devices) {
    const Area* const area = disk(device).area(device.start);
    INVARIANT(area != nullptr);
    made.physical.push_back({area->now.signature.uuid, MemberPlace{device.disk, device.start}});
    touch(device.node);
  }
  groups_.push_back(std::move(made));
}

void World::make_logical(const std::string& group, LogicalVolume made) {
  VolumeGroup* const holder = group_named(group);
  INVARIANT(holder != nullptr);
  // The same extents of the same devices.
  for (auto& other : groups_) {
    const auto old = std::find_if(other.logical.begin(), other.logical.end(), [&](const LogicalVolume& volume) {
      return volume.bytes == made.bytes && volume.type == made.type && volume.pool.empty();
    });
    if (&other != holder && old != other.logical.end() && places_of(other) == places_of(*holder)) {
      made.content = old->content;
      other.logical.erase(old);
      disks_[made.content].rename(path_of(group, made.name), disks_[made.content].spec().facts);
      holder->logical.push_back(std::move(made));
      return;
    }
  }
  DiskSpec blank;
  blank.node = path_of(group, made.name);
  blank.facts.sectors = made.bytes / sector;
  made.content = disks_.size();
  disks_.emplace_back(std::move(blank));
  holder->logical.push_back(std::move(made));
}

void World::set_active(const std::string& group, std::string_view volume, bool active) {
  if (VolumeGroup* const holder = group_named(group)) {
    for (auto& logical : holder->logical) {
      if (logical.name == volume && logical.node.empty() == active) {
        logical.node = active ? free_volume_node() : std::string{};
      }
    }
  }
}

// --- What a machine starts with

void World::remember(const VolumeGroupSpec& spec) {
  VolumeGroup made;
  made.name = spec.name;
  made.uuid = spec.uuid;
  for (const auto& [node, uuid] : spec.devices) {
    const auto device = find_extent(node);
    INVARIANT(device.has_value());
    disk(*device).format(device->start, device->sectors, physical_volume(uuid));
    disk(*device).flush(device->start);
    made.physical.push_back({uuid, MemberPlace{device->disk, device->start}});
  }
  for (const auto& uuid : spec.lost) {
    made.physical.push_back({uuid, std::nullopt});
  }
  for (const auto& logical : spec.logical) {
    DiskSpec inside;
    inside.node = path_of(spec.name, logical.name);
    inside.facts.sectors = logical.bytes / sector;
    inside.content = logical.content;
    const std::int64_t extents = logical.pool.empty() ? logical.bytes / extent : 0;
    made.logical.push_back(
        {logical.name, logical.type, logical.bytes, logical.stripes, logical.pool, extents, disks_.size(), ""});
    disks_.emplace_back(std::move(inside));
  }
  groups_.push_back(std::move(made));
}

void World::activate_by_os(const VolumeGroupSpec& wanted) {
  if (wanted.activated_by_os) {
    for (const auto& volume : wanted.logical) {
      set_active(wanted.name, volume.name, true);
    }
  }
}

}  // namespace provision::host::sim
