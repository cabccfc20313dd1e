// SPDX-License-Identifier: Apache-2.0
// The world's RAID arrays.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "host/sim/array_level.hpp"
#include "host/sim/world.hpp"

namespace provision::host::sim {
namespace {

MemberPlace place_of(const Device& member) { return {member.disk, member.start}; }

std::vector<MemberPlace> places_of(const std::vector<Device>& members) {
  std::vector<MemberPlace> places;
  places.reserve(members.size());
  for (const auto& member : members) {
    places.push_back(place_of(member));
  }
  return places;
}

// Another level or number of devices would lay out the same bytes in another way, so that nothing is recognized.
bool shows_through(const Array& old, const ArrayMember& identity, std::vector<MemberPlace> places) {
  std::vector<MemberPlace> before = old.places;
  std::sort(before.begin(), before.end());
  std::sort(places.begin(), places.end());
  return before == places && old.identity.level == identity.level && old.identity.devices == identity.devices;
}

// Of arrays whose superblocks are the same and that had one of these places: the members that they have left are taken
// for ones of the new array, and too old.
void orphan_rivals(std::vector<Array>& arrays, const ArrayMember& identity, const std::vector<MemberPlace>& places) {
  for (auto& other : arrays) {
    const bool loses = std::any_of(other.places.begin(), other.places.end(), [&](const MemberPlace& place) {
      return std::find(places.begin(), places.end(), place) != places.end();
    });
    if (loses && is_of(other.identity, identity)) {
      other.identity.array = Uuid{};
    }
  }
}

std::string link_of(const std::string& name) { return "/dev/md/" + name; }

}  // namespace

bool is_of(const ArrayMember& superblock, const ArrayMember& identity) {
  return superblock.array == identity.array && superblock.level == identity.level &&
         superblock.devices == identity.devices;
}

std::int64_t missing(const Array& array, const std::vector<Device>& members) {
  const auto end =
      array.places.begin() + std::min(static_cast<std::ptrdiff_t>(array.identity.devices), std::ssize(array.places));
  const auto there = std::count_if(members.begin(), members.end(), [&](const Device& member) {
    return std::find(array.places.begin(), end, place_of(member)) != end;
  });
  return array.identity.devices - there;
}

const Array* World::array_of(std::size_t disk) const {
  const auto found =
      std::find_if(arrays_.begin(), arrays_.end(), [disk](const Array& array) { return array.content == disk; });
  return found == arrays_.end() ? nullptr : &*found;
}

const Array* World::holder(const Device& member) const {
  const auto found = std::find_if(arrays_.begin(), arrays_.end(), [&](const Array& array) {
    return std::any_of(array.held.begin(), array.held.end(),
                       [&](const Device& held) { return place_of(held) == place_of(member); });
  });
  return found == arrays_.end() ? nullptr : &*found;
}

std::optional<std::size_t> World::find_array(const Uuid& uuid, const std::vector<Device>& members) const {
  const auto is_member = [&](const Array& array, const Device& device) {
    const auto& areas = disks_[device.disk].areas();
    const auto area = areas.find(device.start);
    const auto place = std::find(array.places.begin(), array.places.end(), place_of(device));
    return area != areas.end() && place != array.places.end() && area->second.now.member &&
           is_startable(*area->second.now.member) && is_of(*area->second.now.member, array.identity);
  };
  for (std::size_t i = 0; i < arrays_.size(); ++i) {
    const Array& array = arrays_[i];
    const ArrayLevel* const level = array_level(array.identity.level);
    const bool whole =
        array.identity.array == uuid && array.node.empty() && level != nullptr &&
        std::all_of(members.begin(), members.end(), [&](const Device& device) { return is_member(array, device); }) &&
        missing(array, members) <= most_missing(*level, array.identity.devices);
    if (whole) {
      return i;
    }
  }
  return std::nullopt;
}

// Those that it has lost were as large as those that are left.
DiskFacts World::facts_of(const ArrayMember& identity, const std::vector<Device>& members) const {
  const ArrayLevel* const level = array_level(identity.level);
  INVARIANT(level != nullptr);
  DiskFacts facts;
  std::vector<std::int64_t> bytes;
  const auto count = static_cast<std::size_t>(identity.devices);
  for (std::size_t i = 0; i < std::min(count, members.size()); ++i) {
    const std::int64_t sector_size = disks_[members[i].disk].spec().facts.sector_size;
    facts.sector_size = std::max(facts.sector_size, sector_size);
    bytes.push_back(members[i].sectors * sector_size);
  }
  if (level->redundant && !bytes.empty()) {
    bytes.resize(count, bytes.front());
  }
  facts.sectors = array_size(*level, bytes) / facts.sector_size;
  return facts;
}

// --- Changing

void World::write_superblocks(const ArrayMember& identity, const std::vector<Device>& members) {
  for (const auto& member : members) {
    disk(member).join(member.start, member.sectors, identity);
    touch(member.node);
  }
}

std::size_t World::add_array(const ArrayMember& identity, const std::vector<Device>& members) {
  const std::vector<MemberPlace> places = places_of(members);
  orphan_rivals(arrays_, identity, places);
  const auto old = std::find_if(arrays_.begin(), arrays_.end(),
                                [&](const Array& array) { return shows_through(array, identity, places); });
  const DiskFacts facts = facts_of(identity, members);
  if (old != arrays_.end()) {
    old->identity = identity;
    old->places = places;
    disks_[old->content].rename(link_of(identity.name), facts);
    return static_cast<std::size_t>(old - arrays_.begin());
  }
  DiskSpec blank;
  blank.node = link_of(identity.name);
  blank.facts = facts;
  arrays_.push_back(Array{identity, disks_.size(), places, "", "", {}});
  disks_.emplace_back(std::move(blank));
  return arrays_.size() - 1;
}

void World::assemble(std::size_t array, std::string link, const std::vector<Device>& members) {
  const std::string node = free_array_node();
  arrays_[array].node = node;
  arrays_[array].link = std::move(link);
  arrays_[array].held = members;
}

void World::disassemble(const Device& array) {
  for (auto& known : arrays_) {
    if (known.content == array.disk) {
      known.node.clear();
      known.link.clear();
      known.held.clear();
    }
  }
}

// As mdadm chooses it (mdopen.c, find_free_devnm).
std::string World::free_array_node() const {
  constexpr int first = 127;
  std::string node;
  for (int number = first; number >= 0; --number) {
    node = fmt::format("/dev/md{}", number);
    if (std::none_of(arrays_.begin(), arrays_.end(), [&](const Array& array) { return array.node == node; })) {
      break;
    }
  }
  return node;
}

// --- What a machine starts with

void World::remember(const ArraySpec& spec) {
  const Content told = member_of(spec);
  INVARIANT(told.member.has_value());
  std::vector<Device> members;
  for (std::size_t i = 0; i < disks_.size(); ++i) {
    for (const auto& [start, area] : disks_[i].areas()) {
      if (area.now.member && is_of(*area.now.member, *told.member)) {
        members.push_back(Device{i, 0, "", start, area.sectors});
      }
    }
  }
  DiskSpec content;
  content.node = link_of(spec.name);
  content.facts = facts_of(*told.member, members);
  content.content = spec.content;
  arrays_.push_back(Array{*told.member, disks_.size(), places_of(members), "", "", {}});
  disks_.emplace_back(std::move(content));
}

std::vector<Device> World::members_of(const Uuid& uuid) const {
  std::vector<Device> found;
  for (auto& device : devices()) {
    const auto& areas = disks_[device.disk].areas();
    const auto area = areas.find(device.start);
    if (area != areas.end() && area->second.now.member && area->second.now.member->array == uuid) {
      found.push_back(std::move(device));
    }
  }
  return found;
}

void World::assemble_by_os(const ArraySpec& wanted) {
  if (!wanted.assembled_by_os) {
    return;
  }
  const std::vector<Device> members = members_of(wanted.uuid);
  if (const auto array = find_array(wanted.uuid, members)) {
    assemble(*array, link_of(wanted.name), members);
  }
}

}  // namespace provision::host::sim
