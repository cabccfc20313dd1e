// SPDX-License-Identifier: Apache-2.0
// The field table and checks of file systems.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "base/uuid.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/config.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

struct Format {
  std::string_view name;
  fields::Version since;
  std::size_t label_bytes;
};
constexpr std::size_t any_length = static_cast<std::size_t>(-1);
// Label limits in bytes, as the file systems' own formats have them.
constexpr std::array formats{Format{"ext4", {3, 0}, 16},          Format{"btrfs", {3, 0}, 256},
                             Format{"xfs", {3, 0}, 12},           Format{"vfat", {3, 0}, 11},
                             Format{"swap", {3, 0}, 15},          Format{"none", {3, 3}, any_length},
                             Format{virtiofs, {3, 7}, any_length}};

const Format* find_format(const OptionalText& name, fields::Version version) {
  const auto* found = std::find_if(formats.begin(), formats.end(), [&](const Format& f) { return f.name == name; });
  return found == formats.end() || version < found->since ? nullptr : found;
}

std::string known_formats(fields::Version version) {
  std::vector<std::string> names;
  for (const auto& format : formats) {
    if (format.since <= version) {
      names.emplace_back(format.name);
    }
  }
  return join(names, ", ");
}

void check_format(const OptionalText& format, std::string_view key, Checker& checker) {
  if (!is_empty(format) && find_format(format, checker.version()) == nullptr) {
    checker.error(key, "\"" + printable(*format) + "\" is no file system of this spec version",
                  "one of " + known_formats(checker.version()));
  }
}

// A UUID, or the serial of a vfat with or without its dash.
bool is_filesystem_id(const std::string& text) {
  std::string hex = lower_ascii(text);
  if (hex.size() == 9 && hex[4] == '-') {
    hex.erase(4, 1);
  }
  const bool serial = hex.size() == 8 && hex.find_first_not_of("0123456789abcdef") == std::string::npos;
  return serial || Uuid::parse(text).has_value();
}

void check_filesystem_id(const OptionalText& uuid, std::string_view key, Checker& checker) {
  if (!is_empty(uuid) && !is_filesystem_id(*uuid)) {
    checker.strict(key, "\"" + printable(*uuid) + "\" is no UUID");
  }
}

// A virtiofs has a tag for a device, and nothing that could be made or wiped.
void check_virtiofs(const Filesystem& filesystem, Checker& checker) {
  if (filesystem.device.size() > 36) {
    checker.error("device", "the tag of a virtiofs has at most 36 bytes; this one has " +
                                std::to_string(filesystem.device.size()));
  }
  const auto refuse = [&](bool given, std::string_view key) {
    if (given) {
      checker.error(key, "a virtiofs is made by the host: it has no \"" + std::string(key) + "\" here");
    }
  };
  refuse(!is_empty(filesystem.label), "label");
  refuse(!is_empty(filesystem.uuid), "uuid");
  refuse(is_true(filesystem.wipe_filesystem), "wipeFilesystem");
  refuse(!filesystem.options.empty(), "options");
}

void check_filesystem_label(const Filesystem& filesystem, Checker& checker) {
  const Format* format = find_format(filesystem.format, checker.version());
  if (format != nullptr && filesystem.label.value_or("").size() > format->label_bytes) {
    checker.error("label", "a label of " + std::string(format->name) + " has at most " +
                               std::to_string(format->label_bytes) + " bytes; this one has " +
                               std::to_string(filesystem.label->size()));
  }
}

}  // namespace

void cross_check(const Filesystem& filesystem, Checker& checker) {
  const bool uses_format = !is_empty(filesystem.path) || !is_empty(filesystem.label) || !is_empty(filesystem.uuid) ||
                           is_true(filesystem.wipe_filesystem) || !filesystem.options.empty() ||
                           !filesystem.mount_options.empty();
  if (is_empty(filesystem.format) && uses_format) {
    checker.error("format",
                  "a filesystem entry without a format does nothing, and nothing else of it could have a meaning",
                  "add \"format\"");
  }
  if (is_virtiofs(filesystem) && find_format(filesystem.format, checker.version()) != nullptr) {
    check_virtiofs(filesystem, checker);
  } else {
    check_absolute_path(filesystem.device, "device", checker);
    check_filesystem_label(filesystem, checker);
  }
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<Filesystem> {
  static constexpr auto rows = std::tuple{
      field("path", &Filesystem::path, "Where it is mounted while files are written.",
            {.check = &check_optional_absolute_path}),
      field("device", &Filesystem::device, "The absolute path of the device; the tag of a virtiofs.",
            {.required = true, .key = true}),
      field("format", &Filesystem::format,
            "The kind of file system: ext4, btrfs, xfs, vfat, swap; none from 3.3, virtiofs from 3.7 on. Absent: the "
            "entry does nothing.",
            {.check = &check_format}),
      field("wipeFilesystem", &Filesystem::wipe_filesystem, "Whether whatever is on the device may be wiped."),
      field("label", &Filesystem::label, "The file system's label."),
      field("uuid", &Filesystem::uuid, "The file system's UUID; absent: derived.", {.check = &check_filesystem_id}),
      field("options", &Filesystem::options, "Further arguments of the mkfs program.", {.repeats = true}),
      field("mountOptions", &Filesystem::mount_options, "Options of the mount.", {.since = {3, 1}, .repeats = true}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::Filesystem);
