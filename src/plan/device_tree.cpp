// SPDX-License-Identifier: Apache-2.0
#include "plan/device_tree.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <map>
#include <set>

#include "base/text.hpp"
#include "model/observe.hpp"
#include "model/volume_groups.hpp"

namespace provision::plan {
namespace {

constexpr std::string_view disk_key = "disk:";
constexpr std::string_view array_key = "array:";
constexpr std::string_view volume_key = "volume:";
constexpr std::string_view group_key = "group:";
constexpr std::string_view logical_key = "logical:";
constexpr std::string_view other_key = "device:";

std::string partition_key(const std::string& disk, std::int64_t number) {
  return std::string(disk_key) + disk + ":" + std::to_string(number);
}

std::string subvolume_key(const std::string& device, const std::string& name) {
  return "subvolume:" + device + ":" + name;
}

// --- What is on a device, in a few words

std::string labelled(const std::string& text, const std::string& label) {
  return label.empty() ? text : text + " \"" + printable(label) + "\"";
}

std::string words_on(const host::Signature& signature) {
  if (signature.type.empty()) {
    return "blank";
  }
  if (signature.ambivalent) {
    return "signatures of several kinds";
  }
  if (signature.type == model::physical_volume_type) {
    return "LVM";
  }
  if (signature.type == "linux_raid_member") {
    constexpr std::string_view any_host = "any:";
    const bool cut = signature.label.starts_with(any_host);
    return labelled("RAID member", cut ? signature.label.substr(any_host.size()) : signature.label);
  }
  return labelled(signature.type == "crypto_LUKS" ? "LUKS" : signature.type, signature.label);
}

std::string words_on(const model::DiskView& disk) {
  switch (disk.table.kind) {
    case host::TableKind::gpt:
      return "a GPT";
    case host::TableKind::none:
      return words_on(disk.signature);
    case host::TableKind::damaged:
    case host::TableKind::other:
      break;
  }
  return model::describe(disk.table);
}

constexpr std::string_view unseen = "not seen";

using Contents = std::map<std::string, std::string>;

class Tree {
 public:
  Tree(const spec::Config& config, const model::Inventory& before, const std::vector<Plan>& plans)
      : config_(config), before_(before), after_(before) {
    for (const auto& plan : plans) {
      after_ = predicted(std::move(after_), plan);
    }
    was_ = contents_of(before_);
    is_ = contents_of(after_);
    link();
    for (const auto& plan : plans) {
      for (const auto& step : plan.steps) {
        note(step);
      }
    }
  }

  std::vector<DeviceNode> nodes() {
    std::vector<DeviceNode> made;
    for (const auto& key : order_) {
      if (!is_below_.contains(key)) {
        made.push_back(node(key));
      }
    }
    return made;
  }

 private:
  static std::string logical_key_of(const std::string& group, const std::string& volume) {
    return std::string(logical_key) + model::logical_path(group, volume);
  }

  // A device by one name, whichever path leads to it.
  std::string key_of(const std::string& path) {
    if (const auto* const array = model::array_named(config_, path)) {
      return std::string(array_key) + array->name;
    }
    if (const auto* const volume = model::volume_named(config_, path)) {
      return std::string(volume_key) + volume->name;
    }
    if (const auto logical = model::logical_volume_named(config_, path)) {
      return logical_key_of(logical->group->name, logical->volume->name);
    }
    if (before_.disk(path) != nullptr) {
      return std::string(disk_key) + path;
    }
    for (const model::Inventory* const inventory : {static_cast<const model::Inventory*>(&after_), &before_}) {
      const host::DeviceRef found = model::resolve(*inventory, path);
      if (!found.disk.empty()) {
        return partition_key(found.disk, found.number);
      }
    }
    return std::string(other_key) + path;
  }
  std::string key_of(const host::DeviceRef& device) {
    return device.disk.empty() ? key_of(device.path) : partition_key(device.disk, device.number);
  }

  // --- What there is

  Contents contents_of(const model::Inventory& inventory) {
    Contents found;
    const auto see = [&](const auto& view) { found[key_of(view.device)] = words_on(view.signature); };
    for (const auto& array : inventory.arrays) {
      std::for_each(array.members.begin(), array.members.end(), see);
    }
    for (const auto& group : inventory.volume_groups) {
      std::for_each(group.members.begin(), group.members.end(), see);
    }
    std::for_each(inventory.volumes.begin(), inventory.volumes.end(), see);
    for (const auto& disk : inventory.disks) {
      found[std::string(disk_key) + disk.device] = words_on(disk);
      for (const auto& entry : disk.table.partitions) {
        const model::PartitionView* const seen = disk.partition(entry.number);
        found[partition_key(disk.device, entry.number)] =
            seen == nullptr ? std::string(unseen) : words_on(seen->signature);
      }
    }
    for (const auto& view : inventory.devices) {
      see(view);
      for (const auto& subvolume : view.subvolumes) {
        if (subvolume.kind == host::SubvolumeKind::subvolume) {
          found[subvolume_key(key_of(view.device), subvolume.name)] =
              subvolume.is_default ? "the default subvolume" : "a subvolume";
        }
      }
    }
    see_shown(inventory, found);
    return found;
  }

