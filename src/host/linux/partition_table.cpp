// SPDX-License-Identifier: Apache-2.0
#include "host/linux/partition_table.hpp"

#include <libfdisk/libfdisk.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <optional>

#include "base/text.hpp"
#include "host/linux/descriptor.hpp"
#include "host/linux/gpt_copies.hpp"
#include "host/linux/signatures.hpp"

namespace provision::host {
namespace {

struct Freed {
  void operator()(fdisk_context* context) const { fdisk_unref_context(context); }
  void operator()(fdisk_partition* partition) const { fdisk_unref_partition(partition); }
  void operator()(fdisk_parttype* type) const { fdisk_unref_parttype(type); }
  void operator()(char* text) const { std::free(text); }  // NOLINT(cppcoreguidelines-no-malloc)
};
template <class T>
using Owned = std::unique_ptr<T, Freed>;

Error out_of_memory() { return {Code::io, "cannot use libfdisk", ENOMEM}; }

// The disk as libfdisk has it in memory: changed there at will, written by write().
class Label {
 public:
  Label(int fd, const std::string& node) : node_(node), context_(fdisk_new_context()), fd_(fd) {}

  // The disk as if nothing were on it, for a table that keeps nothing of an old one.
  Result<void> open_as_blank() {
    if (context_) {
      see("gpt", false);
    }
    TRY(open());
    see("gpt", true);
    return create();
  }

  Result<void> open() {
    if (!context_) {
      return out_of_memory();
    }
    fdisk_set_ask(context_.get(), &Label::hear, this);
    fdisk_disable_dialogs(context_.get(), 1);
    // GPT alone: libfdisk takes the boot sector of a FAT for a DOS table, and the answer would change where a new GPT
    // begins. What else is there is libblkid's to say.
    for (const char* name : {"dos", "bsd", "sgi", "sun"}) {
      see(name, false);
    }
    // Not read-only, even if `fd` is: then libfdisk places the backup of a grown disk at its end, in memory. Only
    // write() writes, and the descriptor stays the caller's.
    const int result = fdisk_assign_device_by_fd(context_.get(), fd_, node_.c_str(), 0);
    return check(result, "read the partition table");
  }

  [[nodiscard]] bool has_gpt() const { return fdisk_has_label(context_.get()) != 0; }

  Result<void> create() {
    // libfdisk would begin at 1 MiB; what the specification allows begins right behind the entries, and the config may
    // ask for it.
    fdisk_set_first_lba(context_.get(), 1);
    return check(fdisk_create_disklabel(context_.get(), "gpt"), "make a partition table");
  }

  [[nodiscard]] Table table() const {
    Table table;
    table.kind = TableKind::gpt;
    char* id = nullptr;
    if (fdisk_get_disklabel_id(context_.get(), &id) == 0 && id != nullptr) {
      const Owned<char> owned(id);
      table.disk_guid = Uuid::parse(id).value_or(Uuid());
    }
    table.first = static_cast<std::int64_t>(fdisk_get_first_lba(context_.get()));
    for (std::size_t i = 0; i < fdisk_get_npartitions(context_.get()); ++i) {
      if (auto partition = entry(i)) {
        table.partitions.push_back(std::move(*partition));
      }
    }
    return table;
  }

  Result<void> set_guid(const Uuid& guid) {
    return check(fdisk_set_disklabel_id_from_string(context_.get(), guid.text().c_str()), "set the disk's GUID");
  }

  Result<void> remove(const Partition& partition) {
    return check(fdisk_delete_partition(context_.get(), index(partition)), "remove " + name(partition));
  }

  Result<void> add(const Partition& partition) {
    if (index(partition) >= fdisk_get_npartitions(context_.get())) {
      return Error(Code::unsupported, "the partition table of " + node_ + " has room for " +
                                          std::to_string(fdisk_get_npartitions(context_.get())) +
                                          " partitions, and number " + std::to_string(partition.number) +
                                          " is asked for");
    }
    const Owned<fdisk_partition> wanted = template_of(partition);
    if (!wanted) {
      return out_of_memory();
    }
    fdisk_partition_set_partno(wanted.get(), index(partition));
    fdisk_partition_set_start(wanted.get(), static_cast<std::uint64_t>(partition.start));
    fdisk_partition_set_size(wanted.get(), static_cast<std::uint64_t>(partition.size));
    // Exactly this size: otherwise libfdisk rounds the end to its grain.
    fdisk_partition_size_explicit(wanted.get(), 1);
    return check(fdisk_add_partition(context_.get(), wanted.get(), nullptr), "add " + name(partition));
  }

  // Type, GUID and label; the place and the attributes stay.
  Result<void> rename(const Partition& partition) {
    const Owned<fdisk_partition> wanted = template_of(partition);
    if (!wanted) {
      return out_of_memory();
    }
    return check(fdisk_set_partition(context_.get(), index(partition), wanted.get()), "change " + name(partition));
  }

