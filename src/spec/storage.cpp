// SPDX-License-Identifier: Apache-2.0
// The field tables and checks of `storage`: disks, filesystems, files.
#include <algorithm>
#include <array>
#include <set>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/config.hpp"
#include "spec/data_url.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

void check_label(const std::optional<std::string>& label, std::string_view key, Checker& checker) {
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
    checker.error(key, "a partition number is 1 to 128, or 0 for the next free one");
  }
}

struct FormatRow {
  std::string_view name;
  std::size_t label_bytes;
};
// Label limits in bytes, as the file systems' own formats have them.
constexpr std::array formats{FormatRow{"ext4", 16}, FormatRow{"btrfs", 256}, FormatRow{"xfs", 12},
                             FormatRow{"swap", 15}, FormatRow{"vfat", 11},   FormatRow{"none", 0}};

const FormatRow* format_row(std::string_view name) {
  const auto* found = std::find_if(formats.begin(), formats.end(), [&](const FormatRow& r) { return r.name == name; });
  return found == formats.end() ? nullptr : found;
}

void check_format(const std::optional<std::string>& format, std::string_view key, Checker& checker) {
  if (format && format_row(*format) == nullptr) {
    checker.error(key, "\"" + printable(*format) + "\" is no file system of the spec",
                  "one of ext4, btrfs, xfs, vfat, swap, none");
  } else if (format && *format != "ext4") {
    checker.error(key, "\"" + *format + "\" cannot be made by this version of provision yet", "use ext4");
  }
}

void check_compression(const std::optional<std::string>& compression, std::string_view key, Checker& checker) {
  if (compression && *compression == "gzip") {
    checker.error(key, "compressed contents cannot be read by this version of provision yet");
  } else if (compression && !compression->empty()) {
    checker.error(key, "\"" + printable(*compression) + "\" is no compression of the spec",
                  "\"gzip\", or leave it out");
  }
}

void check_source(const std::optional<std::string>& source, std::string_view key, Checker& checker) {
  if (!source || source->empty()) {
    return;
  }
  if (!source->starts_with("data:")) {
    checker.error(key, "only \"data:\" URLs can be fetched by this version of provision yet");
    return;
  }
  const auto decoded = decode_data_url(*source);
  if (!decoded) {
    checker.error(key, decoded.error().what, "data:[<type>][;base64],<data>");
  }
}

void check_hash(const std::optional<std::string>& hash, std::string_view key, Checker& checker) {
  if (hash && !Digest::parse(*hash)) {
    checker.error(key, "\"" + printable(*hash) + "\" is no hash of the spec",
                  "sha512-<128 hex digits> or sha256-<64 hex digits>");
  }
}

void check_mode(const std::optional<std::int64_t>& mode, std::string_view key, Checker& checker) {
  if (mode && (*mode < 0 || *mode > 07777)) {
    checker.error(key, "the mode " + std::to_string(*mode) + " is outside 0 to 4095 (07777)",
                  "JSON has no octal numbers: 0644 is 420");
  } else if (mode && *mode > 0777) {
    checker.warning(key, "set-id and sticky bits are dropped by specs before 3.6",
                    "if you meant the octal mode " + std::to_string(*mode) + ", write it in decimal");
  }
}

void check_owner_name(const std::optional<std::string>& name, std::string_view key, Checker& checker) {
  if (name && !name->empty() && *name != "root") {
    checker.error(key, "owners other than \"root\" can be given only by id in this version of provision");
  }
}

bool is_true(const std::optional<bool>& flag) { return flag.value_or(false); }

}  // namespace

void cross_check(const Partition& partition, Checker& checker) {
  const bool exists = partition.should_exist.value_or(true);
  if (!exists) {
    checker.error("shouldExist", "deleting partitions cannot be done by this version of provision yet");
  }
  if (is_true(partition.resize) || is_true(partition.wipe_partition_entry)) {
    checker.error(is_true(partition.resize) ? "resize" : "wipePartitionEntry",
                  "changing existing partitions cannot be done by this version of provision yet");
  }
  if (partition.number == 0 && !partition.label) {
    checker.error("", "a partition needs a number or a label");
  }
}

void cross_check(const Disk& disk, Checker& checker) {
  std::set<std::int64_t> numbers;
  std::set<std::string> labels;
  for (std::size_t i = 0; i < disk.partitions.size(); ++i) {
    const Partition& partition = disk.partitions[i];
    if (partition.number != 0 && !numbers.insert(partition.number).second) {
      checker.error("partitions", "partition number " + std::to_string(partition.number) + " is given twice", {}, i);
    }
    if (partition.label && !labels.insert(*partition.label).second) {
      checker.error("partitions", "partition label \"" + printable(*partition.label) + "\" is given twice", {}, i);
    }
  }
}

void cross_check(const Filesystem& filesystem, Checker& checker) {
  const bool uses_format = filesystem.path || filesystem.label || filesystem.uuid ||
                           is_true(filesystem.wipe_filesystem) || !filesystem.options.empty() ||
                           !filesystem.mount_options.empty();
  if (!filesystem.format && uses_format) {
    checker.error("", "a filesystem entry with no format does nothing: path, label, uuid and options need one",
                  "add \"format\"");
  }
  const FormatRow* row = filesystem.format ? format_row(*filesystem.format) : nullptr;
  if (row != nullptr && filesystem.label && filesystem.label->size() > row->label_bytes) {
    checker.error("label", "a label of " + std::string(row->name) + " has at most " + std::to_string(row->label_bytes) +
                               " bytes; this one has " + std::to_string(filesystem.label->size()));
  }
  if (filesystem.uuid && !Uuid::parse(*filesystem.uuid)) {
    checker.error("uuid", "\"" + printable(*filesystem.uuid) + "\" is no UUID");
  }
}

