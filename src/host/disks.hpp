// SPDX-License-Identifier: Apache-2.0
// Block devices, partition tables and signatures.
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.hpp"
#include "base/uuid.hpp"

namespace provision::host {

// A block device as the config names it. Where the plan knows that it is a partition of a disk, `disk` and `number` say
// so, and the kernel's own node of that partition is used: no udev link has to be waited for.
struct DeviceRef {
  std::string path;
  std::string disk;
  std::int64_t number = 0;
  bool operator==(const DeviceRef&) const = default;
};

// One GPT entry. Sectors are logical sectors of the disk.
struct Partition {
  std::int64_t number = 0;
  std::int64_t start = 0;
  std::int64_t size = 0;
  Uuid type;
  Uuid guid;
  std::string label;
  bool operator==(const Partition&) const = default;
};

enum class TableKind : std::uint8_t { none, gpt, damaged, other };

constexpr auto words(TableKind /*any*/) {
  using Row = std::pair<TableKind, std::string_view>;
  return std::array{Row{TableKind::none, "none"}, Row{TableKind::gpt, "gpt"}, Row{TableKind::damaged, "damaged"},
                    Row{TableKind::other, "other"}};
}

// `first` and `last` are the usable sectors. For TableKind::other `other_name` is libfdisk's name of it ("dos", …).
// `grown`: a whole GPT whose backup copy is not at the disk's end, as on an image that was laid on a larger disk.
struct Table {
  TableKind kind = TableKind::none;
  std::string other_name;
  Uuid disk_guid;
  std::vector<Partition> partitions;
  std::int64_t first = 0;
  std::int64_t last = 0;
  bool grown = false;
  bool operator==(const Table&) const = default;
};

// Images carry this GUID to every disk that is made of them: Flatcar's do, and what boots first is to replace it.
inline bool is_placeholder(const Uuid& disk_guid) { return disk_guid.text() == "00000000-0000-0000-0000-000000000001"; }

// What identifies a disk and how large it is. Bytes a logical sector; empty strings where the kernel knows nothing.
struct DiskFacts {
  std::int64_t sector_size = 512;
  std::int64_t sectors = 0;
  std::string serial;
  std::string wwn;
  // The place in the hardware: the sysfs device path without the block part ("pci0000:00/0000:00:02.0/virtio1").
  std::string hardware_path;
  bool operator==(const DiskFacts&) const = default;
};

// What libblkid finds on a device, file system or other ("ext4", "crypto_LUKS", "linux_raid_member"); no type: blank.
// A partition table counts as type "gpt"/"dos" only through Table, never here. `ambivalent` when several are there.
struct Signature {
  std::string type;
  std::string label;
  std::string uuid;
  bool ambivalent = false;
  bool operator==(const Signature&) const = default;
};

// What a device says of the RAID array that it is a member of: its md superblock (kernel:
// include/uapi/linux/raid/md_p.h, mdp_superblock_1), and who has it now. No `array`: it is no member of any.
struct ArrayMember {
  Uuid array;
  // As its maker named it, without the host's part.
  std::string name;
  // "linear", "raid0", …; empty where the superblock is of the old format (0.90), of which only the UUID is known.
  std::string level;
  // How many devices it is made of, without the spares.
  std::int64_t devices = 0;
  // How often the array's state was written: 0 is one that was made and never started.
  std::int64_t events = 0;
  // The array that the kernel has it in ("/dev/md127"), and whether that runs; empty: in none.
  std::string node;
  bool running = false;
  bool operator==(const ArrayMember&) const = default;
};

// A disk of the machine as a whole, whether the config names it or not. Empty strings where nothing reliable is known.
struct WholeDisk {
  // The kernel's own node ("/dev/nvme0n1").
  std::string node;
  DiskFacts facts;
  std::string model;
  // How it is attached: one of disk_transports (base/selector_path.hpp).
  std::string transport;
  // Why no selector may find it ("is read-only"); empty: it may.
  std::string unfit;
  bool operator==(const WholeDisk&) const = default;
};

// How large a file system is, and the device that it is on.
struct FilesystemSize {
  std::int64_t bytes = 0;
  std::int64_t device_bytes = 0;
  bool operator==(const FilesystemSize&) const = default;
};

// How to wait for disks. `patience` 0: what is there now.
struct DiskSearch {
  // What is waited for, to be told to people.
  std::string what = {};
  // Whether these are the disks that are wanted.
  std::function<bool(const std::vector<WholeDisk>&)> enough = {};
  std::chrono::milliseconds patience{0};
  // For so long nothing may change once they are there.
  std::chrono::milliseconds quiet{0};
};

class Disks {
 public:
  Disks() = default;
  Disks(const Disks&) = delete;
  Disks& operator=(const Disks&) = delete;
  Disks(Disks&&) = delete;
  Disks& operator=(Disks&&) = delete;
  virtual ~Disks() = default;

