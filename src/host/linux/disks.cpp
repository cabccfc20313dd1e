// SPDX-License-Identifier: Apache-2.0
#include "host/linux/disks.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "host/disk_search.hpp"
#include "host/linux/array_member.hpp"
#include "host/linux/block_device.hpp"
#include "host/linux/descriptor.hpp"
#include "host/linux/filesystem_growth.hpp"
#include "host/linux/kernel_partitions.hpp"
#include "host/linux/partition_table.hpp"
#include "host/linux/process_start.hpp"
#include "host/linux/signatures.hpp"
#include "host/linux/uevents.hpp"
#include "host/linux/whole_disks.hpp"

namespace provision::host {
namespace {

constexpr std::chrono::milliseconds first_pause{2};
constexpr std::chrono::milliseconds longest_pause{50};
constexpr std::chrono::seconds lock_patience{30};

std::string shown(const DeviceRef& device) {
  return device.path.empty() ? "partition " + std::to_string(device.number) + " of " + device.disk : device.path;
}

// Opens the whole disk and keeps others from probing it while the descriptor lives. udevd follows the same rule
// (systemd, "Locking Block Device Access"): it takes the lock itself, without waiting, before it probes or, after
// someone closed the disk having written to it, has the kernel re-read the table by BLKRRPART; while we hold it, it
// does not. After the lock is gone it may do so: with a table parser in the kernel that yields the partitions that
// BLKPG has set up already.
Result<Descriptor> open_locked(const BlockDevice& disk, int flags) {
  Descriptor file = TRY(open_device(disk.node, flags));
  const auto deadline = std::chrono::steady_clock::now() + lock_patience;
  auto pause = first_pause;
  while (::flock(file.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return io_error("cannot lock " + disk.node);
    }
    if (std::chrono::steady_clock::now() >= deadline) {
      return Error(Code::device_busy, "another program keeps " + disk.node + " locked");
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, longest_pause);
  }
  return file;
}

// udevd answers within milliseconds; if it does not, what comes next does not depend on it.
constexpr std::chrono::seconds udev_patience{5};

// Keeps the partitions open. When we close the disk that we wrote to, udevd has the kernel read the table again, which
// removes and adds all partitions, unless one is open: so none is gone for a moment just when somebody wants it.
std::vector<Descriptor> held_open(const std::vector<KernelPartition>& partitions) {
  std::vector<Descriptor> held;
  for (const auto& partition : partitions) {
    if (auto file = open_device(partition.device.node, O_RDONLY)) {
      held.push_back(*std::move(file));
    }
  }
  return held;
}

// The disk first: by its answer we know that udevd has noticed that it was written to.
Result<void> await_udev_of(const BlockDevice& disk) {
  if (await_udev({disk}, udev_patience)) {
    std::vector<BlockDevice> partitions;
    for (auto& partition : TRY(partitions_of(disk))) {
      partitions.push_back(std::move(partition.device));
    }
    await_udev(partitions, udev_patience);
  }
  return {};
}

Result<void> erase_alone(const BlockDevice& device) {
  const std::lock_guard starting(starting_lock());
  // O_EXCL on a block device fails with EBUSY if it, or a partition of it, is mounted or held (open(2)).
  const Descriptor file = TRY(open_device(device.node, O_RDWR | O_EXCL));
  return erase_signatures(file.get(), device.node);
}

Result<void> flush_open(int fd, const std::string& node) {
  if (uninterrupted([&] { return ::fsync(fd); }) != 0) {
    return io_error("cannot make what was written to " + node + " durable");
  }
  return {};
}

// udev reads the table again when the disk is closed, and takes none of the partitions away that are held open.
Result<void> write_to_disk(const BlockDevice& disk, std::string_view bytes) {
  std::vector<Descriptor> held;
  {
    const Descriptor file = TRY(open_locked(disk, O_RDWR));
    TRY(write_all(file.get(), bytes, disk.node));
    TRY(flush_open(file.get(), disk.node));
    held = held_open(TRY(partitions_of(disk)));
  }
  return await_udev_of(disk);
}

Result<void> write_to_partition(const BlockDevice& disk, const BlockDevice& partition, std::string_view bytes) {
  const Descriptor lock = TRY(open_locked(disk, O_RDONLY));
  const std::lock_guard starting(starting_lock());
  const Descriptor file = TRY(open_device(partition.node, O_RDWR | O_EXCL));
  TRY(write_all(file.get(), bytes, partition.node));
  return flush_open(file.get(), partition.node);
}

}  // namespace

Result<std::string> LinuxDisks::await(const DeviceRef& device, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  auto pause = first_pause;
  while (true) {
    // Each time from the name on: a link of udev's may appear, or come to point elsewhere, at any moment.
    auto found = find_device(device);
    int saved = found ? 0 : found.error().system_error;
    if (found) {
      const auto opened = open_device(found->node, O_RDONLY);
      if (opened) {
        return std::move(found->node);
      }
      saved = opened.error().system_error;
    }
    const auto now = std::chrono::steady_clock::now();
    if (now >= deadline) {
      const bool waited = patience.count() > 0;
      return Error(Code::device_missing,
                   shown(device) + (waited ? " did not appear within " + std::to_string(patience.count()) + " ms"
                                           : std::string(" is not there")),
                   saved);
    }
    std::this_thread::sleep_for(std::min<std::chrono::steady_clock::duration>(pause, deadline - now));
    pause = std::min(pause * 2, longest_pause);
  }
}

Result<DiskFacts> LinuxDisks::facts(const DeviceRef& disk) { return disk_facts(TRY(find_device(disk))); }

Result<std::vector<WholeDisk>> LinuxDisks::whole_disks(const DiskSearch& search) {
  const auto sleep = [](std::chrono::milliseconds time) { std::this_thread::sleep_for(time); };
  return search_disks(search, {&look_at_whole_disks, &is_udev_idle, sleep});
}

Result<Table> LinuxDisks::read_table(const DeviceRef& disk) {
  const BlockDevice device = TRY(find_device(disk));
  const DiskFacts facts = TRY(disk_facts(device));
  const Descriptor file = TRY(open_device(device.node, O_RDONLY));
  return read_partition_table(file.get(), facts, device.node);
}

Result<std::vector<Partition>> LinuxDisks::kernel_partitions(const DeviceRef& disk) {
  const BlockDevice device = TRY(find_device(disk));
  return known_partitions(device, TRY(disk_facts(device)).sector_size);
}

Result<void> LinuxDisks::write_table(const DeviceRef& disk, const Table& table) {
  const BlockDevice device = TRY(find_device(disk));
  const DiskFacts facts = TRY(disk_facts(device));
  std::vector<Descriptor> held;
  {
    const Descriptor file = TRY(open_locked(device, O_RDWR));
    TRY(check_changeable(device, table.partitions, facts.sector_size));
    TRY(write_partition_table(file.get(), table, device.node));
    TRY(tell_kernel(file.get(), device, table.partitions, facts.sector_size));
    held = held_open(TRY(partitions_of(device)));
  }
  return await_udev_of(device);
}

Result<Signature> LinuxDisks::probe(const DeviceRef& device) {
  const BlockDevice found = TRY(find_device(device));
  const Descriptor file = TRY(open_device(found.node, O_RDONLY));
  return probe_signature(file.get(), found.node);
}

Result<ArrayMember> LinuxDisks::array_member(const DeviceRef& device) {
  const BlockDevice found = TRY(find_device(device));
  const Descriptor file = TRY(open_device(found.node, O_RDONLY));
  return read_array_member(file.get(), found);
}

Result<std::string> LinuxDisks::read(const DeviceRef& device, std::size_t max_bytes) {
  const BlockDevice found = TRY(find_device(device));
  const Descriptor file = TRY(open_device(found.node, O_RDONLY));
  const off_t end = ::lseek(file.get(), 0, SEEK_END);
  if (end < 0) {
    return io_error("cannot tell the size of " + found.node);
  }
  return read_at(file.get(), 0, std::min<std::size_t>(max_bytes, static_cast<std::size_t>(end)), found.node);
}

Result<void> LinuxDisks::write(const DeviceRef& device, std::string_view bytes) {
  const BlockDevice found = TRY(find_device(device));
  const BlockDevice whole = TRY(whole_disk(found));
  return whole.node == found.node ? write_to_disk(whole, bytes) : write_to_partition(whole, found, bytes);
}

Result<void> LinuxDisks::wipe_signatures(const DeviceRef& device) {
  const BlockDevice found = TRY(find_device(device));
  const Descriptor lock = TRY(open_locked(TRY(whole_disk(found)), O_RDONLY));
  TRY(erase_alone(found));
  return flush({found.node, {}, 0});
}

Result<void> LinuxDisks::flush(const DeviceRef& device) {
  const BlockDevice found = TRY(find_device(device));
  const Descriptor file = TRY(open_device(found.node, O_RDONLY));
  return flush_open(file.get(), found.node);
}

Result<FilesystemSize> LinuxDisks::filesystem_size(const DeviceRef& device) {
  const BlockDevice found = TRY(find_device(device));
  return size_of_filesystem(found);
}

Result<void> LinuxDisks::grow_filesystem(const DeviceRef& device) {
  const BlockDevice found = TRY(find_device(device));
  TRY(grow_filesystem_on(found));
  return flush({found.node, {}, 0});
}

Result<std::vector<std::string>> LinuxDisks::users(const DeviceRef& device) {
  std::vector<BlockDevice> devices{TRY(find_device(device))};
  for (auto& partition : TRY(partitions_of(devices.front()))) {
    devices.push_back(std::move(partition.device));
  }
  return users_of(devices);
}

}  // namespace provision::host