  // The UUID that the array has in the end.
  [[nodiscard]] Uuid array_uuid(const std::string& name) const {
    const auto& members = after_.array(name)->members;
    const auto found = std::find_if(members.begin(), members.end(),
                                    [](const model::MemberView& view) { return !view.member.level.empty(); });
    return found == members.end() ? Uuid{} : found->member.array;
  }

  // What arrays and volumes show.
  void see_shown(const model::Inventory& inventory, Contents& found) {
    for (const auto& array : inventory.arrays) {
      const Uuid uuid = array_uuid(array.name);
      const auto is_its = [&](const model::MemberView& view) {
        return !view.member.level.empty() && view.member.array == uuid;
      };
      const auto runs = [&](const model::MemberView& view) { return is_its(view) && view.member.running; };
      if (std::any_of(array.members.begin(), array.members.end(), is_its)) {
        const bool running = std::any_of(array.members.begin(), array.members.end(), runs);
        found.emplace(std::string(array_key) + array.name, running ? "blank" : "not set up");
      }
    }
    for (const auto& group : inventory.found_groups) {
      see_group(group, found);
    }
    for (const auto& group : inventory.volume_groups) {
      for (const auto& view : group.members) {
        if (const auto* const held = inventory.group_of(view.signature.uuid)) {
          found[key_of(view.device)] = labelled("LVM", held->name);
        }
      }
    }
    for (const auto& volume : inventory.volumes) {
      if (volume.header.version != 0) {
        found.emplace(std::string(volume_key) + volume.name, volume.is_open() ? "blank" : "not open");
      }
    }
  }

  // Of those that the config has; what else is in the way is told by the error.
  static void see_group(const model::VolumeGroupFound& group, Contents& found) {
    found.emplace(std::string(group_key) + group.name, "a volume group");
    for (const auto& volume : group.logical) {
      const bool is_pool = volume.type == "thin-pool";
      found.emplace(logical_key_of(group.name, volume.name), is_pool         ? "a thin-pool"
                                                             : volume.active ? "blank"
                                                                             : "not active");
    }
  }

  // --- What lies on what

  void add(const std::string& key) {
    if (std::find(order_.begin(), order_.end(), key) == order_.end()) {
      order_.push_back(key);
    }
  }
  void put_below(const std::string& key, const std::string& above) {
    add(above);
    add(key);
    auto& below = below_[above];
    if (std::find(below.begin(), below.end(), key) == below.end()) {
      below.push_back(key);
    }
    is_below_.insert(key);
  }

  void link() {
    for (const auto& disk : before_.disks) {
      add(std::string(disk_key) + disk.device);
      link_partitions(disk, *after_.disk(disk.device));
    }
    for (const auto& array : after_.arrays) {
      for (const auto& member : array.members) {
        put_below(std::string(array_key) + array.name, key_of(member.device));
        levels_[array.name] = member.member.level;
      }
    }
    for (const auto& group : after_.volume_groups) {
      link_group(group);
    }
    for (const auto& volume : after_.volumes) {
      put_below(std::string(volume_key) + volume.name, key_of(volume.device));
    }
    for (const auto& view : after_.devices) {
      add(key_of(view.device));
    }
    for (const model::Inventory* const inventory : {&before_, static_cast<const model::Inventory*>(&after_)}) {
      for (const auto& view : inventory->devices) {
        link_subvolumes(view);
      }
    }
  }

  void link_subvolumes(const model::DeviceView& view) {
    for (const auto& subvolume : view.subvolumes) {
      if (subvolume.kind == host::SubvolumeKind::subvolume) {
        const std::string key = subvolume_key(key_of(view.device), subvolume.name);
        put_below(key, key_of(view.device));
        names_[key] = printable(subvolume.name);
      }
    }
  }

