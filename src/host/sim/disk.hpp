// SPDX-License-Identifier: Apache-2.0
// A simulated disk: two copies of its table, what its areas hold, and what the kernel knows of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "host/crypt.hpp"
#include "host/disks.hpp"
#include "host/sim/machine.hpp"
#include "host/sim/random.hpp"
#include "host/sim/tree.hpp"

namespace provision::host::sim {

// A LUKS header.
struct Luks {
  LuksHeader header;
  // How it was made.
  LuksFormat format;
  // Of what it was opened with, that which the header keeps.
  LuksOpen flags;
  // What opens its key slots, by their numbers.
  std::map<int, std::string> keys;
  std::vector<std::string> tokens;
  // Where it was given to the making: else it is drawn, and nobody asks for it.
  std::string volume_key{};
  // Which of World's disks is what it holds.
  std::size_t content = 0;
};

// What stands in an area: a signature and, for a file system, its files.
struct Formatted {
  Signature signature;
  // Probes as complete, but mkfs never finished: only check() sees it.
  bool torn = false;
  FileSystem files;
  // The superblock of an array's member, without what the kernel makes of it.
  std::optional<ArrayMember> member = std::nullopt;
  std::optional<Luks> luks = std::nullopt;
  // A vfat whose changes a power cut interrupted: only check() sees it.
  bool damaged = false;
};

// One extent of sectors that holds something. `before` is what the medium still holds (nothing: blank) while `now` has
// been made but not been flushed.
struct Area {
  std::int64_t sectors = 0;
  Formatted now;
  bool flushed = true;
  std::optional<Formatted> before;
};

// One of the two copies of a GPT.
struct TableCopy {
  enum class State : std::uint8_t { absent, whole, broken };
  State state = State::absent;
  Table table;
  bool operator==(const TableCopy&) const = default;
};

// "/dev/vda1", "/dev/nvme0n1p1"; number 0 is the whole disk.
std::string partition_node(const std::string& disk, std::int64_t number);

// Where the tree of an area without a signature has what was written to it.
inline constexpr std::string_view raw_path = "/bytes";

// What a member of the array is, probed and read.
Formatted array_member(const ArrayMember& superblock);

// What the medium holds of an area: one that was made and not flushed is what it was before. Nothing: it is blank.
const Formatted* durable(const Area& area);

class Disk {
 public:
  explicit Disk(DiskSpec spec);

  [[nodiscard]] const DiskSpec& spec() const { return spec_; }
  [[nodiscard]] const std::vector<Partition>& kernel() const { return kernel_; }
  [[nodiscard]] const std::map<std::int64_t, Area>& areas() const { return areas_; }
  // The kernel's own; for an array, whose node may be another in each boot, a name of its own: "/dev/md/data".
  [[nodiscard]] std::string node(std::int64_t number) const { return partition_node(spec_.node, number); }

  [[nodiscard]] Table read_table() const;
  // Both copies, whole, and told to the kernel.
  void write_table(const Table& table);
  // As far as one of the writes, which are in a fixed order; the kernel is not told.
  void write_table_midway(const Table& table, Random& random);

  // What starts at `start`; nothing if that is blank.
  [[nodiscard]] Area* area(std::int64_t start);
  [[nodiscard]] Signature probe(std::int64_t start) const;
  // The bytes that were written to the extent; empty: none, or it holds something that probe() knows.
  [[nodiscard]] std::string raw(std::int64_t start) const;
  // Writes them at its beginning, durably; what is behind stays. At 0 it is the boot code of the disk.
  void write(std::int64_t start, std::int64_t sectors, std::string_view bytes);
  // Makes a file system in the extent, not yet flushed. What else lay in the extent is gone.
  void format(std::int64_t start, std::int64_t sectors, Formatted made);
  void wipe(std::int64_t start);
  void wipe_midway(std::int64_t start, Random& random);
  void flush(std::int64_t start);
  // What starts at `start` reaches so far from now on, durably.
  void grow(std::int64_t start, std::int64_t sectors);

  // Writes the superblock of an array's member, durably. What else lay in the extent is gone, but for the signature of
  // another kind that nobody wiped: then libblkid sees two.
  void join(std::int64_t start, std::int64_t sectors, const ArrayMember& superblock);
  // Writes a LUKS header, durably. What else lay in the extent is gone.
  void encrypt(std::int64_t start, std::int64_t sectors, Luks header);
  // The extent is as it was, or blank, or has the header without its key slot or with it.
  void encrypt_midway(std::int64_t start, std::int64_t sectors, Luks header, Random& random);
  // The same content under another name and, should an array's members have grown, with another size.
  void rename(std::string node, const DiskFacts& facts);

  // Everything is written back.
  void settle();
  // The power goes and comes back, and the kernel reads the table anew.
  void lose(Loss loss, Random& random);
  // What firmware does before it boots from the disk: a broken first copy of the table becomes as the other one.
  void restore_first_copy();

 private:
  void read_by_kernel();
  [[nodiscard]] Table with_bounds(Table table) const;

  // On the medium: the protective boot record, without which nobody takes the copies for a table, and the copies.
  struct Gpt {
    bool marked = false;
    TableCopy primary;
    TableCopy backup;
    // The backup is not at the end.
    bool short_of_end = false;
  };

  [[nodiscard]] TableKind kind() const;

  DiskSpec spec_;
  Gpt gpt_;
  std::map<std::int64_t, Area> areas_;
  std::vector<Partition> kernel_;
};

}  // namespace provision::host::sim
