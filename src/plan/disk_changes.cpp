// SPDX-License-Identifier: Apache-2.0
#include "plan/disk_changes.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace provision::plan {
namespace {

struct TypeRow {
  std::string_view guid;
  std::string_view name;
};

// UEFI 2.10 table 5.7; the Discoverable Partitions Specification; what GRUB, Flatcar and Microsoft publish of theirs.
constexpr std::array types{
    TypeRow{"0fc63daf-8483-4772-8e79-3d69d8477de4", "Linux data"},
    TypeRow{"c12a7328-f81f-11d2-ba4b-00a0c93ec93b", "EFI system"},
    TypeRow{"bc13c2ff-59e6-4262-a352-b275fd6f7172", "boot loader"},
    TypeRow{"21686148-6449-6e6f-744e-656564454649", "BIOS boot"},
    TypeRow{"9e1a2d38-c612-4316-aa26-8b49521e5a8b", "PReP boot"},
    TypeRow{"0657fd6d-a4ab-43c4-84e5-0933c84b4f4f", "Linux swap"},
    TypeRow{"e6d6d379-f507-44c2-a23c-238f2a3df928", "Linux LVM"},
    TypeRow{"a19d880f-05fc-4d3b-a006-743f0f84911e", "Linux RAID"},
    TypeRow{"ca7d7ccb-63ed-4c53-861c-1742536059cc", "Linux LUKS"},
    TypeRow{"4f68bce3-e8cd-4db1-96e7-fbcaf984b709", "root (x86-64)"},
    TypeRow{"44479540-f297-41b2-9af7-d131d5f0458a", "root (x86)"},
    TypeRow{"b921b045-1df0-41c3-af44-4c6f280d3fae", "root (ARM64)"},
    TypeRow{"72ec70a6-cf74-40e6-bd49-4bda08e8f224", "root (RISC-V)"},
    TypeRow{"8484680c-9521-48c6-9c11-b0720656f69e", "/usr (x86-64)"},
    TypeRow{"b0e01050-ee5f-4390-949a-9101b17104e9", "/usr (ARM64)"},
    TypeRow{"933ac7e1-2eb4-4f13-b844-0e14e2aef915", "/home"},
    TypeRow{"3b8f8425-20e0-4f3b-907f-1a25a76f98e8", "/srv"},
    TypeRow{"4d21b016-b534-45c2-a9fb-5c16e091fd2d", "/var"},
    TypeRow{"7ec6f557-3bc5-4aca-b293-16ef5df639d1", "/var/tmp"},
    TypeRow{"ebd0a0a2-b9e5-4433-87c0-68b6b72699c7", "Windows data"},
    TypeRow{"e3c9e316-0b5c-4db8-817d-f92df00215ae", "Windows reserved"},
    TypeRow{"de94bba4-06d1-4d40-a16a-bfd50179d6ac", "Windows recovery"},
    TypeRow{"5dfbf5f4-2848-4bac-aa5e-0d9a20b745a6", "Flatcar /usr"},
    TypeRow{"3884dd41-8582-4404-b9a8-e9b84f2df50e", "Flatcar root"},
    TypeRow{"be9067b9-ea49-4f15-b4f6-f36f8c9e1818", "Flatcar root on RAID"},
    TypeRow{"c95dc21a-df0e-4340-8d7b-26cbfa9a03e0", "Flatcar OEM"},
    TypeRow{"8da63339-0007-60c0-c436-083ac8230908", "reserved"},
};

const host::Partition* numbered(const host::Table& table, std::int64_t number) {
  const auto found = std::find_if(table.partitions.begin(), table.partitions.end(),
                                  [&](const host::Partition& p) { return p.number == number; });
  return found == table.partitions.end() ? nullptr : &*found;
}

// A partition that has the same start and GUID is the same one.
bool is_same(const host::Partition& before, const host::Partition& after) {
  return before.start == after.start && before.guid == after.guid;
}

Fate fate_of(const host::Partition& before, const host::Partition& after) {
  if (before.size != after.size) {
    return Fate::resized;
  }
  return before == after ? Fate::kept : Fate::changed;
}

std::int64_t place_of(const PartitionChange& change) {
  return change.after ? change.after->start : change.before->start;
}

std::vector<PartitionChange> changes_of(const host::Table& before, const host::Table& after) {
  std::vector<PartitionChange> changes;
  for (const auto& old : before.partitions) {
    const host::Partition* now = numbered(after, old.number);
    if (now == nullptr || !is_same(old, *now)) {
      changes.push_back({Fate::deleted, old, std::nullopt});
    }
  }
  for (const auto& now : after.partitions) {
    const host::Partition* old = numbered(before, now.number);
    if (old != nullptr && is_same(*old, now)) {
      changes.push_back({fate_of(*old, now), *old, now});
    } else {
      changes.push_back({Fate::created, std::nullopt, now});
    }
  }
  std::stable_sort(changes.begin(), changes.end(),
                   [](const PartitionChange& a, const PartitionChange& b) { return place_of(a) < place_of(b); });
  return changes;
}

struct Ink {
  std::string_view strong;
  std::string_view danger;
  std::string_view plain;
};
constexpr Ink coloured{"\033[1m", "\033[1;31m", "\033[0m"};
constexpr Ink uncoloured{};

std::string shown_label(const std::string& label) { return label.empty() ? "-" : printable(label); }

std::string shown_type(const Uuid& type) {
  const std::string_view name = type_name(type);
  return name.empty() ? type.text() : std::string(name);
}

// What differs between the two, beside the fate's own word.
std::string words_on(const PartitionChange& change, std::int64_t sector_size) {
  if (change.fate == Fate::created) {
    return "new";
  }
  std::string text(name_of(change.fate));
  if (!change.before || !change.after) {
    return text;
  }
  std::vector<std::string> was;
  if (change.before->size != change.after->size) {
    was.push_back(human_size(change.before->size * sector_size));
  }
  if (change.before->label != change.after->label) {
    was.push_back("label " + shown_label(change.before->label));
  }
  if (change.before->type != change.after->type) {
    was.push_back("type " + shown_type(change.before->type));
  }
  return was.empty() ? text : text + ", was " + join(was, ", ");
}

using Row = std::array<std::string, 6>;

Row row_of(const PartitionChange& change, std::int64_t sector_size) {
  const host::Partition& shown = change.after ? *change.after : *change.before;
  return {std::to_string(shown.number),
          shown_label(shown.label),
          shown_type(shown.type),
          human_size(shown.start * sector_size),
          human_size(shown.size * sector_size),
          words_on(change, sector_size)};
}

// Numbers, starts and sizes stand to the right.
constexpr std::array<bool, 6> to_the_right{true, false, false, true, true, false};

std::string line_of(const Row& row, const std::array<std::size_t, 6>& widths) {
  std::string line = "  ";
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::string blanks(widths[i] - shown_width(row[i]), ' ');
    line += to_the_right[i] ? blanks + row[i] : row[i] + blanks;
    line += i + 1 < row.size() ? "  " : "";
  }
  return line.substr(0, line.find_last_not_of(' ') + 1);
}

