// SPDX-License-Identifier: Apache-2.0
// The field tables and checks of volume groups.
#include "spec/volume_groups.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

// LVM counts bytes in 64 bits, of which one is the sign.
constexpr std::int64_t most_mib = std::int64_t{1} << 42U;

// What a type is made of (lvmraid(7)). `parity`: devices beside those of the stripes.
struct Type {
  std::string_view name;
  std::int64_t least_stripes = 0;
  std::int64_t parity = 0;
  bool mirrored = false;
};
constexpr std::array types{Type{"linear"},      Type{"striped", 2},  Type{"raid1", 0, 0, true},
                           Type{"raid5", 2, 1}, Type{"raid6", 3, 2}, Type{"raid10", 2, 0, true},
                           Type{"thin-pool"},   Type{"thin"}};

const Type* find_type(std::string_view name) {
  const auto* found = std::find_if(types.begin(), types.end(), [&](const Type& type) { return type.name == name; });
  return found == types.end() ? nullptr : found;
}

// --- Names: lvm(8), "VALID NAMES"

// What of /dev is there in any case: LVM makes a directory of the group's name beside it.
constexpr std::array<std::string_view, 14> taken{"block", "bus", "char",   "cpu",    "disk", "dri", "fd",
                                                 "input", "md",  "mapper", "mqueue", "pts",  "shm", "snd"};
constexpr std::array<std::string_view, 18> reserved{"_cdata",  "_cmeta", "_corig",   "_cvol",   "_imeta", "_iorig",
                                                    "_mimage", "_mlog",  "_pmspare", "_rimage", "_rmeta", "_tdata",
                                                    "_tmeta",  "_vdata", "_vorigin", "_wcorig", "_vpool", "_repair"};

bool is_name(std::string_view name) {
  constexpr std::string_view allowed = "+_.-";
  const auto fits = [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
           allowed.find(c) != std::string_view::npos;
  };
  return std::all_of(name.begin(), name.end(), fits) && !name.starts_with('-') && name != "." && name != "..";
}

void refuse_name(std::string_view name, std::string_view what, std::string_view key, Checker& checker) {
  checker.error(key, "\"" + printable(name) + "\" can be no name of a " + std::string(what),
                "it has only letters, digits and + _ . -, does not begin with -, and is none that LVM or /dev has for "
                "something else");
}

void check_group_name(const std::string& name, std::string_view key, Checker& checker) {
  if (!is_name(name) || std::find(taken.begin(), taken.end(), name) != taken.end()) {
    refuse_name(name, "volume group", key, checker);
  }
}

void check_logical_name(const std::string& name, std::string_view key, Checker& checker) {
  const bool kept = name.starts_with("snapshot") || name.starts_with("pvmove") ||
                    std::any_of(reserved.begin(), reserved.end(),
                                [&](std::string_view part) { return name.find(part) != std::string::npos; });
  if (!is_name(name) || kept) {
    refuse_name(name, "logical volume", key, checker);
  }
}

// --- Single values

void check_group_devices(const std::vector<std::string>& devices, std::string_view key, Checker& checker) {
  if (devices.empty()) {
    checker.error(key, "a volume group needs devices");
  }
  for (std::size_t i = 0; i < devices.size(); ++i) {
    check_absolute_item(devices[i], key, i, checker);
  }
}

void check_type(const OptionalText& type, std::string_view key, Checker& checker) {
  if (type && find_type(*type) == nullptr) {
    checker.error(key, "\"" + printable(*type) + "\" is no type of logical volumes that can be made",
                  "one of linear, striped, raid1, raid5, raid6, raid10, thin-pool, thin");
  }
}

void check_volume_size(const std::optional<std::int64_t>& size, std::string_view key, Checker& checker) {
  if (size && (*size < 0 || *size > most_mib)) {
    checker.error(key, "no logical volume has " + std::to_string(*size) + " MiB",
                  "0, or none: all that is left of the group");
  }
}

void check_count(const std::optional<std::int64_t>& count, std::string_view key, Checker& checker) {
  if (count && *count < 1) {
    checker.error(key, "at least 1", "leave it out for the usual number");
  }
}

