// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>

#include "host/disk_search.hpp"
#include "host/filesystem_size.hpp"
#include "host/sim/seams.hpp"

namespace provision::host::sim {
namespace {

std::string name_of(const DeviceRef& ref) {
  return ref.path.empty() ? ref.disk + " partition " + std::to_string(ref.number) : ref.path;
}

Error busy(const Device& device, const std::string& user) {
  return {Code::device_busy, device.node + " is in use: " + user, EBUSY};
}

// A partition in use may only grow.
bool keeps(const Table& table, const Device& used) {
  return std::any_of(table.partitions.begin(), table.partitions.end(), [&used](const Partition& entry) {
    return entry.number == used.number && entry.start == used.start && entry.size >= used.sectors;
  });
}

}  // namespace

std::string target_of(const World& world, const DeviceRef& ref) {
  const auto device = world.find(ref);
  return device ? device->node : name_of(ref);
}

Result<Device> existing(const World& world, const DeviceRef& ref) {
  const auto device = world.find(ref);
  if (!device) {
    return Error(Code::device_missing, "there is no device " + name_of(ref), ENOENT);
  }
  return *device;
}

Result<Device> unused(const World& world, const DeviceRef& ref) {
  Device device = TRY(existing(world, ref));
  const auto users = world.users(device);
  if (!users.empty()) {
    return busy(device, users.front());
  }
  return device;
}

Result<Device> SimDisks::whole_disk(const DeviceRef& ref) {
  const Device device = TRY(existing(world_, ref));
  if (device.number != 0) {
    return Error(Code::io, device.node + " is a partition, not a disk", ENOTBLK);
  }
  return device;
}

// Polls ten times a second.
Result<std::string> SimDisks::await(const DeviceRef& device, std::chrono::milliseconds patience) {
  constexpr std::chrono::milliseconds interval{100};
  std::chrono::milliseconds waited{0};
  auto found = existing(world_, device);
  while (!found && waited < patience) {
    world_.wait(interval);
    waited += interval;
    found = existing(world_, device);
  }
  if (!found) {
    return std::move(found).error();
  }
  return found->node;
}

Result<DiskFacts> SimDisks::facts(const DeviceRef& disk) {
  const Device device = TRY(whole_disk(disk));
  return world_.disk(device).spec().facts;
}

// Those that the machine was made with; what arrays and volumes hold is no disk of its own, nor is a shared directory.
Result<std::vector<WholeDisk>> SimDisks::whole_disks(const DiskSearch& search) {
  const auto look = [this]() -> Result<std::vector<WholeDisk>> {
    std::vector<WholeDisk> disks;
    for (const auto& disk : world_.spec().disks) {
      if (disk.node.starts_with("/dev/") && world_.find(disk.node)) {
        disks.push_back({disk.node, disk.facts, disk.model, disk.transport, disk.unfit});
      }
    }
    return disks;
  };
  return search_disks(search, {look, [] { return true; }, [this](auto time) { world_.wait(time); }});
}

Result<Table> SimDisks::read_table(const DeviceRef& disk) {
  const Device device = TRY(whole_disk(disk));
  return world_.disk(device).read_table();
}

Result<std::vector<Partition>> SimDisks::kernel_partitions(const DeviceRef& disk) {
  const Device device = TRY(whole_disk(disk));
  return world_.disk(device).kernel();
}

// The kernel refuses to drop or move a partition that is in use.
Result<void> SimDisks::free_for_table(const Device& disk, const Table& table) {
  for (const auto& [used, user] : world_.uses()) {
    if (used.disk == disk.disk && !keeps(table, used)) {
      return busy(used, user);
    }
  }
  return {};
}

Result<void> SimDisks::write_table(const DeviceRef& disk, const Table& table) {
  const auto ready = [&]() -> Result<Device> {
    Device device = TRY(whole_disk(disk));
    if (world_.volume_of(device.disk) != nullptr) {
      // GENHD_FL_NO_PART
      return Error(Code::io, device.node + " can have no partitions", EINVAL);
    }
    TRY(free_for_table(device, table));
    return device;
  };
  const auto whole = [&]() -> Result<void> {
    const Device device = TRY(ready());
    world_.disk(device).write_table(table);
    world_.touch(device.node);
    return {};
  };
  const auto half = [&] {
    if (const auto device = ready()) {
      world_.disk(*device).write_table_midway(table, world_.random());
      world_.touch(device->node);
    }
  };
  return mutate(world_, "write_table", target_of(world_, disk), whole, half);
}

Result<Signature> SimDisks::probe(const DeviceRef& device) {
  const Device found = TRY(existing(world_, device));
  return world_.disk(found).probe(found.start);
}

// Of two signatures at once none counts.
Result<ArrayMember> SimDisks::array_member(const DeviceRef& device) {
  const Device found = TRY(existing(world_, device));
  const Area* const area = world_.disk(found).area(found.start);
  if (area == nullptr || !area->now.member || area->now.signature.ambivalent) {
    return ArrayMember{};
  }
  ArrayMember member = *area->now.member;
  if (const Array* const holder = world_.holder(found)) {
    member.node = holder->node;
    member.running = true;
  }
  return member;
}

Result<std::string> SimDisks::read(const DeviceRef& device, std::size_t max_bytes) {
  const Device found = TRY(existing(world_, device));
  Disk& disk = world_.disk(found);
  std::string bytes = (found.start == 0 ? disk.spec().bytes : disk.raw(found.start)).substr(0, max_bytes);
  const auto end = static_cast<std::size_t>(found.sectors * disk.spec().facts.sector_size);
  bytes.resize(std::min(max_bytes, end), '\0');
  return bytes;
}

// As far as some byte, where it is cut.
Result<void> SimDisks::write(const DeviceRef& device, std::string_view bytes) {
  const auto put = [&](std::size_t length) -> Result<void> {
    const Device found = TRY(existing(world_, device));
    if (found.start != 0) {
      TRY(unused(world_, device));
    }
    world_.disk(found).write(found.start, found.sectors, bytes.substr(0, length));
    world_.touch(found.node);
    return {};
  };
  return mutate(
      world_, "write", target_of(world_, device), [&] { return put(bytes.size()); },
      [&] { static_cast<void>(put(world_.random().below(bytes.size() + 1))); });
}

Result<void> SimDisks::wipe_signatures(const DeviceRef& device) {
  const auto whole = [&]() -> Result<void> {
    const Device found = TRY(unused(world_, device));
    world_.disk(found).wipe(found.start);
    world_.touch(found.node);
    return {};
  };
  const auto half = [&] {
    if (const auto found = unused(world_, device)) {
      world_.disk(*found).wipe_midway(found->start, world_.random());
      world_.touch(found->node);
    }
  };
  return mutate(world_, "wipe_signatures", target_of(world_, device), whole, half);
}

Result<void> SimDisks::flush(const DeviceRef& device) {
  const auto whole = [&]() -> Result<void> {
    const Device found = TRY(existing(world_, device));
    world_.disk(found).flush(found.start);
    return {};
  };
  return mutate(world_, "flush", target_of(world_, device), whole, [] {});
}

// An area is as large as it was made, whatever becomes of its partition.
Result<FilesystemSize> SimDisks::filesystem_size(const DeviceRef& device) {
  const Device found = TRY(existing(world_, device));
  const Area* const area = world_.disk(found).area(found.start);
  if (area == nullptr || !can_grow(area->now.signature.type)) {
    return Error(Code::io, found.node + " has no file system that tells its size");
  }
  const std::int64_t sector_size = world_.disk(found).spec().facts.sector_size;
  return FilesystemSize{area->sectors * sector_size, found.sectors * sector_size};
}

// The file system's journal makes it all or nothing.
Result<void> SimDisks::grow_filesystem(const DeviceRef& device) {
  const auto whole = [&]() -> Result<void> {
    const Device found = TRY(existing(world_, device));
    static_cast<void>(TRY(filesystem_size(device)));
    world_.disk(found).grow(found.start, found.sectors);
    world_.touch(found.node);
    return {};
  };
  return mutate(world_, "grow_filesystem", target_of(world_, device), whole, [] {});
}

Result<std::vector<std::string>> SimDisks::users(const DeviceRef& device) {
  const Device found = TRY(existing(world_, device));
  return world_.users(found);
}

}  // namespace provision::host::sim
