// SPDX-License-Identifier: Apache-2.0
#include "model/selectors.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/selectors.hpp"

namespace provision::model {
namespace {

using spec::DiskSelector;
using Disks = std::vector<host::WholeDisk>;

constexpr std::int64_t mib = std::int64_t{1} << 20U;
constexpr std::chrono::seconds quiet_without_identity{3};

std::int64_t bytes_of(const host::WholeDisk& disk) { return disk.facts.sectors * disk.facts.sector_size; }

// The kernel writes "naa.5002538e40a1b2c3" what udev and lsblk write "0x5002538e40a1b2c3".
std::string plain_wwn(std::string_view wwn) {
  constexpr std::string_view kernel = "naa.";
  const std::string text = lower_ascii(trim(wwn));
  return text.starts_with(kernel) ? "0x" + text.substr(kernel.size()) : text;
}

std::string quoted(const std::string& text) { return "\"" + printable(text) + "\""; }

void add_misfit(std::vector<std::string>& words, bool fits, const std::string& seen, const std::string& what) {
  if (!fits) {
    words.push_back(seen.empty() ? "has no " + what + " that is known" : "has another " + what);
  }
}

bool is_text(const std::optional<std::string>& wanted, const std::string& seen) {
  return !wanted || trim(*wanted) == trim(seen);
}

std::vector<const host::WholeDisk*> fitting(const DiskSelector& selector, const Disks& disks) {
  std::vector<const host::WholeDisk*> found;
  for (const auto& disk : disks) {
    if (misfits(selector, disk).empty()) {
      found.push_back(&disk);
    }
  }
  return found;
}

// "has another model and another transport and is too small".
std::string in_one(const std::vector<std::string>& words) {
  constexpr std::string_view has = "has ";
  std::string text;
  bool after_has = false;
  for (const auto& one : words) {
    const bool again = after_has && one.starts_with(has);
    text += (text.empty() ? "" : " and ") + (again ? one.substr(has.size()) : one);
    after_has = one.starts_with(has);
  }
  return text;
}

std::string why_not(const DiskSelector& selector, const Disks& disks) {
  std::vector<std::string> list;
  for (const auto& disk : disks) {
    list.push_back(describe(disk) + " " + in_one(misfits(selector, disk)));
  }
  return list.empty() ? "no disk of this machine is known" : join(list, "; ");
}

// Whether all of them have it, and each another one.
template <class Value>
bool tells_apart(const std::vector<const host::WholeDisk*>& disks, Value value) {
  std::set<std::string> values;
  for (const auto* disk : disks) {
    if (const std::string text = value(*disk); text.empty() || !values.insert(text).second) {
      return false;
    }
  }
  return true;
}

std::string what_to_add(const std::vector<const host::WholeDisk*>& disks) {
  if (tells_apart(disks, [](const auto& disk) { return disk.facts.serial; })) {
    return "add the serial of the one that is meant";
  }
  if (tells_apart(disks, [](const auto& disk) { return disk.facts.wwn; })) {
    return "add the wwn of the one that is meant";
  }
  if (tells_apart(disks, [](const auto& disk) { return std::to_string(bytes_of(disk)); })) {
    return "add the size of the one that is meant, as minSizeMiB and maxSizeMiB";
  }
  if (tells_apart(disks, [](const auto& disk) { return disk.model; })) {
    return "add the model of the one that is meant";
  }
  return "no property of theirs tells them apart: name the disk by its place, as /dev/disk/by-path/…";
}

Error none_fits(const DiskSelector& selector, const Disks& disks) {
  return {Code::device_missing,
          "no disk is what the selector " + quoted(selector.name) + " says: " + why_not(selector, disks)};
}

Error several_fit(const DiskSelector& selector, const std::vector<const host::WholeDisk*>& found) {
  std::vector<std::string> list;
  list.reserve(found.size());
  for (const auto* disk : found) {
    list.push_back(describe(*disk));
  }
  return {Code::bad_config, std::to_string(found.size()) + " disks are what the selector " + quoted(selector.name) +
                                " says: " + join(list, "; ") + ". It must name one: " + what_to_add(found)};
}

Result<const host::WholeDisk*> select(const DiskSelector& selector, const Disks& disks) {
  const auto found = fitting(selector, disks);
  if (found.size() == 1) {
    return found.front();
  }
  return found.empty() ? none_fits(selector, disks) : several_fit(selector, found);
}

Origin place_of(const spec::Parsed& config, const DiskSelector& selector) {
  const auto& all = config.config->provision.disk_selectors;
  const std::string path = "$.provision.diskSelectors." + std::to_string(&selector - all.data());
  return config.sources.origin(selector.place, path + ".name", "name");
}

Result<void> check_distinct(const std::vector<SelectedDisk>& earlier, const DiskSelector& selector,
                            const host::WholeDisk& disk) {
  for (const auto& one : earlier) {
    if (one.disk.node == disk.node) {
      return Error(Code::bad_config, "the selectors " + quoted(one.selector) + " and " + quoted(selector.name) +
                                         " name the same disk, " + describe(disk) +
                                         ": use one of them, or say more of each");
    }
  }
  return {};
}

}  // namespace

std::vector<std::string> misfits(const DiskSelector& selector, const host::WholeDisk& disk) {
  std::vector<std::string> words;
  if (!disk.unfit.empty()) {
    words.push_back(disk.unfit);
  }
  add_misfit(words, is_text(selector.serial, disk.facts.serial), disk.facts.serial, "serial number");
  add_misfit(words, !selector.wwn || plain_wwn(*selector.wwn) == plain_wwn(disk.facts.wwn), disk.facts.wwn, "WWN");
  add_misfit(words, is_text(selector.model, disk.model), disk.model, "model");
  add_misfit(words, is_text(selector.transport, disk.transport), disk.transport, "transport");
  const std::int64_t bytes = bytes_of(disk);
  if (bytes / mib < selector.min_size_mib.value_or(0)) {
    words.emplace_back("is too small");
  }
  if (selector.max_size_mib && (bytes + mib - 1) / mib > *selector.max_size_mib) {
    words.emplace_back("is too large");
  }
  return words;
}

Result<std::vector<SelectedDisk>> select_disks(const spec::Parsed& config, const Disks& disks) {
  std::vector<SelectedDisk> selected;
  for (const auto* selector : spec::used_selectors(*config.config)) {
    const auto disk = select(*selector, disks);
    if (!disk) {
      Error error = disk.error();
      return std::move(error).at(place_of(config, *selector));
    }
    if (const auto distinct = check_distinct(selected, *selector, **disk); !distinct) {
      Error error = distinct.error();
      return std::move(error).at(place_of(config, *selector));
    }
    selected.push_back({selector->name, **disk});
  }
  return selected;
}

bool all_found(const spec::Config& config, const Disks& disks) {
  const auto used = spec::used_selectors(config);
  return std::all_of(used.begin(), used.end(),
                     [&](const DiskSelector* selector) { return !fitting(*selector, disks).empty(); });
}

std::chrono::milliseconds quiet_for(const spec::Config& config) {
  const auto used = spec::used_selectors(config);
  const bool all_identified = std::all_of(
      used.begin(), used.end(), [](const DiskSelector* selector) { return selector->serial || selector->wwn; });
  return all_identified ? std::chrono::milliseconds(0) : quiet_without_identity;
}

bool is_same_disk(const host::WholeDisk& one, const host::WholeDisk& other) {
  const bool named = !one.facts.serial.empty() || !one.facts.wwn.empty();
  const bool same_names = one.facts.serial == other.facts.serial && one.facts.wwn == other.facts.wwn;
  return same_names && (named || one.facts.hardware_path == other.facts.hardware_path) && one.model == other.model &&
         bytes_of(one) == bytes_of(other);
}

std::string describe(const host::WholeDisk& disk) {
  std::vector<std::string> words;
  if (!disk.model.empty()) {
    words.push_back("model " + quoted(disk.model));
  }
  if (!disk.facts.serial.empty()) {
    words.push_back("serial " + quoted(disk.facts.serial));
  }
  if (!disk.facts.wwn.empty()) {
    words.push_back("wwn " + printable(plain_wwn(disk.facts.wwn)));
  }
  if (!disk.transport.empty()) {
    words.push_back(disk.transport);
  }
  words.push_back(std::to_string(bytes_of(disk) / mib) + " MiB");
  return printable(disk.node) + " (" + join(words, ", ") + ")";
}

host::SelectedNodes nodes_of(const std::vector<SelectedDisk>& selected) {
  host::SelectedNodes nodes;
  for (const auto& one : selected) {
    nodes.emplace(one.selector, one.disk.node);
  }
  return nodes;
}

host::SelectedHost selected_host(const host::Host& host, const spec::Parsed& config) {
  return host::SelectedHost(host, [&host, &config]() -> Result<host::SelectedNodes> {
    const auto disks = TRY(host.disks.whole_disks({}));
    const auto selected = TRY(select_disks(config, disks));
    return nodes_of(selected);
  });
}

Result<void> check_one_name_each(host::Host& host, const spec::Parsed& config) {
  if (config.config->provision.disk_selectors.empty()) {
    return {};
  }
  std::map<std::string, const spec::DeviceName*> names;
  const auto all = spec::device_names(*config.config);
  for (const auto& device : all) {
    const auto node = host.disks.await({device.path, {}, 0}, std::chrono::milliseconds(0));
    if (!node) {
      continue;
    }
    const auto [known, fresh] = names.emplace(*node, &device);
    const std::string& other = known->second->path;
    const bool selected = parse_selector_path(device.path) || parse_selector_path(other);
    if (!fresh && selected && other != device.path) {
      return Error(Code::bad_config, printable(device.path) + " is the same device as " + printable(other) + " (" +
                                         *node + "): call it by one name in the whole config")
          .at(config.sources.origin(device.record, device.place, device.key, device.index));
    }
  }
  return {};
}

}  // namespace provision::model

namespace provision::fields {

template <>
struct Table<model::SelectedDisk> {
  static constexpr auto rows = std::tuple{
      field("selector", &model::SelectedDisk::selector, "The name of the selector.", {.required = true}),
      field("disk", &model::SelectedDisk::disk, "The disk that it named."),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::model::SelectedDisk);
