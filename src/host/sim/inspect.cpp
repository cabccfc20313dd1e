// SPDX-License-Identifier: Apache-2.0
// What a test asks of a world: is it sound, and is it the same as another.
#include <fmt/format.h>

#include <algorithm>

#include "base/path.hpp"
#include "host/filesystem_size.hpp"
#include "host/sim/array_level.hpp"
#include "host/sim/world.hpp"

namespace provision::host::sim {
namespace {

std::string kind_name(TableKind kind) {
  switch (kind) {
    case TableKind::none:
      return "none";
    case TableKind::gpt:
      return "gpt";
    case TableKind::damaged:
      return "damaged";
    case TableKind::other:
      break;
  }
  return "other";
}

// Not how often it was written, which depends on how often it was assembled.
std::string describe_member(const ArrayMember& member) {
  return fmt::format(" {} of {}{}", member.level, member.devices, is_startable(member) ? "" : " never started");
}

// Neither its key, which may be a random one, nor how it was made.
std::string describe_luks(const Luks& luks) {
  const LuksOpen& flags = luks.flags;
  return fmt::format(
      " LUKS{}{}{}{}{}{}{}{}{}{}{}{}{}", luks.header.version, luks.header.discards ? " allow-discards" : "",
      flags.same_cpu_crypt ? " same-cpu-crypt" : "", flags.submit_from_crypt_cpus ? " submit-from-crypt-cpus" : "",
      flags.no_read_workqueue ? " no-read-workqueue" : "", flags.no_write_workqueue ? " no-write-workqueue" : "",
      luks.header.has_key ? "" : " no key slot",
      luks.keys.size() > 1 ? fmt::format(" {} key slots", luks.keys.size()) : "", luks.header.bound ? " bound" : "",
      luks.header.tpm2 ? " tpm2" : "", luks.header.recovery ? " recovery" : "", luks.header.paes ? " paes" : "",
      luks.header.verified ? " verified" : "");
}

std::string describe_signature(const Formatted& held) {
  const Signature& seen = held.signature;
  return fmt::format("{} label '{}' uuid {}{}{}{}{}", seen.type.empty() ? "-" : seen.type, seen.label,
                     seen.uuid.empty() ? "-" : seen.uuid, seen.ambivalent ? " ambivalent" : "",
                     held.torn      ? " torn"
                     : held.damaged ? " damaged"
                                    : "",
                     held.member ? describe_member(*held.member) : "", held.luks ? describe_luks(*held.luks) : "");
}

std::string describe_partition(const Partition& entry) {
  return fmt::format("{} {}+{} '{}' type {} guid {}", entry.number, entry.start, entry.size, entry.label,
                     entry.type.text(), entry.guid.text());
}

// "/dev/vda1", or the start sector where no partition of the table begins there.
std::string area_name(const Disk& disk, std::int64_t start) {
  if (start == 0) {
    return disk.node(0);
  }
  for (const auto& entry : disk.read_table().partitions) {
    if (entry.start == start) {
      return disk.node(entry.number);
    }
  }
  return fmt::format("{}@{}", disk.node(0), start);
}

bool is_ignored(const std::string& area, const std::string& inner, const std::vector<std::string>& ignored) {
  return std::any_of(ignored.begin(), ignored.end(), [&](const std::string& rule) {
    const std::size_t colon = rule.find(':');
    return rule.substr(0, colon) == area && path::is_within(inner, rule.substr(colon + 1));
  });
}

std::string snapshot_area(const std::string& name, std::int64_t sectors, const Formatted& held,
                          const std::vector<std::string>& ignored) {
  const std::string size = can_grow(held.signature.type) ? fmt::format(" of {} sectors", sectors) : std::string();
  std::string text = name + ": " + describe_signature(held) + size + "\n";
  for (const auto& [inner, entry] : held.files.durable()) {
    if (!is_ignored(name, inner, ignored)) {
      text += fmt::format("{}:{} {}{}\n", name, inner, describe(entry),
                          entry.settled < entry.content.size() ? " not synced" : "");
    }
  }
  return text;
}

std::string snapshot_disk(const Disk& disk, const std::vector<std::string>& ignored) {
  const Table table = disk.read_table();
  std::string text = fmt::format("{}: table {}{} {}{}\n", disk.node(0), kind_name(table.kind), table.other_name,
                                 table.disk_guid.text(), table.grown ? " grown" : "");
  if (!disk.spec().bytes.empty()) {
    text += disk.node(0) + ": boot code " + Digest::sha256(disk.spec().bytes).text() + "\n";
  }
  for (const auto& entry : table.partitions) {
    text += disk.node(0) + ": partition " + describe_partition(entry) + "\n";
  }
  for (const auto& [start, area] : disk.areas()) {
    if (const Formatted* const held = durable(area)) {
      text += snapshot_area(area_name(disk, start), area.sectors, *held, ignored);
    }
  }
  return text;
}

const Formatted* durable_at(const World& world, const MemberPlace& place) {
  const auto& areas = world.disks()[place.disk].areas();
  const auto found = areas.find(place.start);
  return found == areas.end() ? nullptr : durable(found->second);
}

// What an array or a volume held of which nothing below it tells any more is rubbish.
bool is_told_of(const World& world, const Array& array) {
  return std::any_of(array.places.begin(), array.places.end(), [&](const MemberPlace& place) {
    const Formatted* const held = durable_at(world, place);
    return held != nullptr && held->member && is_of(*held->member, array.identity);
  });
}

bool is_told_of(const World& world, const Volume& volume) {
  const Formatted* const held = durable_at(world, volume.place);
  return held != nullptr && held->luks && held->luks->content == volume.content;
}

bool is_told_of(const World& world, const VolumeGroup& group) {
  return std::any_of(group.physical.begin(), group.physical.end(), [&](const PhysicalVolume& physical) {
    const Formatted* const held = physical.place ? durable_at(world, *physical.place) : nullptr;
    return held != nullptr && held->signature.uuid == physical.uuid;
  });
}

// Not its UUID, which is drawn by chance.
std::string snapshot_groups(const World& world) {
  std::vector<std::string> lines;
  for (const auto& group : world.groups()) {
    if (!is_told_of(world, group)) {
      continue;
    }
    lines.push_back(fmt::format("volume group {}:", group.name));
    for (const auto& physical : group.physical) {
      lines.back() += " " + physical.uuid;
    }
    for (const auto& volume : group.logical) {
      lines.push_back(fmt::format("logical volume {}/{}: {} of {} bytes over {} {}", group.name, volume.name,
                                  volume.type, volume.bytes, volume.stripes, volume.pool));
    }
  }
  std::sort(lines.begin(), lines.end());
  std::string text;
  for (const auto& line : lines) {
    text += line + "\n";
  }
  return text;
}

// The volumes last and by their names: in which order they were made, and how often, is not to be seen.
std::vector<const Disk*> disks_in_use(const World& world) {
  std::vector<const Disk*> found;
  std::vector<const Disk*> in_volumes;
  for (std::size_t i = 0; i < world.disks().size(); ++i) {
    const Array* const array = world.array_of(i);
    const Volume* const volume = world.volume_of(i);
    if (const auto [group, logical] = world.logical_of(i); logical != nullptr) {
      if (is_told_of(world, *group)) {
        in_volumes.push_back(&world.disks()[i]);
      }
      continue;
    }
    if (volume != nullptr && is_told_of(world, *volume)) {
      in_volumes.push_back(&world.disks()[i]);
    } else if (volume == nullptr && (array == nullptr || is_told_of(world, *array))) {
      found.push_back(&world.disks()[i]);
    }
  }
  std::sort(in_volumes.begin(), in_volumes.end(), [](const Disk* a, const Disk* b) { return a->node(0) < b->node(0); });
  found.insert(found.end(), in_volumes.begin(), in_volumes.end());
  return found;
}

void check_partitions(const Disk& disk, std::vector<std::string>& problems) {
  const Table table = disk.read_table();
  std::vector<Partition> sorted = table.partitions;
  std::sort(sorted.begin(), sorted.end(), [](const Partition& a, const Partition& b) { return a.start < b.start; });
  std::int64_t free = table.first;
  for (const auto& entry : sorted) {
    if (entry.start < free || entry.size <= 0 || entry.start + entry.size - 1 > table.last) {
      problems.push_back(disk.node(entry.number) + " overlaps another or does not fit on the disk");
    }
    free = entry.start + entry.size;
  }
}

void check_disk(const Disk& disk, std::vector<std::string>& problems) {
  if (disk.read_table().kind == TableKind::damaged) {
    problems.push_back(disk.node(0) + ": the two copies of the table differ");
  }
  check_partitions(disk, problems);
  for (const auto& [start, area] : disk.areas()) {
    if (area.now.torn) {
      problems.push_back(area_name(disk, start) + ": the file system was never finished");
    }
    if (area.now.damaged) {
      problems.push_back(area_name(disk, start) + ": a power cut has damaged the file system");
    }
    if (area.now.signature.ambivalent) {
      problems.push_back(area_name(disk, start) + ": two signatures at once");
    }
    if (area.now.member && !is_startable(*area.now.member)) {
      problems.push_back(area_name(disk, start) + ": the RAID array was never started");
    }
    if (area.now.luks && !area.now.luks->header.has_key) {
      problems.push_back(area_name(disk, start) + ": the encrypted volume has no key slot");
    }
  }
}

}  // namespace

std::vector<std::string> check(const World& world) {
  std::vector<std::string> problems;
  for (const Disk* const disk : disks_in_use(world)) {
    check_disk(*disk, problems);
  }
  return problems;
}

std::string snapshot(const World& world, const std::vector<std::string>& ignored) {
  std::string text;
  for (const Disk* const disk : disks_in_use(world)) {
    text += snapshot_disk(*disk, ignored);
  }
  return text + snapshot_groups(world);
}

}  // namespace provision::host::sim