  // The kernel's own node ("/dev/vdb1") as soon as the device is there and no later than `patience`;
  // Code::device_missing otherwise. Also waits until the node can be opened.
  virtual Result<std::string> await(const DeviceRef& device, std::chrono::milliseconds patience) = 0;
  virtual Result<DiskFacts> facts(const DeviceRef& disk) = 0;
  // All disks of the machine that hold data of their own, in the order of their nodes: no partitions, nothing that the
  // kernel makes up of others or of memory, no optical drives and no empty ones. It returns when the search is
  // satisfied, or else after its patience, and has opened none of them.
  virtual Result<std::vector<WholeDisk>> whole_disks(const DiskSearch& search) = 0;
  // The table on the disk, both copies looked at; `damaged` when only one copy is whole or none that once was, or when
  // there is no protective boot record before them. Then GUID and partitions are those of a whole copy, if there is
  // one, of the first before those of the second.
  virtual Result<Table> read_table(const DeviceRef& disk) = 0;
  // The partitions of the disk that the kernel knows now: number, start and size only.
  virtual Result<std::vector<Partition>> kernel_partitions(const DeviceRef& disk) = 0;
  // Makes the disk's GPT exactly `table`, durably, and tells the kernel by BLKPG what changed. `first`/`last` are
  // libfdisk's own for the disk. A boot record stays where the table was this one or the image's; another table gets a
  // protective one. LOCK_EX is held on the whole disk meanwhile, so that udevd does not re-read midway.
  virtual Result<void> write_table(const DeviceRef& disk, const Table& table) = 0;
  virtual Result<Signature> probe(const DeviceRef& device) = 0;
  virtual Result<ArrayMember> array_member(const DeviceRef& device) = 0;
  // The bytes at its beginning, `max_bytes` or as many as there are.
  virtual Result<std::string> read(const DeviceRef& device, std::size_t max_bytes) = 0;
  // Writes the bytes at its beginning, durably; what is behind them stays. Of a disk: its boot code, before the table.
  // A partition must not be in use.
  virtual Result<void> write(const DeviceRef& device, std::string_view bytes) = 0;
  // Erases every signature that probe() can find (libblkid's wipe), durably.
  virtual Result<void> wipe_signatures(const DeviceRef& device) = 0;
  // Makes what was written to the device durable (fsync of the node).
  virtual Result<void> flush(const DeviceRef& device) = 0;
  // Of an ext4, XFS or Btrfs, by its superblock. Code::io if there is none of these.
  virtual Result<FilesystemSize> filesystem_size(const DeviceRef& device) = 0;
  // Lets the ext4, XFS or Btrfs take all of its device, durably; what is in it stays. The kernel does it, as for one
  // that is mounted: it replays the journal first, and a power cut leaves the old size or the new one.
  virtual Result<void> grow_filesystem(const DeviceRef& device) = 0;
  // Who holds the device or one of its partitions open: mount points, "swap", and what stands on it ("the logical
  // volume vg0-root", "the RAID array md127 (raid1)"). Empty: nobody.
  virtual Result<std::vector<std::string>> users(const DeviceRef& device) = 0;
};

}  // namespace provision::host
