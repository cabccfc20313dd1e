// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "model/cards.hpp"
#include "model/observe.hpp"
#include "model/volume_groups.hpp"
#include "plan/operations/make_filesystem.hpp"
#include "plan/root.hpp"
#include "plan/site.hpp"

namespace provision::plan {
namespace {

constexpr std::string_view save_id = "root:save";
constexpr std::string_view restore_id = "root:restore";

// "LABEL=ROOT" is kind "LABEL", value "ROOT"; of a path the kind is empty.
struct RootName {
  std::string kind;
  std::string value;

  // The path that names a device whatever is on it; empty: what is on it decides.
  [[nodiscard]] std::string path() const {
    if (kind == "PARTLABEL") {
      return "/dev/disk/by-partlabel/" + model::udev_encoded(value);
    }
    if (kind == "PARTUUID") {
      return "/dev/disk/by-partuuid/" + lower_ascii(value);
    }
    return kind.empty() ? value : std::string();
  }
};

RootName parse(const std::string& name) {
  const std::size_t equals = name.find('=');
  if (name.starts_with("/dev/") || equals == std::string::npos) {
    return {{}, name};
  }
  return {name.substr(0, equals), name.substr(equals + 1)};
}

// Of what a root can be.
constexpr std::array<std::string_view, 3> root_formats{"ext4", "xfs", "btrfs"};

bool can_be_root(std::string_view format) {
  return std::find(root_formats.begin(), root_formats.end(), format) != root_formats.end();
}

bool is_called(const RootName& name, const host::Signature& signature) {
  const bool named = name.kind == "LABEL"  ? signature.label == shown_label(name.value)
                     : name.kind == "UUID" ? signature.uuid == lower_ascii(name.value)
                                           : false;
  return named && can_be_root(signature.type) && !signature.ambivalent;
}

struct RootNow {
  host::DeviceRef device;
  host::Signature signature;
};

class Finder {
 public:
  Finder(const model::Inventory& inventory, const RootName& name) : inventory_(inventory), name_(name) {
    if (const std::string path = name.path(); !path.empty()) {
      place_ = model::resolve(inventory, path);
    }
  }

  // The file system that is the root before anything is done, if the config has to do with its device.
  std::optional<RootNow> find() {
    for (const auto& disk : inventory_.disks) {
      for (const auto& partition : disk.partitions) {
        look({{}, disk.device, partition.number}, partition.signature);
      }
      look({disk.device, {}, 0}, disk.signature);
    }
    for (const auto& array : inventory_.arrays) {
      look_at_all(array.members);
    }
    look_at_all(inventory_.volumes);
    for (const auto& group : inventory_.volume_groups) {
      look_at_all(group.members);
    }
    look_at_all(inventory_.devices);
    return found_;
  }

 private:
  template <class Views>
  void look_at_all(const Views& views) {
    for (const auto& view : views) {
      look(view.device, view.signature);
    }
  }

  void look(const host::DeviceRef& device, const host::Signature& signature) {
    const bool is_there = place_ && model::is_same_device(*place_, device) && can_be_root(signature.type);
    if (!found_ && (is_there || is_called(name_, signature))) {
      found_ = RootNow{device, signature};
    }
  }

  const model::Inventory& inventory_;
  const RootName& name_;
  std::optional<host::DeviceRef> place_;
  std::optional<RootNow> found_;
};

// The step that makes what the boot will take for its root; null: none does.
const Step* new_root(const RootName& name, const model::Inventory& after, const Plan& plan) {
  const std::string path = name.path();
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(), [&](const Step& step) {
    const auto* const made = std::get_if<MakeFilesystem>(&step.operation);
    if (made == nullptr || !can_be_root(made->format)) {
      return false;
    }
    return path.empty() ? is_called(name, {made->format, shown_label(made->label), made->id, false})
                        : model::is_same_device(model::resolve(after, path), made->device);
  });
  return found == plan.steps.end() ? nullptr : &*found;
}

// Where the partition that holds the root lies now.
const host::Partition* entry_of(const model::Inventory& inventory, const host::DeviceRef& device) {
  const model::DiskView* const disk = inventory.disk(device.disk);
  return disk == nullptr ? nullptr : disk->entry(device.number);
}

bool keeps_partition(const WriteTable& table, const host::Partition& entry) {
  return std::any_of(table.table.partitions.begin(), table.table.partitions.end(), [&](const host::Partition& made) {
    return made.number == entry.number && made.start == entry.start && made.size >= entry.size;
  });
}

// Whether the step takes what is on the root's device away.
class Destroyer {
 public:
  Destroyer(const model::Inventory& inventory, const RootNow& root)
      : device_(root.device), entry_(entry_of(inventory, root.device)) {}