// The options of lvcreate(8) that change nothing of what the config says in its own fields, nor what the engine goes
// by. All of them have a value but for those of `flags`.
constexpr std::array<std::string_view, 17> with_value{"--stripesize",
                                                      "-I",
                                                      "--chunksize",
                                                      "-c",
                                                      "--regionsize",
                                                      "-R",
                                                      "--poolmetadatasize",
                                                      "--poolmetadataspare",
                                                      "--discards",
                                                      "--addtag",
                                                      "--alloc",
                                                      "--contiguous",
                                                      "-C",
                                                      "--readahead",
                                                      "-r",
                                                      "--minrecoveryrate",
                                                      "--maxrecoveryrate"};
constexpr std::array<std::string_view, 2> flags{"--nosync", "--errorwhenfull=y"};

void check_options(const std::vector<std::string>& options, std::string_view key, Checker& checker) {
  const auto has = [](const auto& list, std::string_view name) {
    return std::find(list.begin(), list.end(), name) != list.end();
  };
  for (std::size_t i = 0; i < options.size(); ++i) {
    const std::string name = options[i].substr(0, options[i].find('='));
    const bool is_whole = name.size() < options[i].size();
    if (has(flags, options[i]) || (has(with_value, name) && name.starts_with("--") && is_whole)) {
      continue;
    }
    if (has(with_value, options[i]) && i + 1 < options.size()) {
      ++i;
      continue;
    }
    checker.error(key, "\"" + printable(options[i]) + "\" is no option of lvcreate that can be given here",
                  "name, size, type and the like have fields of their own; these can be given: " +
                      join({with_value.begin(), with_value.end()}, ", ") + " (each with its value), " +
                      join({flags.begin(), flags.end()}, ", "),
                  i);
  }
}

// --- What must fit together

class Faults {
 public:
  explicit Faults(const VolumeGroup& group) : group_(group) {}

  std::vector<GroupFault> find() {
    for (at_ = 0; at_ < group_.logical_volumes.size(); ++at_) {
      const LogicalVolume& volume = group_.logical_volumes[at_];
      const Type* const type = find_type(type_of(volume));
      if (type != nullptr) {
        layout(volume, *type);
        pool(volume, *type);
        size(volume);
      }
    }
    return std::move(found_);
  }

 private:
  void add(std::string_view key, std::string what, std::string hint = {}) {
    found_.push_back({at_, key, std::move(what), std::move(hint)});
  }

  void layout(const LogicalVolume& volume, const Type& type) {
    const std::string name(type.name);
    if (volume.stripes && type.least_stripes == 0) {
      add("stripes", "a volume of type " + name + " has no stripes");
    } else if (volume.stripes && *volume.stripes < type.least_stripes) {
      add("stripes", "a volume of type " + name + " has at least " + std::to_string(type.least_stripes) + " stripes");
    }
    if (volume.mirrors && !type.mirrored) {
      add("mirrors", "a volume of type " + name + " has no mirrors", "raid1 and raid10 have");
    }
    const std::int64_t stripes = std::max(stripes_of(group_, volume), std::max<std::int64_t>(type.least_stripes, 1));
    const std::int64_t needed = (stripes + type.parity) * (mirrors_of(volume) + 1);
    const auto devices = static_cast<std::int64_t>(group_.devices.size());
    if (needed > devices) {
      add(volume.stripes   ? "stripes"
          : volume.mirrors ? "mirrors"
                           : "type",
          "a volume of type " + name + (stripes > 1 ? " with " + std::to_string(stripes) + " stripes" : "") +
              " needs at least " + std::to_string(needed) + " devices, and the group has " + std::to_string(devices));
    }
  }

  void pool(const LogicalVolume& volume, const Type& type) {
    const bool is_thin = type.name == "thin";
    if (!is_thin && volume.pool) {
      add("pool", "only a volume of type thin is in a pool");
    }
    if (!is_thin) {
      return;
    }
    const auto& all = group_.logical_volumes;
    const bool there = std::any_of(all.begin(), all.end(), [&](const LogicalVolume& other) {
      return other.name == volume.pool.value_or("") && type_of(other) == "thin-pool";
    });
    if (is_empty(volume.pool)) {
      add("name", "a volume of type thin needs a pool", "give \"pool\": a volume of type thin-pool of this group");
    } else if (!there) {
      add("pool", "the group has no thin-pool \"" + printable(*volume.pool) + "\"",
          "add it to the group's logicalVolumes, with type thin-pool");
    }
  }