std::string render_rows(const DiskChange& change, const Ink& ink) {
  std::vector<Row> rows{{"#", "label", "type", "start", "size", ""}};
  for (const auto& partition : change.partitions) {
    rows.push_back(row_of(partition, change.facts.sector_size));
  }
  std::array<std::size_t, 6> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], shown_width(row[i]));
    }
  }
  std::string text = line_of(rows.front(), widths) + "\n";
  for (std::size_t i = 1; i < rows.size(); ++i) {
    const bool gone = change.partitions[i - 1].fate == Fate::deleted;
    const std::string line = line_of(rows[i], widths);
    text += gone ? fmt::format("{}{}{}\n", ink.danger, line, ink.plain) : line + "\n";
  }
  return text;
}

std::string words_before(const DiskChange& change) {
  return change.before.kind == host::TableKind::none && !change.signature.type.empty()
             ? model::describe(change.signature)
             : model::describe(change.before);
}

std::string render_disk(const DiskChange& change, const Ink& ink) {
  std::string text = fmt::format("{}{}{}: {}, sectors of {} bytes", ink.strong, change.device, ink.plain,
                                 human_size(change.facts.sectors * change.facts.sector_size), change.facts.sector_size);
  const bool same_table = change.before.disk_guid == change.after.disk_guid;
  const bool torn = change.before.kind == host::TableKind::damaged && same_table;
  if (change.is_changed() && torn) {
    text += "; its table, which is damaged, is written again";
  } else if (change.is_changed() && (change.before.kind != host::TableKind::gpt || !same_table)) {
    const bool blank = change.before.kind == host::TableKind::none && change.signature.type.empty();
    text += blank ? "; blank, gets a table" : "; a new table, in the place of " + words_before(change);
  } else if (!change.is_changed()) {
    text += "; " + std::string(change.before.kind == host::TableKind::gpt ? "its table stays" : words_before(change));
  }
  text += "\n";
  return change.partitions.empty() ? text : text + render_rows(change, ink);
}

