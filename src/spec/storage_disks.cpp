// SPDX-License-Identifier: Apache-2.0
// The field tables and checks of disks, their partitions, and RAID arrays.
#include <algorithm>
#include <array>
#include <limits>
#include <unordered_map>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/config.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

void check_label(const OptionalText& label, std::string_view key, Checker& checker) {
  // GPT holds 36 UTF-16 units; the spec counts bytes (and refuses ":", which sgdisk could not take).
  if (label && label->size() > 36) {
    checker.error(key, "a partition label has at most 36 bytes; this one has " + std::to_string(label->size()));
  }
  if (label && label->find(':') != std::string::npos) {
    checker.error(key, "a partition label must not contain \":\"");
  }
}

void check_partition_number(const std::int64_t& number, std::string_view key, Checker& checker) {
  if (number < 0 || number > 128) {
    checker.strict(key, "a partition number is 1 to 128, or 0 for the next free one");
  }
}

struct Level {
  std::string_view name;
  bool spares;
};
constexpr std::array levels{
    Level{"linear", false}, Level{"raid0", false}, Level{"0", false},    Level{"stripe", false}, Level{"raid1", true},
    Level{"1", true},       Level{"mirror", true}, Level{"raid4", true}, Level{"4", true},       Level{"raid5", true},
    Level{"5", true},       Level{"raid6", true},  Level{"6", true},     Level{"raid10", true},  Level{"10", true}};

const Level* find_level(const OptionalText& name) {
  const auto* found = std::find_if(levels.begin(), levels.end(), [&](const Level& l) { return l.name == name; });
  return found == levels.end() ? nullptr : found;
}

void check_level(const OptionalText& level, std::string_view key, Checker& checker) {
  if (!is_empty(level) && find_level(level) == nullptr) {
    checker.error(key, "\"" + printable(*level) + "\" is no RAID level",
                  "one of linear, raid0, raid1, raid4, raid5, raid6, raid10");
  }
}

void check_devices(const std::vector<std::string>& devices, std::string_view key, Checker& checker) {
  if (devices.empty()) {
    checker.error(key, "a RAID array needs devices");
  }
  for (std::size_t i = 0; i < devices.size(); ++i) {
    check_absolute_item(devices[i], key, i, checker);
  }
}

void check_array_name(const std::string& name, std::string_view key, Checker& checker) {
  if (name.find('/') != std::string::npos) {
    checker.strict(key, "the name of an array becomes a name below /dev/md; \"/\" cannot stand in it");
  }
}

// The MiBs that a partition takes, both ends included.
struct Span {
  std::int64_t first = 0;
  std::int64_t last = 0;
  std::size_t partition = 0;
};

// Only what the config itself places can be compared: start 0 is chosen when the disk is seen. Size 0 counts as the
// first MiB alone.
std::vector<Span> placed_spans(const Disk& disk) {
  std::vector<Span> spans;
  for (std::size_t i = 0; i < disk.partitions.size(); ++i) {
    const Partition& partition = disk.partitions[i];
    if (!partition.start_mib || !partition.size_mib || *partition.start_mib == 0) {
      continue;
    }
    const std::int64_t start = *partition.start_mib;
    std::int64_t end = start;
    if (*partition.size_mib != 0 && __builtin_add_overflow(start, *partition.size_mib - 1, &end)) {
      end = std::numeric_limits<std::int64_t>::max();
    }
    spans.push_back({std::min(start, end), std::max(start, end), i});
  }
  std::stable_sort(spans.begin(), spans.end(), [](const Span& a, const Span& b) { return a.first < b.first; });
  return spans;
}

void check_overlaps(const Disk& disk, Checker& checker) {
  const auto spans = placed_spans(disk);
  // The one that reaches furthest of those before.
  const Span* furthest = nullptr;
  for (const auto& span : spans) {
    if (furthest != nullptr && span.first <= furthest->last) {
      const auto [one, other] = std::minmax(span.partition, furthest->partition);
      checker.duplicate("partitions", "the partition overlaps another one of this disk", other,
                        checker.origin("partitions", one));
    }
    if (furthest == nullptr || span.last > furthest->last) {
      furthest = &span;
    }
  }
}

