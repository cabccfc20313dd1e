// SPDX-License-Identifier: Apache-2.0
#include "host/sim/lvm.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/text.hpp"

namespace provision::host::sim {
namespace {

constexpr std::int64_t mib = std::int64_t{1} << 20U;
constexpr std::int64_t extent = 4 * mib;
using Words = std::vector<std::string>;

Error no(std::string why) { return {Code::program_failed, "lvm: " + std::move(why)}; }

// What follows an option; empty: it is not given.
std::string value_of(const Words& words, std::string_view option) {
  const auto found = std::find(words.begin(), words.end(), option);
  return found == words.end() || found + 1 == words.end() ? std::string{} : *(found + 1);
}

std::int64_t number_of(const std::string& text, std::int64_t otherwise) {
  std::int64_t number = otherwise;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

const VolumeGroup* living(const World& world, const std::string& name) {
  for (const VolumeGroup* const group : world.living_groups()) {
    if (group->name == name) {
      return group;
    }
  }
  return nullptr;
}

bool is_complete(const World& world, const VolumeGroup& group) {
  return std::all_of(group.physical.begin(), group.physical.end(),
                     [&](const PhysicalVolume& physical) { return world.is_there(physical); });
}

std::int64_t used_extents(const VolumeGroup& group) {
  std::int64_t used = 0;
  for (const auto& volume : group.logical) {
    used += volume.extents;
  }
  return used;
}

bool is_open(const World& world, const LogicalVolume& volume) {
  const auto device = volume.node.empty() ? std::nullopt : world.find(volume.node);
  return device && !world.users(*device).empty();
}

// --- fullreport

std::string list_of(std::string_view key, const Words& rows) {
  return fmt::format("\"{}\": [{}]", key, join(rows, ", "));
}

std::string report_of(const World& world, const VolumeGroup& group) {
  Words physical;
  Words logical;
  Words segments;
  std::size_t missing = 0;
  for (const auto& one : group.physical) {
    const bool there = world.is_there(one);
    missing += there ? 0 : 1;
    physical.push_back(fmt::format(R"({{"pv_uuid": "{}", "pv_name": "{}"}})", one.uuid,
                                   there ? world.device_at(*one.place)->node : "[unknown]"));
  }
  for (const auto& volume : group.logical) {
    logical.push_back(fmt::format(
        R"({{"lv_name": "{}", "lv_size": "{}", "lv_active": "{}", "lv_device_open": "{}", "pool_lv": "{}"}})",
        volume.name, volume.bytes, volume.node.empty() ? "" : "active", is_open(world, volume) ? "open" : "",
        volume.pool));
    segments.push_back(fmt::format(R"({{"lv_name": "{}", "segtype": "{}", "stripes": "{}"}})", volume.name, volume.type,
                                   volume.stripes));
  }
  const std::string row = fmt::format(
      R"({{"vg_name": "{}", "vg_uuid": "{}", "vg_extent_size": "{}", "vg_free_count": "{}", "vg_missing_pv_count": "{}"}})",
      group.name, group.uuid, extent, world.extents_of(group) - used_extents(group), missing);
  return "{" +
         join({list_of("vg", {row}), list_of("pv", physical), list_of("lv", logical), list_of("seg", segments)}, ", ") +
         "}";
}

// --- Changes

// A device that nobody uses, which `fits` what is on it.
Result<Device> free_device(const World& world, const std::string& node) {
  const auto device = world.find(node);
  if (!device) {
    return no("No device found for " + node);
  }
  if (!world.users(*device).empty()) {
    return no("Can't open " + node + " exclusively. Mounted filesystem?");
  }
  return *device;
}

Result<void> pvcreate(World& world, const Words& words) {
  const Device device = TRY(free_device(world, words.back()));
  const std::string uuid = value_of(words, "--uuid");
  const bool sound = uuid.size() == 38 && std::find(words.begin(), words.end(), "--norestorefile") != words.end();
  if (!sound) {
    return no("Can't use uuid " + uuid);
  }
  if (world.disk(device).area(device.start) != nullptr) {
    return no("something is on " + device.node + " that nobody has wiped");
  }
  world.make_physical(device, uuid);
  return {};
}

bool is_free_physical(World& world, const Device& device) {
  const Area* const area = world.disk(device).area(device.start);
  if (area == nullptr || area->now.signature.type != "LVM2_member") {
    return false;
  }
  for (const VolumeGroup* const group : world.living_groups()) {
    for (const auto& physical : group->physical) {
      if (physical.uuid == area->now.signature.uuid && world.is_there(physical)) {
        return false;
      }
    }
  }
  return true;
}

Result<void> vgcreate(World& world, const Words& words) {
  const auto name = words.begin() + 4;
  if (words.size() < 6 || living(world, *name) != nullptr) {
    return no("A volume group called " + (words.size() < 5 ? std::string() : *name) + " already exists.");
  }
  std::vector<Device> devices;
  for (auto node = name + 1; node != words.end(); ++node) {
    const Device device = TRY(free_device(world, *node));
    if (!is_free_physical(world, device)) {
      return no(*node + " is no physical volume, or in a group already");
    }
    devices.push_back(device);
  }
  world.make_group(*name, devices);
  return {};
}

// Extents for the data, with parity and copies.
std::int64_t extents_for(const LogicalVolume& made, std::int64_t mirrors) {
  const std::int64_t data = (made.bytes + extent - 1) / extent;
  const std::int64_t parity = made.type == "raid5" ? 1 : made.type == "raid6" ? 2 : 0;
  const std::int64_t stripes = std::max<std::int64_t>(made.stripes - parity, 1);
  if (made.type == "raid1") {
    return data * (mirrors + 1);
  }
  const std::int64_t spread = std::max<std::int64_t>(stripes / (mirrors + 1), 1);
  const std::int64_t each = (data + spread - 1) / spread;
  return made.type == "linear" || made.type == "thin-pool" ? data : each * made.stripes;
}

Result<LogicalVolume> to_create(const World& world, const Words& words, const VolumeGroup& group) {
  LogicalVolume made;
  made.name = value_of(words, "--name");
  made.type = value_of(words, "--type");
  made.pool = value_of(words, "--thinpool");
  const std::int64_t mirrors = number_of(value_of(words, "--mirrors"), 0);
  const std::int64_t parity = made.type == "raid5" ? 1 : made.type == "raid6" ? 2 : 0;
  made.stripes = (number_of(value_of(words, "--stripes"), 1) + parity) * (mirrors + 1);
  made.stripes = made.type == "thin" ? 0 : made.stripes;
  if (std::any_of(group.logical.begin(), group.logical.end(), [&](const auto& v) { return v.name == made.name; })) {
    return no("Logical Volume \"" + made.name + "\" already exists in volume group");
  }
  const std::int64_t free = world.extents_of(group) - used_extents(group);
  const std::string size = value_of(words, made.pool.empty() ? "--size" : "--virtualsize");
  made.bytes = size.empty() ? free * extent / (mirrors + 1) : (number_of(size, 0) * mib + extent - 1) / extent * extent;
  made.extents = made.pool.empty() ? extents_for(made, mirrors) : 0;
  if (made.bytes <= 0 || made.extents > free) {
    return no("Volume group \"" + group.name + "\" has insufficient free space");
  }
  const bool has_pool = std::any_of(group.logical.begin(), group.logical.end(), [&](const auto& volume) {
    return volume.name == made.pool && volume.type == "thin-pool";
  });
  if (!made.pool.empty() && !has_pool) {
    return no("Pool " + made.pool + " not found");
  }
  return made;
}

Result<void> lvcreate(World& world, const Words& words) {
  const VolumeGroup* const group = living(world, words.back());
  if (group == nullptr || !is_complete(world, *group)) {
    return no("Volume group \"" + words.back() + "\" not found, or it lacks a physical volume");
  }
  LogicalVolume made = TRY(to_create(world, words, *group));
  const std::string name = made.name;
  for (const auto& physical : group->physical) {
    world.touch(world.device_at(*physical.place)->node);
  }
  world.make_logical(words.back(), std::move(made));
  world.set_active(words.back(), name, true);
  return {};
}

Result<void> lvchange(World& world, const Words& words) {
  for (auto word = words.begin() + 6; word < words.end(); ++word) {
    const std::size_t slash = word->find('/');
    const VolumeGroup* const group = living(world, word->substr(0, slash));
    if (group == nullptr || !is_complete(world, *group)) {
      return no("Refusing activation of partial LV " + *word);
    }
    world.set_active(group->name, word->substr(slash + 1), true);
  }
  return {};
}

Result<void> vgchange(World& world, const Words& words) {
  const VolumeGroup* const group = living(world, words.back());
  if (group == nullptr) {
    return no("Volume group \"" + words.back() + "\" not found");
  }
  for (const auto& volume : group->logical) {
    if (is_open(world, volume)) {
      return no("Logical volume " + group->name + "/" + volume.name + " in use.");
    }
  }
  for (const auto& volume : group->logical) {
    world.set_active(group->name, volume.name, false);
  }
  return {};
}

Result<void> run(World& world, const Words& words) {
  const std::string mode = words.size() < 4 ? std::string{} : words.front();
  if (mode == "pvcreate") {
    return pvcreate(world, words);
  }
  if (mode == "vgcreate") {
    return vgcreate(world, words);
  }
  if (mode == "lvcreate") {
    return lvcreate(world, words);
  }
  if (mode == "lvchange") {
    return lvchange(world, words);
  }
  return mode == "vgchange" ? vgchange(world, words) : no("these arguments are not known here");
}

}  // namespace

bool is_lvm_report(const Command& command) {
  return command.program == "lvm" && !command.arguments.empty() && command.arguments.front() == "fullreport";
}

Result<Exit> report_lvm(const World& world, const Command& command) {
  Words groups;
  for (const VolumeGroup* const group : world.living_groups()) {
    groups.push_back(report_of(world, *group));
  }
  const std::string text = R"({"report": [)" + join(groups, ", ") + "]}";
  if (command.answer == nullptr || text.size() > command.answer->size()) {
    return Error(Code::program_failed, "there is no room for what lvm answers");
  }
  text.copy(command.answer->data(), text.size());
  return Exit{0, "", text.size()};
}

Exit run_lvm(World& world, const Words& arguments) {
  const auto done = run(world, arguments);
  return done ? Exit{} : Exit{1, done.error().what};
}

void run_lvm_midway(World& world, const Words& arguments) {
  if (world.random().below(2) == 1) {
    static_cast<void>(run(world, arguments));
  }
}

}  // namespace provision::host::sim
