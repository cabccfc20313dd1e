// SPDX-License-Identifier: Apache-2.0
#include "model/volume_groups.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/secret.hpp"
#include "base/text.hpp"
#include "fields/json.hpp"

namespace provision::model {
namespace {

using fields::Value;

// Room for some 700 logical volumes. The only kind of answer that a program can give is locked memory, and wiped.
constexpr std::size_t max_report = std::size_t{256} << 10U;
constexpr std::chrono::seconds report_patience{120};

constexpr std::string_view settings =
    "devices{use_devicesfile=0 obtain_device_list_from_udev=0 hints=\"none\"} backup{backup=0 archive=0} "
    "activation{monitoring=0}";

std::string doubled(std::string_view name) {
  std::string text;
  for (const char c : name) {
    text += c == '-' ? "--" : std::string(1, c);
  }
  return text;
}

template <class PathOf>
std::optional<NamedLogicalVolume> find_named(const spec::Config& config, std::string_view path, PathOf path_of) {
  for (const auto& group : config.provision.volume_groups) {
    for (const auto& volume : group.logical_volumes) {
      if (path_of(group.name, volume.name) == path) {
        return NamedLogicalVolume{&group, &volume};
      }
    }
  }
  return std::nullopt;
}

// --- The report: every value is a string

std::string text_of(const Value& row, std::string_view key) {
  const Value* const found = row.find(key);
  return found != nullptr && found->kind == Value::Kind::string ? found->string.str() : std::string{};
}

std::int64_t number_of(const Value& row, std::string_view key) {
  const std::string text = text_of(row, key);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

const std::vector<Value>& rows_of(const Value& report, std::string_view key) {
  static const std::vector<Value> none;
  const Value* const found = report.find(key);
  return found != nullptr ? found->items : none;
}

LogicalVolumeView logical_of(const Value& row, const Value& report) {
  LogicalVolumeView view;
  view.name = text_of(row, "lv_name");
  view.bytes = number_of(row, "lv_size");
  view.pool = text_of(row, "pool_lv");
  view.active = text_of(row, "lv_active") == "active";
  view.open = text_of(row, "lv_device_open") == "open";
  for (const auto& segment : rows_of(report, "seg")) {
    if (text_of(segment, "lv_name") == view.name) {
      view.type = text_of(segment, "segtype");
      view.stripes = number_of(segment, "stripes");
      break;
    }
  }
  return view;
}

VolumeGroupFound group_in(const Value& report, const Value& row) {
  VolumeGroupFound group;
  group.name = text_of(row, "vg_name");
  group.uuid = text_of(row, "vg_uuid");
  group.extent_bytes = number_of(row, "vg_extent_size");
  group.free_extents = number_of(row, "vg_free_count");
  group.missing = number_of(row, "vg_missing_pv_count");
  for (const auto& physical : rows_of(report, "pv")) {
    group.physical.push_back(text_of(physical, "pv_uuid"));
    // "[unknown]" is one that is missing.
    if (std::string node = text_of(physical, "pv_name"); node.starts_with('/')) {
      group.nodes.push_back(std::move(node));
    }
  }
  for (const auto& logical : rows_of(report, "lv")) {
    group.logical.push_back(logical_of(logical, report));
  }
  return group;
}

Result<std::string> report_of(host::Host& host) {
  Secret room = TRY(Secret::sized(max_report));
  host::Command command = lvm_command({"fullreport",
                                       "--reportformat",
                                       "json",
                                       "--units",
                                       "b",
                                       "--nosuffix",
                                       "--configreport",
                                       "vg",
                                       "-o",
                                       "vg_name,vg_uuid,vg_extent_size,vg_free_count,vg_missing_pv_count",
                                       "--configreport",
                                       "pv",
                                       "-o",
                                       "pv_uuid,pv_name",
                                       "--configreport",
                                       "lv",
                                       "-o",
                                       "lv_name,lv_size,lv_active,lv_device_open,pool_lv",
                                       "--configreport",
                                       "pvseg",
                                       "-o",
                                       "pvseg_start",
                                       "--configreport",
                                       "seg",
                                       "-o",
                                       "lv_name,segtype,stripes"});
  command.patience = report_patience;
  command.answer = &room;
  const host::Exit exit = TRY(host.processes.run(command));
  if (exit.status != 0) {
    return Error(Code::program_failed, "lvm fullreport ended with status " + std::to_string(exit.status) + ": " +
                                           printable(trim(exit.output)));
  }
  return std::string(room.view().substr(0, exit.answered));
}

}  // namespace

std::string logical_path(std::string_view group, std::string_view volume) {
  return "/dev/" + std::string(group) + "/" + std::string(volume);
}

std::string mapper_name(std::string_view group, std::string_view volume) {
  return doubled(group) + "-" + doubled(volume);
}

std::optional<NamedLogicalVolume> logical_volume_named(const spec::Config& config, std::string_view path) {
  return find_named(config, path, &logical_path);
}

std::optional<NamedLogicalVolume> logical_volume_mapped(const spec::Config& config, std::string_view path) {
  constexpr std::string_view mapper = "/dev/mapper/";
  return path.starts_with(mapper) ? find_named(config, path.substr(mapper.size()), &mapper_name) : std::nullopt;
}

std::string physical_uuid(const Uuid& uuid) {
  constexpr std::array<std::size_t, 6> dashes{6, 11, 16, 21, 26, 31};
  std::string text;
  for (const char c : uuid.text()) {
    if (c == '-') {
      continue;
    }
    text += std::find(dashes.begin(), dashes.end(), text.size()) == dashes.end() ? "" : "-";
    text += c;
  }
  return text;
}

host::Command lvm_command(std::vector<std::string> arguments) {
  host::Command command;
  command.program = std::string(lvm_program);
  command.arguments = std::move(arguments);
  command.arguments.insert(command.arguments.begin() + 1, {"--config", std::string(settings)});
  return command;
}

Result<std::vector<VolumeGroupFound>> parse_volume_groups(const std::string& json) {
  fields::Document document("lvm fullreport", json);
  if (!fields::parse_json(document) || document.root().find("report") == nullptr) {
    return Error(Code::program_failed, "lvm fullreport answers with something that is no report");
  }
  std::vector<VolumeGroupFound> groups;
  for (const auto& report : document.root().find("report")->items) {
    for (const auto& row : rows_of(report, "vg")) {
      groups.push_back(group_in(report, row));
    }
  }
  return groups;
}

Result<std::vector<VolumeGroupFound>> volume_groups_of(host::Host& host) {
  const std::string report = TRY(report_of(host));
  return parse_volume_groups(report);
}

Result<void> see_found_groups(host::Host& host, Inventory& inventory) {
  std::vector<std::string> names;
  std::vector<std::string> physical;
  for (const auto& group : inventory.volume_groups) {
    names.push_back(group.name);
    for (const auto& member : group.members) {
      if (member.signature.type == physical_volume_type) {
        physical.push_back(member.signature.uuid);
      }
    }
  }
  if (auto there = host.processes.must_have(std::string(lvm_program)); !there) {
    Error missing = std::move(there).error();
    missing.what += ", which the package lvm2 has";
    return physical.empty() ? Result<void>{} : Result<void>(std::move(missing));
  }
  auto all = TRY_WHILE(volume_groups_of(host), "asking LVM for its volume groups");
  std::erase_if(all, [&](const VolumeGroupFound& group) {
    return std::find(names.begin(), names.end(), group.name) == names.end() &&
           std::none_of(physical.begin(), physical.end(), [&](const auto& uuid) { return group.has(uuid); });
  });
  inventory.found_groups = std::move(all);
  return {};
}

}  // namespace provision::model