  Result<void> resize(const Partition& partition) {
    std::uint64_t attributes = 0;
    TRY(check(fdisk_gpt_get_partition_attrs(context_.get(), index(partition), &attributes), "read the attributes"));
    TRY(remove(partition));
    TRY(add(partition));
    return check(fdisk_gpt_set_partition_attrs(context_.get(), index(partition), attributes), "set the attributes");
  }

  Result<void> write() {
    // In the specification's order: backup entries, backup header, primary entries, primary header, protective MBR,
    // with an fsync after each (libfdisk, gpt_write_disklabel). A boot record that names more than the protective
    // partition (a hybrid MBR) stays as it is; so does old boot code, unless the table was created anew.
    return check(fdisk_write_disklabel(context_.get()), "write the partition table");
  }

 private:
  void see(const char* name, bool seen) {
    if (fdisk_label* label = fdisk_get_label(context_.get(), name); label != nullptr) {
      fdisk_label_set_disabled(label, seen ? 0 : 1);
    }
  }

  static std::size_t index(const Partition& partition) { return static_cast<std::size_t>(partition.number) - 1; }

  [[nodiscard]] std::string name(const Partition& partition) const {
    return "partition " + std::to_string(partition.number);
  }

  // libfdisk's own words come here; a question gets no answer and fails the call.
  static int hear(fdisk_context* /*context*/, fdisk_ask* ask, void* user) {
    const int type = fdisk_ask_get_type(ask);
    if (type == FDISK_ASKTYPE_WARN || type == FDISK_ASKTYPE_WARNX) {
      const char* words = fdisk_ask_print_get_mesg(ask);
      static_cast<Label*>(user)->words_ = words == nullptr ? "" : words;
    }
    const bool told = type == FDISK_ASKTYPE_INFO || type == FDISK_ASKTYPE_WARN || type == FDISK_ASKTYPE_WARNX;
    return told ? 0 : -EINVAL;
  }

  // libfdisk gives negative errno values. Its last warning is the reason, if there was one during this call.
  Result<void> check(int result, const std::string& doing) {
    const std::string words = std::exchange(words_, {});
    if (result == 0) {
      return {};
    }
    std::string sentence = "cannot " + doing + " of " + node_;
    if (!words.empty()) {
      sentence += " (" + printable(words) + ")";
    }
    return io_error(std::move(sentence), result < 0 ? -result : 0);
  }

  [[nodiscard]] std::optional<Partition> entry(std::size_t number) const {
    fdisk_partition* found = nullptr;
    if (fdisk_get_partition(context_.get(), number, &found) != 0 || found == nullptr) {
      return std::nullopt;
    }
    const Owned<fdisk_partition> owned(found);
    if (fdisk_partition_is_used(found) == 0) {
      return std::nullopt;
    }
    const auto uuid = [](const char* text) { return text == nullptr ? Uuid() : Uuid::parse(text).value_or(Uuid()); };
    const fdisk_parttype* type = fdisk_partition_get_type(found);
    const char* label = fdisk_partition_get_name(found);
    return Partition{static_cast<std::int64_t>(number) + 1,
                     static_cast<std::int64_t>(fdisk_partition_get_start(found)),
                     static_cast<std::int64_t>(fdisk_partition_get_size(found)),
                     uuid(type == nullptr ? nullptr : fdisk_parttype_get_string(type)),
                     uuid(fdisk_partition_get_uuid(found)),
                     label == nullptr ? "" : label};
  }

  static Owned<fdisk_partition> template_of(const Partition& partition) {
    Owned<fdisk_partition> wanted(fdisk_new_partition());
    const Owned<fdisk_parttype> type(fdisk_new_unknown_parttype(0, partition.type.text().c_str()));
    if (!wanted || !type || fdisk_partition_set_type(wanted.get(), type.get()) != 0 ||
        fdisk_partition_set_uuid(wanted.get(), partition.guid.text().c_str()) != 0 ||
        fdisk_partition_set_name(wanted.get(), partition.label.c_str()) != 0) {
      return nullptr;
    }
    return wanted;
  }