fields::Value to_value(const PartitionChange& change) {
  fields::Value made = fields::Value::object();
  made.add("fate", fields::Value::of(name_of(change.fate)));
  const auto add = [&](const char* key, const std::optional<host::Partition>& partition) {
    fields::Value value;
    if (partition) {
      value = fields::Engine<host::Partition>::write(*partition);
      value.add("typeName", fields::Value::of(type_name(partition->type)));
    }
    made.add(key, std::move(value));
  };
  add("before", change.before);
  add("after", change.after);
  return made;
}

}  // namespace

std::string_view name_of(Fate fate) {
  constexpr std::array<std::string_view, 5> names{"kept", "new", "resized", "changed", "deleted"};
  return names.at(static_cast<std::size_t>(fate));
}

std::string_view type_name(const Uuid& type) {
  const auto* found =
      std::find_if(types.begin(), types.end(), [&](const TypeRow& row) { return row.guid == type.text(); });
  return found == types.end() ? std::string_view{} : found->name;
}

std::vector<DiskChange> disk_changes(const model::Inventory& before, const std::vector<Plan>& plans) {
  model::Inventory after = before;
  for (const auto& plan : plans) {
    for (const auto& step : plan.steps) {
      if (std::holds_alternative<WriteTable>(step.operation)) {
        predict(after, step.operation);
      }
    }
  }
  std::vector<DiskChange> changes;
  for (const auto& disk : before.disks) {
    const model::DiskView* later = after.disk(disk.device);
    const host::Table& table = later != nullptr ? later->table : disk.table;
    changes.push_back({disk.device, disk.facts, disk.table, disk.signature, table, changes_of(disk.table, table)});
  }
  return changes;
}

std::string render(const std::vector<DiskChange>& changes, bool colour) {
  const Ink& ink = colour ? coloured : uncoloured;
  std::string text;
  for (const auto& change : changes) {
    text += (text.empty() ? "" : "\n") + render_disk(change, ink);
  }
  return text;
}

fields::Value to_value(const DiskChange& change) {
  fields::Value made = fields::Value::object();
  made.add("device", fields::Value::of(change.device));
  made.add("sectorSize", fields::Value::of(change.facts.sector_size));
  made.add("sectors", fields::Value::of(change.facts.sectors));
  made.add("changed", fields::Value::of(change.is_changed()));
  made.add("before", fields::Engine<host::Table>::write(change.before));
  made.add("after", fields::Engine<host::Table>::write(change.after));
  fields::Value partitions = fields::Value::array();
  for (const auto& partition : change.partitions) {
    partitions.items.push_back(to_value(partition));
  }
  made.add("partitions", std::move(partitions));
  return made;
}

}  // namespace provision::plan
