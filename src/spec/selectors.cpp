// SPDX-License-Identifier: Apache-2.0
// The field table and checks of disk selectors.
#include "spec/selectors.hpp"

#include <algorithm>
#include <set>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

constexpr std::string_view version_with_selectors = "3.6.0+provision.1";

void check_name(const std::string& name, std::string_view key, Checker& checker) {
  if (!name.empty() && !is_selector_name(name)) {
    checker.error(key, "\"" + printable(name) + "\" can be no selector's name",
                  "it begins with a letter or a digit, has only those and \"-\", \"_\" and \".\", at most 64, and does "
                  "not end as a partition's does (\"-part1\")");
  }
}

void check_property(const OptionalText& value, std::string_view key, Checker& checker) {
  if (value && trim(*value).empty()) {
    checker.error(key, "this selects nothing: it is empty", "leave it out if it does not matter");
  }
}

void check_transport(const OptionalText& transport, std::string_view key, Checker& checker) {
  if (transport && std::find(disk_transports.begin(), disk_transports.end(), *transport) == disk_transports.end()) {
    const std::vector<std::string> known(disk_transports.begin(), disk_transports.end());
    checker.error(key, "\"" + printable(*transport) + "\" is no transport", "one of " + join(known, ", "));
  }
}

void check_size(const std::optional<std::int64_t>& size, std::string_view key, Checker& checker) {
  if (size && *size <= 0) {
    checker.error(key, "a disk's size is more than 0 MiB");
  }
}

// What `name` may have been meant for.
std::string existing(const std::vector<DiskSelector>& selectors) {
  std::vector<std::string> names;
  names.reserve(selectors.size());
  for (const auto& selector : selectors) {
    names.push_back(printable(selector.name));
  }
  return names.empty() ? "it has none: add one to $.provision.diskSelectors" : "it has " + join(names, ", ");
}

bool refers_to_others(const Config& config) {
  return !config.ignition.config.merge.empty() || config.ignition.config.replace.source;
}

