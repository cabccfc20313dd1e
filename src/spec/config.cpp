// SPDX-License-Identifier: Apache-2.0
// The field table of the whole config, and the checks across its parts.
#include "spec/config.hpp"

#include <unordered_map>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/extension_images.hpp"
#include "spec/selectors.hpp"
#include "spec/subvolumes.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

// The files that the units of the config are written to, each with the unit's number.
std::unordered_map<std::string, std::size_t> unit_files(const Systemd& systemd) {
  std::unordered_map<std::string, std::size_t> paths;
  const std::string directory = "/etc/systemd/system/";
  for (std::size_t i = 0; i < systemd.units.size(); ++i) {
    const Unit& unit = systemd.units[i];
    if (!unit.contents.value_or("").empty()) {
      paths.emplace(directory + unit.name, i);
    }
    for (const auto& dropin : unit.dropins) {
      if (!dropin.contents.value_or("").empty()) {
        paths.emplace(directory + unit.name + ".d/" + dropin.name, i);
      }
    }
  }
  return paths;
}

class UnitPaths {
 public:
  UnitPaths(const Config& config, Checker& checker)
      : paths_(unit_files(config.systemd)), config_(config), checker_(checker) {}

  template <class Kind>
  void check(const std::vector<Kind>& nodes, std::string_view list) {
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      if (const auto unit = paths_.find(nodes[i].path); unit != paths_.end()) {
        complain(nodes[i], list, i, unit->second);
      }
    }
  }

 private:
  void complain(const Node& node, std::string_view list, std::size_t index, std::size_t unit) {
    fields::Note note;
    note.text = "\"" + printable(node.path) + "\" is written by a unit of this config too";
    note.hint = "give it in one place only";
    // Released specs before 3.4 let it pass; the unit then won over the file.
    note.strict = checker_.version() < fields::Version{3, 4};
    note.severity = note.strict ? fields::Severity::warning : fields::Severity::error;
    {
      const fields::Within systemd(checker_, config_.systemd.place, {"systemd"});
      note.related = {checker_.origin("units", unit)};
    }
    const fields::Within here(checker_, node.place, {"storage", list, index});
    checker_.add(std::move(note), "path", std::nullopt);
  }

  std::unordered_map<std::string, std::size_t> paths_;
  const Config& config_;
  Checker& checker_;
};

void check_unfinished(const OptionalText& choice, std::string_view key, Checker& checker) {
  if (choice && choice != "resume" && choice != "start-over") {
    checker.error(key, "\"" + printable(*choice) + "\" is no answer to an unfinished first boot",
                  "say \"resume\" or \"start-over\"");
  }
}

}  // namespace

void cross_check(const Config& config, Checker& checker) {
  UnitPaths paths(config, checker);
  paths.check(config.storage.files, "files");
  paths.check(config.storage.directories, "directories");
  paths.check(config.storage.links, "links");
  check_extension_images(config, checker);
  check_suffix(config, checker);
  check_subvolumes(config, checker);
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<Extensions> {
  static constexpr auto rows = std::tuple{
      field("unfinished", &Extensions::unfinished,
            "What becomes of a first boot that another config, or another machine, has begun and not ended: \"resume\" "
            "or "
            "\"start-over\". Without it the boot stops.",
            {.since = {3, 6}, .extension = true, .check = &check_unfinished}),
      field(
          "systemExtensions", &Extensions::system_extensions,
          "Images of system extensions, which systemd-sysext(8) adds to /usr and /opt at each boot. Each is a file of "
          "mode 0644 in /var/lib/extensions, and systemd-sysext.service is enabled.",
          {.since = {3, 6}, .extension = true}),
      field("configurationExtensions", &Extensions::configuration_extensions,
            "The same of configuration extensions, for /etc: in /var/lib/confexts, by systemd-confext.service (systemd "
            "254 or later).",
            {.since = {3, 6}, .extension = true}),
      field("diskSelectors", &Extensions::disk_selectors,
            "Disks that are named by what is true of them: /dev/disk/by-selector/<name>.",
            {.since = {3, 6}, .extension = true}),
      field("parentDirectories", &Extensions::parent_directories,
            "Owners and modes of the directories on the way to files, directories and links that are not in the config "
            "themselves; without it those that are missing are made 0755 root.",
            {.since = {3, 6}, .extension = true}),
      field("growFilesystems", &Extensions::grown_filesystems,
            "File systems of the config that take all of their devices where they are there already and smaller.",
            {.since = {3, 6}, .extension = true}),
      field("subvolumes", &Extensions::subvolumes,
            "Subvolumes of the config's Btrfs file systems: made where they are not there, and mounted while files are "
            "written.",
            {.since = {3, 6}, .extension = true}),
      field("volumeGroups", &Extensions::volume_groups,
            "Volume groups of LVM on partitions, disks, RAID arrays and encrypted volumes, with their logical volumes.",
            {.since = {3, 6}, .extension = true}),
      field("enrollments", &Extensions::enrollments,
            "What opens encrypted volumes besides their keys, as systemd-cryptenroll(1) has it: a TPM, a recovery key.",
            {.since = {3, 6}, .extension = true}),
      field("archives", &Extensions::archives, "Archives of tar that are unpacked into directories.",
            {.since = {3, 6}, .extension = true}),
  };
};

template <>
struct Table<Config> {
  static constexpr auto rows = std::tuple{
      field("ignition", &Config::ignition, "About the config itself.", {.required = true}),
      field("kernelArguments", &Config::kernel_arguments, "Kernel arguments.", {.since = {3, 3}}),
      field("passwd", &Config::passwd, "Users and groups."),
      field("storage", &Config::storage, "Disks, volumes, file systems, files."),
      field("systemd", &Config::systemd, "Units."),
      field("provision", &Config::provision, "What only provision can do.", {.since = {3, 6}, .extension = true}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::Extensions);
PROVISION_INSTANTIATE_RECORD(provision::spec::Config);