  bool operator()(const Step& step) const {
    return std::visit([this](const auto& operation) { return destroys(operation); }, step.operation);
  }

 private:
  template <class Any>
  [[nodiscard]] bool destroys(const Any& /*operation*/) const {
    return false;
  }
  [[nodiscard]] bool destroys(const WriteTable& table) const {
    return entry_ != nullptr ? table.disk.path == device_.disk && !keeps_partition(table, *entry_)
                             : table.disk.path == device_.path;
  }
  [[nodiscard]] bool destroys(const MakeArray& array) const {
    return !array.there &&
           (array.path == device_.path || std::any_of(array.members.begin(), array.members.end(),
                                                      [this](const auto& member) { return is_root(member); }));
  }
  [[nodiscard]] bool destroys(const MakeVolume& volume) const {
    return !volume.there && (model::volume_path(volume.name) == device_.path || is_root(volume.device));
  }
  [[nodiscard]] bool destroys(const MakeVolumeGroup& group) const {
    return std::any_of(group.members.begin(), group.members.end(),
                       [this](const auto& member) { return is_root(member); });
  }
  [[nodiscard]] bool destroys(const MakeLogicalVolume& volume) const {
    return !volume.there && model::logical_path(volume.group, volume.name) == device_.path;
  }
  [[nodiscard]] bool destroys(const MakeFilesystem& made) const { return is_root(made.device); }
  [[nodiscard]] bool is_root(const host::DeviceRef& device) const { return model::is_same_device(device, device_); }

  host::DeviceRef device_;
  const host::Partition* entry_;
};

// A step and all that come before it.
std::set<std::string> chain_of(const Plan& plan, const Step& last) {
  std::set<std::string> chain{last.id};
  std::vector<const Step*> open{&last};
  while (!open.empty()) {
    const Step& step = *open.back();
    open.pop_back();
    for (const auto& id : step.after) {
      if (const Step* const needed = step_named(plan, id); needed != nullptr && chain.insert(id).second) {
        open.push_back(needed);
      }
    }
  }
  return chain;
}

struct Keeper {
  // None: memory keeps the files.
  std::optional<MakeFilesystem> made{};
  std::string step{};
  // The steps that make it.
  std::set<std::string> chain{};
};

// A subvolume of the plan in the file system; null: there is none.
const Step* subvolume_in(const Plan& plan, const MakeFilesystem& filesystem) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(), [&](const Step& step) {
    const auto* const made = std::get_if<MakeSubvolume>(&step.operation);
    return made != nullptr && model::is_same_device(made->device, filesystem.device);
  });
  return found == plan.steps.end() ? nullptr : &*found;
}

// A new file system of the config that has room for whatever the root may hold, and is there before the root's device
// changes. What is there already is the user's, and not written to.
Keeper find_keeper(const Plan& plan, const model::Inventory& before, const model::Inventory& after, const RootNow& root,
                   const Step& to) {
  // A tenth is for what a file system needs itself.
  const std::int64_t needed = bytes_of(before, root.device) / 9 * 10;
  const Destroyer destroys(before, root);
  for (const auto& step : plan.steps) {
    const auto* const made = std::get_if<MakeFilesystem>(&step.operation);
    if (made == nullptr || step.id == to.id || !can_be_root(made->format) || needed == 0 ||
        bytes_of(after, made->device) < needed || subvolume_in(plan, *made) != nullptr) {
      continue;
    }
    auto chain = chain_of(plan, step);
    const bool spares_root = std::none_of(plan.steps.begin(), plan.steps.end(), [&](const Step& other) {
      return chain.contains(other.id) && destroys(other);
    });
    if (spares_root) {
      return {*made, step.id, std::move(chain)};
    }
  }
  return {};
}

std::string why(const Keeper& keeper) {
  if (!keeper.made) {
    return "the root file system is made anew, and memory keeps its files meanwhile, since no new file system of the "
           "config has room for them: not power-safe until they are back";
  }
  return "the root file system is made anew; until its files are back, " + keeper.made->device.path + " keeps them";
}

Step saving_step(const std::string& name, const RootNow& root, const Step& to, const Keeper& keeper) {
  const auto& made = std::get<MakeFilesystem>(to.operation);
  SaveRoot save{name, root.device, root.signature.type, root.signature.uuid, {}, {}, made.device, made.format, made.id};
  Step step;
  step.id = save_id;
  step.why = why(keeper);
  step.origin = to.origin;
  step.assumes = model::fingerprint(root.signature);
  step.afresh = to.afresh;
  if (keeper.made) {
    save.keeper = keeper.made->device;
    save.keeper_format = keeper.made->format;
    step.after = {keeper.step};
  }
  step.operation = std::move(save);
  return step;
}