const DiskSelector* find_selector(const Config& config, std::string_view name) {
  const auto& all = config.provision.disk_selectors;
  const auto found = std::find_if(all.begin(), all.end(), [&](const DiskSelector& one) { return one.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

void cross_check(const DiskSelector& selector, Checker& checker) {
  const bool any = selector.serial || selector.wwn || selector.model || selector.transport || selector.min_size_mib ||
                   selector.max_size_mib;
  if (!any) {
    checker.error("", "the selector \"" + printable(selector.name) + "\" says nothing of its disk",
                  "give at least one of serial, wwn, model, transport, minSizeMiB, maxSizeMiB");
  }
  if (selector.min_size_mib && selector.max_size_mib && *selector.min_size_mib > *selector.max_size_mib) {
    checker.error("minSizeMiB", "no disk has at least " + std::to_string(*selector.min_size_mib) + " MiB and at most " +
                                    std::to_string(*selector.max_size_mib));
  }
}

std::vector<DeviceName> device_names(const Config& config) {
  std::vector<DeviceName> names;
  const Storage& storage = config.storage;
  const auto list = [](std::string_view key, std::size_t i) {
    return "$.storage." + std::string(key) + "." + std::to_string(i);
  };
  for (std::size_t i = 0; i < storage.disks.size(); ++i) {
    const Disk& disk = storage.disks[i];
    names.push_back({disk.device, disk.place, list("disks", i) + ".device", "device", std::nullopt});
  }
  for (std::size_t i = 0; i < storage.raid.size(); ++i) {
    const Raid& array = storage.raid[i];
    for (std::size_t k = 0; k < array.devices.size(); ++k) {
      names.push_back({array.devices[k], array.place, list("raid", i) + ".devices." + std::to_string(k), "devices", k});
    }
  }
  for (std::size_t i = 0; i < storage.luks.size(); ++i) {
    const Luks& volume = storage.luks[i];
    if (volume.device) {
      names.push_back({*volume.device, volume.place, list("luks", i) + ".device", "device", std::nullopt});
    }
  }
  for (std::size_t i = 0; i < storage.filesystems.size(); ++i) {
    const Filesystem& filesystem = storage.filesystems[i];
    names.push_back({filesystem.device, filesystem.place, list("filesystems", i) + ".device", "device", std::nullopt});
  }
  return names;
}

std::vector<const DiskSelector*> used_selectors(const Config& config) {
  std::set<std::string> names;
  for (const auto& device : device_names(config)) {
    if (auto path = parse_selector_path(device.path)) {
      names.insert(std::move(path->name));
    }
  }
  std::vector<const DiskSelector*> used;
  for (const auto& selector : config.provision.disk_selectors) {
    if (names.contains(selector.name)) {
      used.push_back(&selector);
    }
  }
  return used;
}

void check_suffix(const Config& config, Checker& checker) {
  if (config.ignition.version.find('+') != std::string::npos) {
    return;
  }
  for (const auto& device : device_names(config)) {
    if (!parse_selector_path(device.path)) {
      continue;
    }
    // "$.storage.disks.0.device" is a path down from the root.
    std::vector<fields::Within::Step> steps;
    const std::string place = device.place;
    const auto parts = split(place, '.');
    for (std::size_t i = 1; i + (device.index ? 2 : 1) < parts.size(); ++i) {
      steps.emplace_back(parts[i]);
    }
    const fields::Within here(checker, device.record, steps);
    checker.error(device.key, "this names a disk by a selector, which the version of this config does not have",
                  "set ignition.version to \"" + std::string(version_with_selectors) + "\"", device.index);
  }
}

fields::Notes selector_notes(const Parsed& parsed) {
  fields::Notes notes;
  const Config& config = *parsed.config;
  if (refers_to_others(config)) {
    return notes;
  }
  for (const auto& device : device_names(config)) {
    const auto path = parse_selector_path(device.path);
    if (path && find_selector(config, path->name) == nullptr) {
      notes.add({fields::Severity::error, parsed.sources.origin(device.record, device.place, device.key, device.index),
                 "the config has no disk selector \"" + printable(path->name) + "\"",
                 existing(config.provision.disk_selectors)});
    }
  }
  const auto used = used_selectors(config);
  for (std::size_t i = 0; i < config.provision.disk_selectors.size(); ++i) {
    const DiskSelector& selector = config.provision.disk_selectors[i];
    if (std::find(used.begin(), used.end(), &selector) == used.end()) {
      notes.add(
          {fields::Severity::warning,
           parsed.sources.origin(selector.place, "$.provision.diskSelectors." + std::to_string(i) + ".name", "name"),
           "nothing uses the disk selector \"" + printable(selector.name) + "\"",
           "name its disk " + selector_path(printable(selector.name))});
    }
  }
  return notes;
}

void add_selector_notes(Parsed& parsed) { add_notes(parsed, selector_notes(parsed)); }

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<DiskSelector> {
  static constexpr auto rows = std::tuple{
      field("name", &DiskSelector::name, "Its name: the disk is /dev/disk/by-selector/<name>, its partitions -part1, …",
            {.since = {3, 6}, .required = true, .extension = true, .key = true, .check = &check_name}),
      field("serial", &DiskSelector::serial, "The disk's serial number.",
            {.since = {3, 6}, .extension = true, .check = &check_property}),
      field("wwn", &DiskSelector::wwn, "Its World Wide Name, such as 0x5002538e40a1b2c3 or eui.0025385b9150a1b2.",
            {.since = {3, 6}, .extension = true, .check = &check_property}),
      field("model", &DiskSelector::model, "Its model.",
            {.since = {3, 6}, .extension = true, .check = &check_property}),
      field("transport", &DiskSelector::transport,
            "How it is attached: nvme, virtio, sata, sas, scsi, usb, fc, iscsi, mmc or xen.",
            {.since = {3, 6}, .extension = true, .check = &check_transport}),
      field("minSizeMiB", &DiskSelector::min_size_mib, "It has at least this size.",
            {.since = {3, 6}, .extension = true, .unit = "MiB", .check = &check_size}),
      field("maxSizeMiB", &DiskSelector::max_size_mib, "It has at most this size.",
            {.since = {3, 6}, .extension = true, .unit = "MiB", .check = &check_size}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::DiskSelector);