// The keys tell apart numbers, and labels of those without a number; labels of numbered ones are told apart here.
void check_labels(const Disk& disk, Checker& checker) {
  std::unordered_map<std::string, std::size_t> seen;
  for (std::size_t i = 0; i < disk.partitions.size(); ++i) {
    const Partition& partition = disk.partitions[i];
    if (!partition.label) {
      continue;
    }
    const auto [other, fresh] = seen.emplace(*partition.label, i);
    if (!fresh && (partition.number != 0 || disk.partitions[other->second].number != 0)) {
      checker.duplicate("partitions", "partition label \"" + printable(*partition.label) + "\" is given twice", i,
                        checker.origin("partitions", other->second));
    }
  }
}

}  // namespace

std::string key_of(const Partition& partition) {
  return partition.number != 0 ? "number:" + std::to_string(partition.number) : "label:" + partition.label.value_or("");
}

void cross_check(const Partition& partition, Checker& checker) {
  const bool described = partition.label || !is_empty(partition.type_guid) || !is_empty(partition.guid) ||
                         partition.start_mib || partition.size_mib;
  if (!partition.should_exist.value_or(true) && described) {
    checker.error("shouldExist", "a partition that shall not exist is named by its number alone",
                  "leave out label, startMiB, sizeMiB, typeGuid and guid");
  }
  if (partition.number == 0 && !partition.label) {
    checker.error("", "a partition needs a number or a label");
  }
}

void cross_check(const Disk& disk, Checker& checker) {
  check_labels(disk, checker);
  check_overlaps(disk, checker);
}

void cross_check(const Raid& raid, Checker& checker) {
  const Level* level = find_level(raid.level);
  if (raid.spares.value_or(0) != 0 && level != nullptr && !level->spares) {
    checker.error("spares", "an array of level " + std::string(level->name) + " has no spares");
  } else if (raid.spares.value_or(0) < 0) {
    checker.strict("spares", "a negative value makes no sense here");
  } else if (raid.spares.value_or(0) >= static_cast<std::int64_t>(raid.devices.size()) && !raid.devices.empty() &&
             raid.spares) {
    checker.strict("spares", "all devices of the array would be spares");
  }
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<spec::Partition> {
  static constexpr auto rows = std::tuple{
      field("number", &spec::Partition::number, "The partition's number; 0 or absent: the next free one.",
            {.key = true, .check = &check_partition_number}),
      field("label", &spec::Partition::label, "The partition's name in the table.",
            {.key = true, .check = &check_label}),
      field("startMiB", &spec::Partition::start_mib, "Where it starts; 0 or absent: in the largest free block.",
            {.unit = "MiB", .check = &check_not_negative}),
      field("sizeMiB", &spec::Partition::size_mib, "Its size; 0 or absent: to the end of the free block.",
            {.unit = "MiB", .check = &check_not_negative}),
      field("typeGuid", &spec::Partition::type_guid, "The GPT type GUID; absent: Linux file system data.",
            {.check = &check_optional_guid}),
      field("guid", &spec::Partition::guid, "The partition's unique GUID; absent: derived.",
            {.check = &check_optional_guid}),
      field("wipePartitionEntry", &spec::Partition::wipe_partition_entry,
            "Whether an existing partition that does not match may be deleted."),
      field("shouldExist", &spec::Partition::should_exist, "Whether the partition shall exist; absent: yes."),
      field("resize", &spec::Partition::resize, "Whether an existing partition may be resized to match.",
            {.since = {3, 2}}),
  };
};

template <>
struct Table<Disk> {
  static constexpr auto rows = std::tuple{
      field("device", &Disk::device, "The absolute path of the disk.",
            {.required = true, .key = true, .check = &check_absolute_path}),
      field("wipeTable", &Disk::wipe_table, "Whether the partition table may be made anew, losing what it lists."),
      field("partitions", &Disk::partitions, "The partitions that the disk shall have."),
  };
};

template <>
struct Table<Raid> {
  static constexpr auto rows = std::tuple{
      field("name", &Raid::name, "The array's name: it becomes /dev/md/<name>.",
            {.required = true, .lenient = true, .key = true, .check = &check_array_name}),
      field("level", &Raid::level, "The RAID level: linear, raid0, raid1, raid4, raid5, raid6 or raid10.",
            {.required = true, .check = &check_level}),
      field("devices", &Raid::devices, "The absolute paths of its devices.", {.check = &check_devices}),
      field("spares", &Raid::spares, "How many of the devices are spares; absent: none."),
      field("options", &Raid::options, "Further arguments of mdadm.", {.repeats = true}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::Partition);
PROVISION_INSTANTIATE_RECORD(provision::spec::Disk);
PROVISION_INSTANTIATE_RECORD(provision::spec::Raid);