Step restoring_step(const SaveRoot& save, const Step& to) {
  Step step;
  step.id = restore_id;
  step.why = "the boot finds its root there";
  step.origin = to.origin;
  step.after = {to.id, std::string(save_id)};
  step.assumes = std::string(model::absent_fingerprint);
  step.afresh = to.afresh;
  step.operation = RestoreRoot{save.root, save.to, save.to_format, save.to_id, save.keeper, save.keeper_format};
  return step;
}

// The keeper's steps, then the saving, then all others behind it, and the restoring behind the new root.
void arrange(Plan& plan, Step save, Step restore, const std::string& to, const std::set<std::string>& chain) {
  std::vector<Step> others;
  std::vector<Step> arranged;
  for (auto& step : plan.steps) {
    (chain.contains(step.id) ? arranged : others).push_back(std::move(step));
  }
  arranged.push_back(std::move(save));
  for (auto& step : others) {
    step.after.insert(step.after.begin(), std::string(save_id));
    arranged.push_back(std::move(step));
  }
  const auto made = std::find_if(arranged.begin(), arranged.end(), [&](const Step& step) { return step.id == to; });
  arranged.insert(std::next(made), std::move(restore));
  plan.steps = std::move(arranged);
}

// A key that is drawn is kept in the root alone: in a volume that it opens itself nobody would find it. Later boots of
// an image whose initramfs has a key for cards have that.
const MakeVolume* locked_in(const model::Inventory& inventory, const Plan& plan, const Step& to) {
  const std::string& device = std::get<MakeFilesystem>(to.operation).device.path;
  for (const auto& step : plan.steps) {
    const auto* const volume = std::get_if<MakeVolume>(&step.operation);
    if (volume != nullptr && model::volume_path(volume->name) == device && !volume->there && volume->key.empty() &&
        !volume->bound && volume->enrolled.empty() && !(volume->cex && inventory.cards.key)) {
      return volume;
    }
  }
  return nullptr;
}

Error cannot_keep(const Step& step, const std::string& what) { return Error(Code::conflict, what).at(step.origin); }

// The config makes no new root: then the old one stays.
Result<void> check_stays(const std::string& called, const model::Inventory& inventory, const RootNow& root,
                         const Plan& plan) {
  const auto destroyer = std::find_if(plan.steps.begin(), plan.steps.end(), Destroyer(inventory, root));
  if (destroyer == plan.steps.end()) {
    return {};
  }
  return cannot_keep(*destroyer, "this destroys the root file system, " + printable(called) +
                                     ", whose files must be kept (provision.root=keep on the kernel command line), "
                                     "and no new file system of the config has that name: give it to the one that "
                                     "is to take its place");
}

// The config makes a new root: the old one has its files, and the new one can be opened.
Result<void> check_new(const std::string& called, const model::Inventory& inventory, const std::optional<RootNow>& root,
                       const Step& to, const Plan& plan) {
  const std::string words = "this is to be the root file system, " + printable(called);
  if (!root) {
    return cannot_keep(to, words +
                               ", whose files must be kept (provision.root=keep on the kernel command line), and "
                               "no device that the config names has them: if the power went while memory kept "
                               "them, they are lost, and the image must be written to the disk again");
  }
  if (const Step* const subvolume = subvolume_in(plan, std::get<MakeFilesystem>(to.operation))) {
    return cannot_keep(*subvolume, "a new root file system, " + printable(called) +
                                       ", whose files must be kept (provision.root=keep on the kernel command line), "
                                       "cannot have subvolumes yet");
  }
  if (const MakeVolume* const volume = locked_in(inventory, plan, to)) {
    const std::string ways = volume->cex ? "put the key of its later boots into the image's initramfs, as " +
                                               std::string(model::card_key_path)
                                         : "give the volume clevis, an enrolled TPM, or a keyFile";
    return cannot_keep(to, words + ", and the key of the volume " + printable(volume->name) +
                               ", in which it lies, would be in it alone: " + ways);
  }
  return {};
}

}  // namespace

Result<void> plan_root(const Question& question, const model::Inventory& after, Plan& plan) {
  const std::string& called = question.inventory.root;
  if (called.empty()) {
    return {};
  }
  const RootName name = parse(called);
  const Step* const to = new_root(name, after, plan);
  const auto root = Finder(question.inventory, name).find();
  if (to == nullptr) {
    return root ? check_stays(called, question.inventory, *root, plan) : Result<void>();
  }
  TRY(check_new(called, question.inventory, root, *to, plan));
  const Keeper keeper = find_keeper(plan, question.inventory, after, *root, *to);
  const std::string to_id = to->id;
  Step save = saving_step(called, *root, *to, keeper);
  Step restore = restoring_step(std::get<SaveRoot>(save.operation), *to);
  arrange(plan, std::move(save), std::move(restore), to_id, keeper.chain);
  return {};
}

}  // namespace provision::plan