  void link_group(const model::VolumeGroupView& group) {
    const std::string key = std::string(group_key) + group.name;
    for (const auto& member : group.members) {
      put_below(key, key_of(member.device));
    }
    for (const auto& found : after_.found_groups) {
      for (const auto& volume : found.logical) {
        if (found.name == group.name && !group.members.empty()) {
          put_below(logical_key_of(group.name, volume.name), key);
          levels_[logical_key_of(group.name, volume.name)] = volume.type;
        }
      }
    }
  }

  void link_partitions(const model::DiskView& before, const model::DiskView& after) {
    std::map<std::int64_t, std::string> labels;
    for (const model::DiskView* const disk : {&before, &after}) {
      for (const auto& entry : disk->table.partitions) {
        labels[entry.number] = entry.label;
      }
    }
    for (const auto& [number, label] : labels) {
      const std::string key = partition_key(before.device, number);
      put_below(key, std::string(disk_key) + before.device);
      names_[key] = "partition " + std::to_string(number) + (label.empty() ? "" : " " + printable(label));
    }
  }

  // --- What the steps say

  void note(const Step& step) {
    if (const auto* const mount = std::get_if<Mount>(&step.operation)) {
      const std::string key = key_of(mount->device);
      mounts_[mount->subvolume.empty() ? key : subvolume_key(key, mount->subvolume)].push_back(mount->path);
    }
    if (const auto* const volume = std::get_if<MakeVolume>(&step.operation); volume != nullptr && volume->there) {
      note_opened(std::string(volume_key) + volume->name);
    } else if (const auto* const array = std::get_if<MakeArray>(&step.operation); array != nullptr && array->there) {
      note_opened(std::string(array_key) + array->name);
    }
    if (const auto* const logical = std::get_if<MakeLogicalVolume>(&step.operation);
        logical != nullptr && logical->there) {
      note_opened(logical_key_of(logical->group, logical->name));
    }
    if (const auto* const save = std::get_if<SaveRoot>(&step.operation)) {
      kept_.insert(key_of(save->device));
    }
    if (loses(step)) {
      note_loss(step);
    }
  }

  // What it holds shows only then.
  void note_opened(const std::string& key) {
    std::string& words = is_[key];
    words = words == "blank" ? std::string(unseen) : words;
  }

  void note_loss(const Step& step) {
    const std::string why = step.why + " (" + to_string(step.origin) + ")";
    if (const auto* const filesystem = std::get_if<MakeFilesystem>(&step.operation)) {
      note_content(filesystem->device, why);
    } else if (const auto* const volume = std::get_if<MakeVolume>(&step.operation)) {
      note_content(volume->device, why);
    } else if (const auto* const array = std::get_if<MakeArray>(&step.operation)) {
      for (const auto& member : array->members) {
        note_content(member, why);
      }
    } else if (const auto* const group = std::get_if<MakeVolumeGroup>(&step.operation)) {
      for (const auto& member : group->members) {
        note_content(member, why);
      }
    } else if (const auto* const table = std::get_if<WriteTable>(&step.operation)) {
      note_table(table->disk.path, why);
    }
  }

  // Where the disk has lost its table, that is the reason for what is on its partitions as well.
  void note_content(const host::DeviceRef& device, const std::string& why) {
    const auto table = lost_.find(std::string(disk_key) + device.disk);
    lost_[key_of(device)] = table == lost_.end() ? why : table->second;
  }

  // With a partition goes what is on it.
  void note_table(const std::string& disk, const std::string& why) {
    const std::string key = std::string(disk_key) + disk;
    if (before_.disk(disk)->table.disk_guid != after_.disk(disk)->table.disk_guid) {
      lost_[key] = why;
    }
    for (const auto& partition : below_[key]) {
      if (was_.contains(partition) && !is_.contains(partition)) {
        lost_[partition] = why;
      }
    }
  }

  // --- The nodes

  std::string name_of(const std::string& key) {
    if (const auto named = names_.find(key); named != names_.end()) {
      return named->second;
    }
    const std::string rest = key.substr(key.find(':') + 1);
    if (key.starts_with(array_key)) {
      const std::string& level = levels_[rest];
      const std::string path = rest.starts_with('/') ? rest : "/dev/md/" + rest;
      return printable(path) + (level.empty() ? "" : " (" + level + ")");
    }
    if (key.starts_with(logical_key)) {
      return printable(rest) + " (" + levels_[key] + ")";
    }
    if (key.starts_with(group_key)) {
      return "volume group " + printable(rest);
    }
    return printable(key.starts_with(volume_key) ? model::volume_path(rest) : rest);
  }

  static std::optional<std::string> found(const Contents& contents, const std::string& key) {
    const auto at = contents.find(key);
    return at == contents.end() ? std::nullopt : std::optional(at->second);
  }

