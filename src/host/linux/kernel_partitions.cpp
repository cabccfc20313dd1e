// SPDX-License-Identifier: Apache-2.0
// BLKPG (linux/blkpg.h) works in a kernel without any table parser as well, and leaves partitions in use alone.
// BLKRRPART does neither: it fails if one partition is in use, and a kernel without CONFIG_EFI_PARTITION drops all of
// them.
#include "host/linux/kernel_partitions.hpp"

#include <linux/blkpg.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/text.hpp"
#include "host/linux/device_mapper.hpp"

namespace provision::host {
namespace {

constexpr std::int64_t sysfs_unit = 512;
// udevd or another prober may have a partition open for a moment: BLKPG_DEL_PARTITION then gives EBUSY
// (bdev_del_partition in the kernel's block/partitions/core.c looks at the open count alone).
constexpr std::chrono::seconds busy_patience{5};

const Partition* with_number(const std::vector<Partition>& partitions, std::int64_t number) {
  const auto found =
      std::find_if(partitions.begin(), partitions.end(), [&](const auto& p) { return p.number == number; });
  return found == partitions.end() ? nullptr : &*found;
}

int blkpg(int fd, int operation, const Partition& partition, std::int64_t sector_size) {
  blkpg_partition data{};
  data.pno = static_cast<int>(partition.number);
  data.start = partition.start * sector_size;
  data.length = partition.size * sector_size;
  blkpg_ioctl_arg argument{};
  argument.op = operation;
  argument.datalen = sizeof data;
  argument.data = &data;
  return ::ioctl(fd, BLKPG, &argument);
}

int blkpg_patiently(int fd, int operation, const Partition& partition, std::int64_t sector_size) {
  const auto deadline = std::chrono::steady_clock::now() + busy_patience;
  auto pause = std::chrono::milliseconds(1);
  while (true) {
    const int result = blkpg(fd, operation, partition, sector_size);
    if (result == 0 || errno != EBUSY || std::chrono::steady_clock::now() >= deadline) {
      return result;
    }
    std::this_thread::sleep_for(pause);
    pause = std::min(pause * 2, std::chrono::milliseconds(50));
  }
}

Error refused(const std::string& doing, const Partition& partition, const BlockDevice& disk) {
  const int saved = errno;
  return {saved == EBUSY ? Code::device_busy : Code::io,
          "the kernel would not " + doing + " partition " + std::to_string(partition.number) + " of " + disk.node,
          saved};
}

Error in_use(const BlockDevice& device, const std::vector<std::string>& users) {
  return {Code::device_busy,
          device.node + " would have to change and is in use (" + join(users, ", ") + "); nothing was written"};
}

bool same_place(const Partition& a, const Partition& b) {
  return a.number == b.number && a.start == b.start && a.size == b.size;
}

// Sizes first go down, then up, so that neighbours do not overlap in between; the kernel would refuse that.
Result<void> resize_all(int fd, const BlockDevice& disk, const std::vector<Partition>& known,
                        const std::vector<Partition>& wanted, std::int64_t sector_size) {
  for (const bool growing : {false, true}) {
    for (const auto& old : known) {
      const Partition* now = with_number(wanted, old.number);
      if (now == nullptr || now->start != old.start || now->size == old.size || growing != (now->size > old.size)) {
        continue;
      }
      if (blkpg_patiently(fd, BLKPG_RESIZE_PARTITION, *now, sector_size) != 0) {
        return refused("resize", *now, disk);
      }
    }
  }
  return {};
}

}  // namespace

Result<std::vector<Partition>> known_partitions(const BlockDevice& disk, std::int64_t sector_size) {
  std::vector<Partition> partitions;
  for (const auto& known : TRY(partitions_of(disk))) {
    Partition partition;
    partition.number = known.number;
    partition.start = known.start_512 * sysfs_unit / sector_size;
    partition.size = known.size_512 * sysfs_unit / sector_size;
    partitions.push_back(std::move(partition));
  }
  return partitions;
}

Result<void> check_changeable(const BlockDevice& disk, const std::vector<Partition>& wanted, std::int64_t sector_size) {
  // Not through a partition: a file system, an LVM volume or an array on the disk as a whole.
  const auto disk_users = TRY(users_of({disk}));
  if (!disk_users.empty()) {
    return in_use(disk, disk_users);
  }
  for (const auto& known : TRY(partitions_of(disk))) {
    const Partition* now = with_number(wanted, known.number);
    if (now != nullptr && now->start == known.start_512 * sysfs_unit / sector_size &&
        now->size >= known.size_512 * sysfs_unit / sector_size) {
      continue;
    }
    const auto users = TRY(users_of({known.device}));
    if (!users.empty()) {
      return in_use(known.device, users);
    }
  }
  return {};
}

namespace {

// The same by maps. In the order of removing, shrinking, growing and adding, too, though maps may overlap.
Result<void> tell_mapper(const BlockDevice& disk, const Mapped& mapped, const std::vector<Partition>& wanted,
                         std::int64_t sector_size) {
  const std::string disk_number = kernel_text(disk.sysfs + "/dev");
  const auto known = TRY(known_partitions(disk, sector_size));
  const auto extent = [&](const Partition& p) {
    return Extent{p.start * (sector_size / sysfs_unit), p.size * (sector_size / sysfs_unit)};
  };
  for (const auto& old : TRY(partitions_of(disk))) {
    const auto map = mapped_device(old.device.sysfs);
    const Partition* now = with_number(wanted, old.number);
    const Partition* then = with_number(known, old.number);
    if (!map || then == nullptr) {
      continue;
    }
    if (now == nullptr || now->start != then->start) {
      TRY(remove_map(map->name));
    } else if (now->size != then->size) {
      TRY(resize_map(map->name, disk_number, extent(*now)));
    }
  }
  for (const auto& one : wanted) {
    const Partition* old = with_number(known, one.number);
    if (old == nullptr || old->start != one.start) {
      TRY(create_map(partition_map(mapped, one.number), disk_number, extent(one)));
    }
  }
  return {};
}

Result<void> tell_blkpg(int fd, const BlockDevice& disk, const std::vector<Partition>& wanted,
                        std::int64_t sector_size) {
  const auto known = TRY(known_partitions(disk, sector_size));
  for (const auto& old : known) {
    const Partition* now = with_number(wanted, old.number);
    if ((now == nullptr || now->start != old.start) &&
        blkpg_patiently(fd, BLKPG_DEL_PARTITION, old, sector_size) != 0 && errno != ENXIO) {
      return refused("remove", old, disk);
    }
  }
  TRY(resize_all(fd, disk, known, wanted, sector_size));
  for (const auto& one : wanted) {
    const Partition* old = with_number(known, one.number);
    if ((old == nullptr || old->start != one.start) && blkpg(fd, BLKPG_ADD_PARTITION, one, sector_size) != 0 &&
        errno != EBUSY) {
      return refused("add", one, disk);
    }
  }
  return {};
}

}  // namespace

Result<void> tell_kernel(int fd, const BlockDevice& disk, const std::vector<Partition>& wanted,
                         std::int64_t sector_size) {
  const auto mapped = mapped_device(disk.sysfs);
  TRY(mapped ? tell_mapper(disk, *mapped, wanted, sector_size) : tell_blkpg(fd, disk, wanted, sector_size));
  // An addition gives EBUSY also when the kernel got the partition from elsewhere meanwhile: what it has now decides.
  const auto result = TRY(known_partitions(disk, sector_size));
  for (const auto& one : wanted) {
    const Partition* now = with_number(result, one.number);
    if (now == nullptr || !same_place(*now, one)) {
      errno = 0;
      return refused("take over", one, disk);
    }
  }
  return {};
}

}  // namespace provision::host