  const std::string& node_;
  Owned<fdisk_context> context_;
  int fd_;
  std::string words_;
};

const Partition* with_number(const std::vector<Partition>& partitions, std::int64_t number) {
  const auto found =
      std::find_if(partitions.begin(), partitions.end(), [&](const auto& p) { return p.number == number; });
  return found == partitions.end() ? nullptr : &*found;
}

std::vector<Partition> sorted(std::vector<Partition> partitions) {
  std::sort(partitions.begin(), partitions.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return partitions;
}

bool same_place(const Partition& a, const Partition& b) { return a.start == b.start && a.size == b.size; }

// An entry of another GUID is another partition: its attributes are not those of the old one.
const Partition* staying(const std::vector<Partition>& wanted, const Partition& old) {
  const Partition* found = with_number(wanted, old.number);
  return found != nullptr && found->start == old.start && found->guid == old.guid ? found : nullptr;
}

// Room is made before it is taken: removals, then those that shrink, then those that grow, then new ones.
Result<void> change_partitions(Label& label, const std::vector<Partition>& present,
                               const std::vector<Partition>& wanted) {
  for (const auto& old : present) {
    if (staying(wanted, old) == nullptr) {
      TRY(label.remove(old));
    }
  }
  for (const bool growing : {false, true}) {
    for (const auto& old : present) {
      const Partition* stays = staying(wanted, old);
      if (stays == nullptr || *stays == old) {
        continue;
      }
      if (!growing && same_place(*stays, old)) {
        TRY(label.rename(*stays));
      } else if (stays->size != old.size && growing == (stays->size > old.size)) {
        TRY(label.resize(*stays));
      }
    }
  }
  for (const auto& one : wanted) {
    const Partition* old = with_number(present, one.number);
    if (old == nullptr || staying(wanted, *old) == nullptr) {
      TRY(label.add(one));
    }
  }
  return {};
}

// Before anything is written: what libfdisk holds must be what was asked for, to the sector and the letter.
Result<void> check_exact(const Label& label, const Table& wanted, const std::string& node) {
  const Table held = label.table();
  if (held.disk_guid != wanted.disk_guid) {
    return Error(Code::internal, "the GUID for " + node + " was not taken over");
  }
  const auto asked = sorted(wanted.partitions);
  for (const auto& partition : asked) {
    const Partition* found = with_number(held.partitions, partition.number);
    if (found == nullptr || *found != partition) {
      // A GPT could hold characters beyond U+FFFF, as two units; libfdisk refuses them and keeps the old label.
      return Error(Code::unsupported, "partition " + std::to_string(partition.number) + " of " + node +
                                          " cannot be as it is asked for: a label may have 36 characters, none of them "
                                          "beyond U+FFFF");
    }
  }
  if (held.partitions.size() != asked.size()) {
    return Error(Code::internal, "the partitions for " + node + " were not taken over");
  }
  return {};
}

bool stays(const Table& old, const Table& wanted) {
  return old.kind == TableKind::gpt && (old.disk_guid == wanted.disk_guid || is_placeholder(old.disk_guid));
}

Result<void> write_changes(Label& label, const std::vector<Partition>& present, const Table& wanted, int fd,
                           const std::string& node) {
  TRY(label.set_guid(wanted.disk_guid));
  TRY(change_partitions(label, present, wanted.partitions));
  TRY(check_exact(label, wanted, node));
  TRY(label.write());
  if (uninterrupted([&] { return ::fsync(fd); }) != 0) {
    return io_error("cannot make the partition table of " + node + " durable");
  }
  return {};
}

Result<void> fill_gpt(Table& table, int fd, const std::string& node) {
  Label label(fd, node);
  TRY(label.open());
  if (!label.has_gpt()) {
    table.kind = TableKind::damaged;
    return {};
  }
  Table found = label.table();
  table.disk_guid = found.disk_guid;
  table.partitions = std::move(found.partitions);
  table.first = found.first;
  return {};
}

}  // namespace

Result<Table> read_partition_table(int fd, const DiskFacts& facts, const std::string& node) {
  Table table;
  const std::int64_t entries = default_entry_sectors(facts.sector_size);
  // Protective MBR, header and entries before, entries and header after.
  table.first = 2 + entries;
  table.last = facts.sectors - 2 - entries;
  if (table.first > table.last) {
    // Too small for a table: nothing is usable, and there can be none.
    table.first = 0;
    table.last = -1;
    return table;
  }
  const std::string name = TRY(probe_table_name(fd, node));
  const GptCopies copies = TRY(inspect_gpt(fd, facts.sector_size, facts.sectors, node));
  const bool traces = copies.primary != Copy::absent || copies.backup != Copy::absent;
  if (name == "gpt") {
    const bool whole = copies.primary == Copy::whole && copies.backup == Copy::whole;
    table.kind = whole ? TableKind::gpt : TableKind::damaged;
    TRY(fill_gpt(table, fd, node));
    // Also on a disk that grew: writing moves the backup to its end.
    table.last = facts.sectors - 2 - copies.entry_sectors;
    table.grown = whole && copies.backup_short_of_end;
  } else if (!name.empty() && name != "PMBR") {
    table.kind = TableKind::other;
    table.other_name = name;
  } else if (name == "PMBR" || traces) {
    // Without a protective MBR, which is written last, neither the kernel nor libfdisk takes the headers for a GPT.
    table.kind = TableKind::damaged;
    table.disk_guid = copies.disk_guid;
    table.partitions = copies.partitions;
  }
  return table;
}

Result<void> write_partition_table(int fd, const Table& table, const std::string& node) {
  if (table.kind != TableKind::gpt) {
    return Error(Code::internal, "only a GPT can be written to " + node);
  }
  Label old(fd, node);
  TRY(old.open());
  if (const auto present = old.has_gpt() ? old.table() : Table{}; stays(present, table)) {
    return write_changes(old, present.partitions, table, fd, node);
  }
  // Another table: nothing of an old one stays, neither attributes nor what a hybrid boot record names.
  Label fresh(fd, node);
  TRY(fresh.open_as_blank());
  return write_changes(fresh, {}, table, fd, node);
}

}  // namespace provision::host