  DeviceNode node(const std::string& key) {
    DeviceNode made{name_of(key), found(was_, key), found(is_, key), {}, {}, {}};
    if (!done_.insert(key).second) {
      made.name += ", as above";
      return made;
    }
    made.mounts = mounts_[key];
    const bool empty = !made.before || *made.before == "blank";
    made.lost = empty || kept_.contains(key) ? "" : lost_[key];
    for (const auto& child : below_[key]) {
      made.below.push_back(node(child));
    }
    return made;
  }

  const spec::Config& config_;
  const model::Inventory& before_;
  model::Inventory after_;
  Contents was_;
  Contents is_;
  std::vector<std::string> order_;
  std::map<std::string, std::vector<std::string>> below_;
  std::set<std::string> is_below_;
  std::set<std::string> done_;
  std::map<std::string, std::string> names_;
  std::map<std::string, std::string> levels_;
  std::map<std::string, std::vector<std::string>> mounts_;
  std::map<std::string, std::string> lost_;
  // What is in it comes back.
  std::set<std::string> kept_;
};

// --- For people

struct Row {
  std::array<std::string, 3> cells;
  std::string mounts;
  bool lost = false;
};

// `lead` stands before the node's own name, `rest` before the lines below it.
void add_rows(const DeviceNode& node, const std::string& lead, const std::string& rest, std::vector<Row>& rows) {
  rows.push_back({{lead + node.name, node.before.value_or("-"), node.after.value_or(node.before ? "gone" : "-")},
                  join(node.mounts, ", "),
                  !node.lost.empty()});
  for (std::size_t i = 0; i < node.below.size(); ++i) {
    const bool last = i + 1 == node.below.size();
    add_rows(node.below[i], rest + (last ? "└─ " : "├─ "), rest + (last ? "   " : "│  "), rows);
  }
}

bool any_changed(const std::vector<DeviceNode>& devices) {
  return std::any_of(devices.begin(), devices.end(), [](const DeviceNode& node) {
    return node.is_changed() || !node.lost.empty() || any_changed(node.below);
  });
}

std::string render_rows(const std::vector<Row>& rows, std::string_view danger, std::string_view plain) {
  std::array<std::size_t, 3> widths{};
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < widths.size(); ++i) {
      widths.at(i) = std::max(widths.at(i), shown_width(row.cells.at(i)));
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < widths.size(); ++i) {
      line += row.cells.at(i) + std::string(widths.at(i) - shown_width(row.cells.at(i)) + 2, ' ');
    }
    line += row.mounts;
    line.resize(line.find_last_not_of(' ') + 1);
    text += row.lost ? fmt::format("{}{}{}\n", danger, line, plain) : line + "\n";
  }
  return text;
}

std::string render_losses(const std::vector<DeviceNode>& devices, const std::string& above) {
  std::string text;
  for (const auto& node : devices) {
    const std::string name = above.empty() || node.name.starts_with('/') ? node.name : above + ", " + node.name;
    if (!node.lost.empty()) {
      const std::string what = node.before == unseen ? "whatever is" : node.before.value_or("");
      text += fmt::format("lost: {} on {}, because {}\n", what, name, node.lost);
    }
    text += render_losses(node.below, node.name);
  }
  return text;
}

}  // namespace

std::vector<DeviceNode> device_tree(const spec::Config& config, const model::Inventory& before,
                                    const std::vector<Plan>& plans) {
  return Tree(config, before, plans).nodes();
}

std::string render(const std::vector<DeviceNode>& devices, bool colour) {
  if (!any_changed(devices)) {
    return {};
  }
  std::vector<Row> rows{{{"devices", "before", "after"}, "", false}};
  for (const auto& node : devices) {
    add_rows(node, "", "", rows);
  }
  const std::string_view danger = colour ? "\033[1;31m" : "";
  const std::string_view plain = colour ? "\033[0m" : "";
  return render_rows(rows, danger, plain) + render_losses(devices, "");
}

fields::Value to_value(const std::vector<DeviceNode>& devices) {
  using fields::Value;
  Value made = Value::array();
  for (const auto& node : devices) {
    Value value = Value::object();
    value.add("name", Value::of(node.name));
    value.add("before", node.before ? Value::of(*node.before) : Value());
    value.add("after", node.after ? Value::of(*node.after) : Value());
    Value mounts = Value::array();
    for (const auto& path : node.mounts) {
      mounts.items.push_back(Value::of(path));
    }
    value.add("mounts", std::move(mounts));
    value.add("lost", Value::of(node.lost));
    value.add("below", to_value(node.below));
    made.items.push_back(std::move(value));
  }
  return made;
}

}  // namespace provision::plan
