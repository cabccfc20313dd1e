// SPDX-License-Identifier: Apache-2.0
#include "host/sim/disk.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "base/assert.hpp"

namespace provision::host::sim {
namespace {

Formatted formatted(Content content) {
  return Formatted{std::move(content.signature), false, FileSystem(std::move(content.files)),
                   std::move(content.member)};
}

// Two at once, of which libblkid can't tell which one counts.
Signature two_signatures() { return {"ambivalent", "", "", true}; }

Formatted garbage() {
  Formatted made;
  made.signature = two_signatures();
  return made;
}

constexpr std::string_view member_type = "linux_raid_member";

TableCopy whole(const Table& table) { return TableCopy{TableCopy::State::whole, table}; }

TableCopy broken() { return TableCopy{TableCopy::State::broken, {}}; }

// A copy while its new entries are written and its header is not: the header goes last, so one that was not there is
// not there yet; and what is written over itself stays as it is.
TableCopy without_new_header(const TableCopy& old, const TableCopy& fresh) {
  const bool stays = old.state == TableCopy::State::absent || old == fresh;
  return stays ? old : broken();
}

// What the medium holds of an area that was made and not flushed.
std::optional<Formatted> surviving(Area area, Loss loss, Random& random) {
  if (loss == Loss::all) {
    return std::move(area.before);
  }
  if (loss == Loss::none) {
    return std::move(area.now);
  }
  const std::size_t choice = loss == Loss::data ? 3 : random.below(5);
  switch (choice) {
    case 0:
      return std::move(area.before);
    case 1:
      return std::nullopt;
    case 2:
      return garbage();
    case 3:
      area.now.torn = true;
      return std::move(area.now);
    default:
      return std::move(area.now);
  }
}

}  // namespace

Content file_system(std::string type, std::string label, std::string uuid, Tree files) {
  return Content{Signature{std::move(type), std::move(label), std::move(uuid), false}, std::move(files), std::nullopt};
}

Content foreign(std::string type, std::string label, std::string uuid) {
  return file_system(std::move(type), std::move(label), std::move(uuid));
}

Content raw_bytes(std::string bytes) {
  return Content{Signature{}, tree({{std::string(raw_path), regular(std::move(bytes))}}), std::nullopt};
}

Formatted array_member(const ArrayMember& superblock) {
  Formatted made;
  made.signature = {std::string(member_type), "any:" + superblock.name, superblock.array.text(), false};
  made.member = superblock;
  return made;
}

const Formatted* durable(const Area& area) {
  if (area.flushed) {
    return &area.now;
  }
  return area.before ? &*area.before : nullptr;
}

Content member_of(const ArraySpec& array) {
  constexpr std::int64_t started = 1;
  Formatted made = array_member(ArrayMember{array.uuid, array.name, array.level, array.devices, started, "", false});
  return Content{std::move(made.signature), tree(), std::move(made.member)};
}

std::string partition_node(const std::string& disk, std::int64_t number) {
  if (number == 0) {
    return disk;
  }
  const char last = disk.back();
  return disk + (last >= '0' && last <= '9' ? "p" : "") + std::to_string(number);
}

Disk::Disk(DiskSpec spec) : spec_(std::move(spec)) {
  if (spec_.content) {
    areas_.emplace(0, Area{spec_.facts.sectors, formatted(*spec_.content), true, std::nullopt});
  }
  if (spec_.damaged) {
    gpt_ = Gpt{true, broken(), broken(), false};
  }
  if (spec_.disk_guid.empty()) {
    return;
  }
  Table table;
  table.kind = TableKind::gpt;
  table.disk_guid = spec_.disk_guid;
  for (const auto& partition : spec_.partitions) {
    table.partitions.push_back(partition.entry);
    if (partition.content) {
      areas_.emplace(partition.entry.start,
                     Area{partition.entry.size, formatted(*partition.content), true, std::nullopt});
    }
  }
  const TableCopy copy = whole(with_bounds(table));
  gpt_ = spec_.damaged ? Gpt{false, {}, copy, false} : Gpt{true, copy, copy, spec_.grown};
  read_by_kernel();
}

// As host/linux: boot record, header and entries before, entries and header after.
Table Disk::with_bounds(Table table) const {
  const std::int64_t entries = std::int64_t{128} * 128 / spec_.facts.sector_size;
  table.first = 2 + entries;
  table.last = spec_.facts.sectors - 2 - entries;
  return table;
}

TableKind Disk::kind() const {
  using State = TableCopy::State;
  const bool traces = gpt_.primary.state != State::absent || gpt_.backup.state != State::absent;
  if (!gpt_.marked) {
    return !spec_.other_table.empty() ? TableKind::other : traces ? TableKind::damaged : TableKind::none;
  }
  const bool whole = gpt_.primary.state == State::whole && gpt_.primary == gpt_.backup;
  return whole ? TableKind::gpt : TableKind::damaged;
}

Table Disk::read_table() const {
  Table seen;
  const bool counts = kind() == TableKind::gpt || kind() == TableKind::damaged;
  if (counts && gpt_.primary.state == TableCopy::State::whole) {
    seen = gpt_.primary.table;
  } else if (counts && gpt_.backup.state == TableCopy::State::whole) {
    seen = gpt_.backup.table;
  }
  seen = with_bounds(std::move(seen));
  seen.kind = kind();
  seen.grown = seen.kind == TableKind::gpt && gpt_.short_of_end;
  seen.other_name = seen.kind == TableKind::other ? spec_.other_table : "";
  return seen;
}

void Disk::write_table(const Table& table) {
  Table written = with_bounds(table);
  written.kind = TableKind::gpt;
  written.other_name.clear();
  written.grown = false;
  std::sort(written.partitions.begin(), written.partitions.end(),
            [](const Partition& a, const Partition& b) { return a.number < b.number; });
  const Uuid before = read_table().disk_guid;
  if (before != written.disk_guid && !is_placeholder(before)) {
    spec_.bytes.clear();
  }
  gpt_ = Gpt{true, whole(written), whole(written), false};
  // The table lies over whatever the whole disk held.
  areas_.erase(0);
  read_by_kernel();
}

// libfdisk writes the backup's entries and its header, the primary's entries and its header, and the boot record, in
// this order, each with an fsync.
void Disk::write_table_midway(const Table& table, Random& random) {
  const Gpt old = gpt_;
  const std::string boot_record = spec_.bytes;
  const std::vector<Partition> known = kernel_;
  write_table(table);
  kernel_ = known;
  const TableCopy fresh = gpt_.primary;
  const std::array stops{
      old,
      Gpt{old.marked, old.primary, without_new_header(old.backup, fresh), false},
      Gpt{old.marked, old.primary, fresh, false},
      Gpt{old.marked, without_new_header(old.primary, fresh), fresh, false},
      Gpt{old.marked, fresh, fresh, false},
      gpt_,
  };
  const std::size_t stop = random.below(stops.size());
  if (stop + 1 < stops.size()) {
    spec_.bytes = boot_record;
  }
  gpt_ = stops.at(stop);
}

Area* Disk::area(std::int64_t start) {
  const auto found = areas_.find(start);
  return found == areas_.end() ? nullptr : &found->second;
}

Signature Disk::probe(std::int64_t start) const {
  const auto found = areas_.find(start);
  return found == areas_.end() ? Signature{} : found->second.now.signature;
}

std::string Disk::raw(std::int64_t start) const {
  const auto found = areas_.find(start);
  if (found == areas_.end() || !found->second.now.signature.type.empty()) {
    return {};
  }
  const Tree& held = found->second.now.files.now();
  const auto bytes = held.find(raw_path);
  return bytes == held.end() ? std::string() : bytes->second.content;
}

void Disk::write(std::int64_t start, std::int64_t sectors, std::string_view bytes) {
  std::string all = start == 0 ? spec_.bytes : raw(start);
  all.replace(0, std::min(bytes.size(), all.size()), bytes);
  if (start == 0) {
    spec_.bytes = std::move(all);
    return;
  }
  // Zeros at its end are what a blank extent has.
  all.erase(all.find_last_not_of('\0') + 1);
  format(start, sectors, formatted(raw_bytes(std::move(all))));
  flush(start);
}

void Disk::format(std::int64_t start, std::int64_t sectors, Formatted made) {
  Area area{sectors, std::move(made), false, std::nullopt};
  if (Area* const old = this->area(start)) {
    area.before = old->flushed ? std::optional(std::move(old->now)) : std::move(old->before);
  }
  for (auto& [other_start, other] : areas_) {
    // What begins before the extent and reaches into it has lost its end.
    other.now.torn = other.now.torn || (other_start < start && other_start + other.sectors > start);
  }
  areas_.erase(areas_.lower_bound(start), areas_.lower_bound(start + sectors));
  if (start == 0) {
    gpt_ = Gpt{};
  }
  areas_.emplace(start, std::move(area));
}

void Disk::wipe(std::int64_t start) { areas_.erase(start); }

void Disk::wipe_midway(std::int64_t start, Random& random) {
  Area* const held = area(start);
  if (held == nullptr) {
    return;
  }
  switch (random.below(3)) {
    case 0:
      break;
    case 1:
      held->now = garbage();
      break;
    default:
      wipe(start);
  }
}

void Disk::flush(std::int64_t start) {
  if (Area* const held = area(start)) {
    held->flushed = true;
    held->before.reset();
  }
}

void Disk::grow(std::int64_t start, std::int64_t sectors) {
  if (Area* const held = area(start)) {
    held->sectors = sectors;
  }
}

void Disk::join(std::int64_t start, std::int64_t sectors, const ArrayMember& superblock) {
  const Signature old = probe(start);
  Formatted made = array_member(superblock);
  if (!old.type.empty() && old.type != member_type) {
    made.signature = two_signatures();
  }
  format(start, sectors, std::move(made));
  flush(start);
}

void Disk::encrypt(std::int64_t start, std::int64_t sectors, Luks header) {
  Formatted made;
  made.signature = {"crypto_LUKS", header.header.label, header.header.uuid, false};
  made.luks = std::move(header);
  format(start, sectors, std::move(made));
  flush(start);
}

// libcryptsetup wipes the place of the header and of its key slots, writes the header, and then the key slot, each with
// an fsync.
void Disk::encrypt_midway(std::int64_t start, std::int64_t sectors, Luks header, Random& random) {
  const std::size_t stop = random.below(4);
  if (stop == 0) {
    return;
  }
  header.header.has_key = stop == 3;
  if (!header.header.has_key) {
    header.keys.clear();
  }
  encrypt(start, sectors, std::move(header));
  if (stop == 1) {
    wipe(start);
  }
}

void Disk::rename(std::string node, const DiskFacts& facts) {
  spec_.node = std::move(node);
  spec_.facts = facts;
}

void Disk::settle() {
  for (auto& [start, held] : areas_) {
    flush(start);
    held.now.files.settle();
  }
}

void Disk::lose(Loss loss, Random& random) {
  std::map<std::int64_t, Area> kept;
  for (auto& [start, held] : areas_) {
    const std::int64_t sectors = held.sectors;
    auto left = held.flushed ? std::optional(std::move(held.now)) : surviving(std::move(held), loss, random);
    if (left) {
      // FAT has no journal: who knows what of a change is there.
      left->damaged = left->damaged || (left->signature.type == "vfat" && !left->files.is_settled());
      left->files.lose(loss, random);
      kept.emplace(start, Area{sectors, std::move(*left), true, std::nullopt});
    }
  }
  areas_ = std::move(kept);
  read_by_kernel();
}

void Disk::restore_first_copy() {
  using State = TableCopy::State;
  if (gpt_.marked && gpt_.primary.state != State::whole && gpt_.backup.state == State::whole) {
    gpt_.primary = gpt_.backup;
    read_by_kernel();
  }
}

// The kernel reads the backup only when it is told to, by "gpt" on its command line.
void Disk::read_by_kernel() {
  kernel_.clear();
  if (!gpt_.marked || gpt_.primary.state != TableCopy::State::whole) {
    return;
  }
  for (const auto& entry : gpt_.primary.table.partitions) {
    Partition known;
    known.number = entry.number;
    known.start = entry.start;
    known.size = entry.size;
    kernel_.push_back(std::move(known));
  }
}

}  // namespace provision::host::sim
