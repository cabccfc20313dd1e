// SPDX-License-Identifier: Apache-2.0
// The world's encrypted volumes.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/sim/clevis.hpp"
#include "host/sim/cryptenroll.hpp"
#include "host/sim/world.hpp"
#include "host/sim/zkey.hpp"

namespace provision::host::sim {
namespace {

constexpr std::int64_t sector = 512;
// Of LUKS2 as cryptsetup makes it: 16 MiB.
constexpr std::int64_t usual_offset = 32768;

// What the mapping shows, on a device with these sectors.
DiskFacts facts_within(std::int64_t bytes, std::int64_t sector_size, const LuksFormat& format) {
  const std::int64_t offset = format.offset < 0 ? usual_offset : format.offset;
  DiskFacts facts;
  facts.sector_size = std::max({sector, sector_size, format.sector_size});
  facts.sectors = std::max<std::int64_t>(bytes - offset * sector, 0) / facts.sector_size;
  return facts;
}

std::string usual_form(const std::string& uuid) {
  const auto parsed = Uuid::parse(uuid);
  return parsed ? parsed->text() : uuid;
}

}  // namespace

const Volume* World::volume_of(std::size_t disk) const {
  const auto found =
      std::find_if(volumes_.begin(), volumes_.end(), [disk](const Volume& volume) { return volume.content == disk; });
  return found == volumes_.end() ? nullptr : &*found;
}

const Volume* World::open_volume(std::string_view name) const {
  const auto found = std::find_if(volumes_.begin(), volumes_.end(), [name](const Volume& volume) {
    return volume.held.has_value() && volume.name == name;
  });
  return found == volumes_.end() ? nullptr : &*found;
}

Luks* World::luks(const Device& device) {
  Area* const area = disk(device).area(device.start);
  return area != nullptr && area->now.luks ? &*area->now.luks : nullptr;
}

const Luks* World::luks(const Device& device) const {
  const auto& areas = disks_[device.disk].areas();
  const auto area = areas.find(device.start);
  return area != areas.end() && area->second.now.luks ? &*area->second.now.luks : nullptr;
}

bool World::has_room(const Device& device, const LuksFormat& format) const {
  const std::int64_t sector_size = disks_[device.disk].spec().facts.sector_size;
  return facts_within(device.sectors * sector_size, sector_size, format).sectors > 0;
}

// --- Changing

Luks World::add_volume(const Device& device, Luks header, const std::optional<Content>& content) {
  const std::int64_t sector_size = disk(device).spec().facts.sector_size;
  DiskSpec inside;
  // Not of the mapping, whose name is another one each time: how it is called in snapshots.
  inside.node = "volume " + header.header.uuid;
  inside.facts = facts_within(device.sectors * sector_size, sector_size, header.format);
  inside.content = content;
  header.content = disks_.size();
  volumes_.push_back(Volume{header.content, {device.disk, device.start}, header.header.uuid, "", "", std::nullopt});
  disks_.emplace_back(std::move(inside));
  return header;
}

void World::encrypt(const Device& device, Luks header) {
  header = add_volume(device, std::move(header), std::nullopt);
  disk(device).encrypt(device.start, device.sectors, std::move(header));
}

void World::encrypt_midway(const Device& device, Luks header) {
  header = add_volume(device, std::move(header), std::nullopt);
  disk(device).encrypt_midway(device.start, device.sectors, std::move(header), random_);
}

void World::open_volume(const Device& device, const std::string& name) {
  const Luks* const header = luks(device);
  INVARIANT(header != nullptr);
  const std::string node = free_volume_node();
  for (auto& volume : volumes_) {
    if (volume.content == header->content) {
      volume.name = name;
      volume.node = node;
      volume.held = device;
    }
  }
}

void World::close_volume(std::string_view name) {
  for (auto& volume : volumes_) {
    if (volume.held && volume.name == name) {
      volume.name.clear();
      volume.node.clear();
      volume.held.reset();
    }
  }
}

std::string World::free_volume_node() const {
  std::size_t number = 0;
  while (find(fmt::format("/dev/dm-{}", number))) {
    ++number;
  }
  return fmt::format("/dev/dm-{}", number);
}

// --- What a machine starts with

std::optional<Device> World::find_extent(std::string_view name) const {
  for (std::size_t i = 0; i < disks_.size(); ++i) {
    const Disk& disk = disks_[i];
    if (disk.node(0) == name) {
      return Device{i, 0, disk.node(0), 0, disk.spec().facts.sectors};
    }
    for (const auto& entry : disk.read_table().partitions) {
      if (disk.node(entry.number) == name) {
        return Device{i, entry.number, disk.node(entry.number), entry.start, entry.size};
      }
    }
  }
  return std::nullopt;
}

void World::remember(const VolumeSpec& spec) {
  const auto device = find_extent(spec.device);
  INVARIANT(device.has_value());
  Luks header;
  header.header = {spec.version, usual_form(spec.uuid), spec.label, spec.discards, spec.key.has_value()};
  header.flags.discards = spec.discards;
  header.format.key_slot = 0;
  if (spec.key) {
    header.keys[0] = *spec.key;
  }
  if (spec.tpm2) {
    const int slot = 2;
    header.keys[slot] = "sealed " + spec.uuid;
    header.tokens.push_back(tpm2_token(slot, spec.pin));
  }
  if (spec.recovery) {
    const int slot = 3;
    header.keys[slot] = "recovery " + spec.uuid;
    header.tokens.push_back(recovery_token(slot));
  }
  if (spec.bound) {
    const int slot = 1;
    header.keys[slot] = "bound " + spec.uuid;
    header.tokens.push_back(clevis_token("bound " + spec.uuid, slot));
  }
  if (spec.paes) {
    header.format.cipher = "paes-xts-plain64";
    header.header.paes = true;
    header.volume_key = secure_key_of_before(spec.uuid);
  }
  if (spec.verified) {
    header.tokens.push_back(pattern_token(header.volume_key));
  }
  header.header.has_key = !header.keys.empty();
  note_tokens(header);
  header = add_volume(*device, std::move(header), spec.content);
  disk(*device).encrypt(device->start, device->sectors, std::move(header));
}

void World::open_by_os(const VolumeSpec& wanted) {
  const auto device = wanted.opened_by_os.empty() ? std::nullopt : find(wanted.device);
  const Luks* const header = device ? luks(*device) : nullptr;
  if (header != nullptr && header->header.uuid == usual_form(wanted.uuid) && header->header.has_key) {
    open_volume(*device, wanted.opened_by_os);
  }
}

}  // namespace provision::host::sim