  void size(const LogicalVolume& volume) {
    if (type_of(volume) == "thin") {
      if (volume.size_mib.value_or(0) == 0) {
        add(volume.size_mib ? "sizeMiB" : "name", "a volume of type thin needs a size, the one that it shows");
      }
      return;
    }
    if (takes_the_rest(volume) && rest_) {
      add(volume.size_mib ? "sizeMiB" : "name",
          "\"" + printable(*rest_) + "\" takes all that is left of the group already", "give one of them a sizeMiB");
    } else if (takes_the_rest(volume)) {
      rest_ = volume.name;
    }
  }

  const VolumeGroup& group_;
  std::size_t at_ = 0;
  std::optional<std::string> rest_;
  std::vector<GroupFault> found_;
};

}  // namespace

std::string type_of(const LogicalVolume& volume) { return volume.type.value_or("linear"); }

std::int64_t mirrors_of(const LogicalVolume& volume) {
  const Type* const type = find_type(type_of(volume));
  return type != nullptr && type->mirrored ? volume.mirrors.value_or(1) : 0;
}

std::int64_t stripes_of(const VolumeGroup& group, const LogicalVolume& volume) {
  const Type* const type = find_type(type_of(volume));
  if (type == nullptr || type->least_stripes == 0) {
    return 0;
  }
  const auto devices = static_cast<std::int64_t>(group.devices.size());
  return volume.stripes.value_or(devices / (mirrors_of(volume) + 1) - type->parity);
}

bool takes_the_rest(const LogicalVolume& volume) {
  return type_of(volume) != "thin" && volume.size_mib.value_or(0) == 0;
}

std::vector<GroupFault> group_faults(const VolumeGroup& group) { return Faults(group).find(); }

void cross_check(const VolumeGroup& group, Checker& checker) {
  for (const auto& fault : group_faults(group)) {
    const fields::Within here(checker, group.logical_volumes[fault.volume].place, {"logicalVolumes", fault.volume});
    checker.error(fault.key, fault.what, fault.hint);
  }
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<LogicalVolume> {
  static constexpr auto rows = std::tuple{
      field("name", &LogicalVolume::name, "Its name: the volume is /dev/<group>/<name>.",
            {.since = {3, 6}, .required = true, .extension = true, .key = true, .check = &check_logical_name}),
      field("sizeMiB", &LogicalVolume::size_mib,
            "Its size, rounded up to whole extents of 4 MiB; 0 or absent: all that is left of the group. Of a thin "
            "volume the size that it shows.",
            {.since = {3, 6}, .extension = true, .unit = "MiB", .check = &check_volume_size}),
      field("type", &LogicalVolume::type,
            "linear, striped, raid1, raid5, raid6, raid10, thin-pool or thin; absent: linear.",
            {.since = {3, 6}, .extension = true, .check = &check_type}),
      field("stripes", &LogicalVolume::stripes,
            "Over how many devices the data of a striped, raid5, raid6 or raid10 volume is spread; absent: as many as "
            "there are.",
            {.since = {3, 6}, .extension = true, .check = &check_count}),
      field("mirrors", &LogicalVolume::mirrors,
            "How many copies a raid1 or raid10 volume has beside the first one; absent: 1.",
            {.since = {3, 6}, .extension = true, .check = &check_count}),
      field("pool", &LogicalVolume::pool, "Of a thin volume: the volume of type thin-pool that it is in.",
            {.since = {3, 6}, .extension = true}),
      field("options", &LogicalVolume::options, "Further arguments of lvcreate.",
            {.since = {3, 6}, .extension = true, .repeats = true, .check = &check_options}),
  };
};

template <>
struct Table<VolumeGroup> {
  static constexpr auto rows = std::tuple{
      field("name", &VolumeGroup::name, "The group's name.",
            {.since = {3, 6}, .required = true, .extension = true, .key = true, .check = &check_group_name}),
      field("devices", &VolumeGroup::devices, "The absolute paths of its devices, which become physical volumes.",
            {.since = {3, 6}, .extension = true, .check = &check_group_devices}),
      field("wipeVolumeGroup", &VolumeGroup::wipe_volume_group,
            "Whether the group is made anew, losing what is on its devices.", {.since = {3, 6}, .extension = true}),
      field("logicalVolumes", &VolumeGroup::logical_volumes, "The logical volumes that the group shall have.",
            {.since = {3, 6}, .extension = true}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::LogicalVolume);
PROVISION_INSTANTIATE_RECORD(provision::spec::VolumeGroup);