void cross_check(const Resource& resource, Checker& checker) {
  if (resource.verification.hash && !resource.source) {
    checker.error("verification", "there is a hash but no source to verify");
  }
}

void cross_check(const NodeOwner& owner, Checker& checker) {
  if (owner.id && owner.name && !owner.name->empty()) {
    checker.error("id", "give the owner's id or its name, not both");
  }
}

void cross_check(const File& file, Checker& checker) {
  if (is_true(file.overwrite) && !file.contents.source) {
    checker.error("overwrite", "overwrite needs contents.source: there would be nothing to put in its place");
  }
}

namespace {

template <class Record, class KeyOf>
void check_unique(const std::vector<Record>& records, std::string_view list, std::string_view key, KeyOf&& key_of,
                  Checker& checker) {
  std::set<std::string> seen;
  for (std::size_t i = 0; i < records.size(); ++i) {
    const std::string& value = key_of(records[i]);
    if (!seen.insert(value).second) {
      checker.error(list, std::string(key) + " \"" + printable(value) + "\" is given twice", {}, i);
    }
  }
}

}  // namespace

void cross_check(const Storage& storage, Checker& checker) {
  const auto device = [](const auto& record) -> const std::string& { return record.device; };
  check_unique(storage.disks, "disks", "device", device, checker);
  check_unique(storage.filesystems, "filesystems", "device", device, checker);
  check_unique(
      storage.files, "files", "path", [](const File& f) -> const std::string& { return f.path; }, checker);
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<spec::Partition> {
  static constexpr auto rows = std::tuple{
      field("number", &spec::Partition::number, "The partition's number; 0 takes the next free one.",
            {.key = true, .check = &check_partition_number}),
      field("label", &spec::Partition::label, "The partition's name in the table.", {.check = &check_label}),
      field("startMiB", &spec::Partition::start_mib, "Where it starts; 0 or absent: the largest free block.",
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
            {.required = true, .check = &check_absolute_path}),
      field("wipeTable", &Disk::wipe_table, "Whether the partition table may be made anew, losing what it lists."),
      field("partitions", &Disk::partitions, "The partitions the disk shall have."),
  };
};

template <>
struct Table<Filesystem> {
  static constexpr auto rows = std::tuple{
      field("path", &Filesystem::path, "Where it is mounted while files are written.",
            {.check = &check_optional_absolute_path}),
      field("device", &Filesystem::device, "The absolute path of the device.",
            {.required = true, .check = &check_absolute_path}),
      field("format", &Filesystem::format, "The kind of file system.", {.check = &check_format}),
      field("wipeFilesystem", &Filesystem::wipe_filesystem, "Whether whatever is on the device may be wiped."),
      field("label", &Filesystem::label, "The file system's label."),
      field("uuid", &Filesystem::uuid, "The file system's UUID; absent: derived."),
      field("options", &Filesystem::options, "Further arguments of the mkfs program."),
      field("mountOptions", &Filesystem::mount_options, "Options of the mount.", {.since = {3, 1}}),
  };
};

template <>
struct Table<Verification> {
  static constexpr auto rows = std::tuple{
      field("hash", &Verification::hash, "The digest that the bytes must have.", {.check = &check_hash}),
  };
};

template <>
struct Table<Resource> {
  static constexpr auto rows = std::tuple{
      field("source", &Resource::source, "Where the bytes come from.", {.secret = true, .check = &check_source}),
      field("compression", &Resource::compression, "How they are compressed.", {.check = &check_compression}),
      field("httpHeaders", &Resource::http_headers, "Headers of the request.", {.since = {3, 1}}),
      field("verification", &Resource::verification, "What to verify."),
  };
};

template <>
struct Table<NodeOwner> {
  static constexpr auto rows = std::tuple{
      field("id", &NodeOwner::id, "The numeric id.", {.check = &check_not_negative}),
      field("name", &NodeOwner::name, "The name, looked up in the target.", {.check = &check_owner_name}),
  };
};

template <>
struct Table<File> {
  static constexpr auto rows = std::tuple{
      field("path", &File::path, "The absolute path of the file.", {.required = true, .check = &check_absolute_path}),
      field("overwrite", &File::overwrite, "Whether a file that is there may be replaced."),
      field("user", &File::user, "The owner; absent: root."),
      field("group", &File::group, "The group; absent: root."),
      field("contents", &File::contents, "What the file holds."),
      field("append", &File::append, "What is added at its end."),
      field("mode", &File::mode, "The permission bits, decimal; absent: 420 (0644).", {.check = &check_mode}),
  };
};

template <>
struct Table<Storage> {
  static constexpr auto rows = std::tuple{
      field("disks", &Storage::disks, "Disks and their partitions."),
      field("raid", &Storage::raid, "RAID arrays."),
      field("luks", &Storage::luks, "Encrypted volumes.", {.since = {3, 2}}),
      field("filesystems", &Storage::filesystems, "File systems."),
      field("files", &Storage::files, "Files."),
      field("directories", &Storage::directories, "Directories."),
      field("links", &Storage::links, "Links."),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::Partition);
PROVISION_INSTANTIATE_RECORD(provision::spec::Disk);
PROVISION_INSTANTIATE_RECORD(provision::spec::Filesystem);
PROVISION_INSTANTIATE_RECORD(provision::spec::Verification);
PROVISION_INSTANTIATE_RECORD(provision::spec::Resource);
PROVISION_INSTANTIATE_RECORD(provision::spec::NodeOwner);
PROVISION_INSTANTIATE_RECORD(provision::spec::File);
PROVISION_INSTANTIATE_RECORD(provision::spec::Storage);
