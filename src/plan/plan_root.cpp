// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <set>

#include "base/text.hpp"
#include "model/cards.hpp"
#include "model/observe.hpp"
#include "model/volume_groups.hpp"
#include "plan/kept_names.hpp"
#include "plan/loaders.hpp"
#include "plan/operations/kept_root.hpp"
#include "plan/operations/make_filesystem.hpp"
#include "plan/root.hpp"
#include "plan/site.hpp"

namespace provision::plan {
namespace {

// Of what a root can be, and what else can be kept.
constexpr std::array<std::string_view, 4> kept_formats{"ext4", "xfs", "btrfs", "vfat"};

bool can_be_root(std::string_view format) {
  return format != "vfat" && std::find(kept_formats.begin(), kept_formats.end(), format) != kept_formats.end();
}

bool can_be_kept(std::string_view format) {
  return std::find(kept_formats.begin(), kept_formats.end(), format) != kept_formats.end();
}

// A file system whose files must be kept: the root, or one of provision.keep=.
struct Wanted {
  // As in SaveRoot.
  std::string kept;
  std::string text;
  KeptName from;
  std::vector<KeptName> to;

  [[nodiscard]] bool fits(std::string_view format) const {
    return kept.empty() ? can_be_root(format) : can_be_kept(format);
  }
  [[nodiscard]] std::string save_id() const { return (kept.empty() ? "root" : kept) + ":save"; }
  // "the root file system, LABEL=ROOT, whose files must be kept (provision.root=keep on the kernel command line)"
  [[nodiscard]] std::string words() const {
    return kept_words(kept, text) + " whose files must be kept (" +
           (kept.empty() ? "provision.root=keep" : "provision.keep=") + " on the kernel command line)";
  }
};

std::vector<Wanted> wanted_of(const model::Inventory& inventory) {
  std::vector<Wanted> all;
  if (!inventory.root.empty()) {
    const KeptName name = parse_kept_name(inventory.root);
    all.push_back({{}, inventory.root, name, {name}});
  }
  for (std::size_t i = 0; i < inventory.kept.size(); ++i) {
    if (is_loader_kind(inventory.kept[i])) {
      continue;
    }
    const auto names = names_of_kept(inventory.kept[i]);
    Wanted wanted{"kept-" + std::to_string(i + 1), names.front(), parse_kept_name(names.front()), {}};
    for (std::size_t n = names.size() == 1 ? 0 : 1; n < names.size(); ++n) {
      wanted.to.push_back(parse_kept_name(names[n]));
    }
    all.push_back(std::move(wanted));
  }
  return all;
}

// The entry of the partition; null: it is none, or of no disk of the config.
const host::Partition* entry_of(const model::Inventory& inventory, const host::DeviceRef& device) {
  const model::DiskView* const disk = inventory.disk(device.disk);
  return disk == nullptr ? nullptr : disk->entry(device.number);
}

struct RootNow {
  host::DeviceRef device;
  host::Signature signature;
  std::vector<std::string> users;

  // The journal is in it.
  [[nodiscard]] bool has(const model::JournalPlace& journal) const {
    return !journal.mount.empty() && std::find(users.begin(), users.end(), journal.mount) != users.end();
  }
};

class Finder {
 public:
  Finder(const model::Inventory& inventory, const Wanted& wanted, const KeptName& name)
      : inventory_(inventory), wanted_(wanted), name_(name) {
    if (const std::string path = name.path(); !path.empty()) {
      place_ = model::resolve(inventory, path);
    }
  }

  // The file systems that have the name before anything is done, of those that the config has to do with.
  std::vector<RootNow> find() {
    for (const auto& disk : inventory_.disks) {
      for (const auto& partition : disk.partitions) {
        look({{}, disk.device, partition.number}, partition);
      }
      look({disk.device, {}, 0}, disk);
    }
    for (const auto& array : inventory_.arrays) {
      look_at_all(array.members);
    }
    look_at_all(inventory_.volumes);
    for (const auto& group : inventory_.volume_groups) {
      look_at_all(group.members);
    }
    look_at_all(inventory_.devices);
    return std::move(found_);
  }

 private:
  template <class Views>
  void look_at_all(const Views& views) {
    for (const auto& view : views) {
      look(view.device, view);
    }
  }

  template <class View>
  void look(const host::DeviceRef& device, const View& view) {
    const host::Signature& signature = view.signature;
    const bool is_there = place_ && model::is_same_device(*place_, device);
    const bool known = std::any_of(found_.begin(), found_.end(),
                                   [&](const RootNow& one) { return model::is_same_device(one.device, device); });
    if (wanted_.fits(signature.type) && !known &&
        (is_there || is_called(name_, signature, entry_of(inventory_, device)))) {
      found_.push_back({device, signature, view.users});
    }
  }

  const model::Inventory& inventory_;
  const Wanted& wanted_;
  const KeptName& name_;
  std::optional<host::DeviceRef> place_;
  std::vector<RootNow> found_;
};

bool is_to_be(const KeptName& name, const MakeFilesystem& made, const model::Inventory& after) {
  const std::string path = name.path();
  return path.empty()
             ? is_called(name, {made.format, shown_label(made.label), made.id, false}, entry_of(after, made.device))
             : model::is_same_device(model::resolve(after, path), made.device);
}

// The steps that make what is to have the files. Of the root it is one: what the boot will take for it.
std::vector<const Step*> new_ones(const Wanted& wanted, const model::Inventory& after, const Plan& plan) {
  std::vector<const Step*> found;
  for (const auto& step : plan.steps) {
    const auto* const made = std::get_if<MakeFilesystem>(&step.operation);
    const bool is_it = made != nullptr && wanted.fits(made->format) &&
                       std::any_of(wanted.to.begin(), wanted.to.end(),
                                   [&](const KeptName& name) { return is_to_be(name, *made, after); });
    if (is_it && (found.empty() || !wanted.kept.empty())) {
      found.push_back(&step);
    }
  }
  return found;
}

// What is kept, where it is, and the steps that make what gets it.
struct Item {
  Wanted wanted;
  std::optional<RootNow> root;
  std::vector<std::string> to;
  // The journal goes with it. Without a mount: it does not.
  model::JournalPlace journal;
};

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

// What all of them may hold, and what a file system needs itself.
std::int64_t needed_for(const std::vector<Item>& items, const model::Inventory& before) {
  std::int64_t needed = 0;
  for (const auto& item : items) {
    // A tenth is for what a file system needs itself.
    needed += bytes_of(before, item.root->device) / 9 * 10;
  }
  return needed;
}

// A new file system of the config that has room for whatever those that are kept may hold, and is there before their
// devices change. What is there already is the user's, and not written to.
Keeper find_keeper(const Plan& plan, const model::Inventory& before, const model::Inventory& after,
                   const std::vector<Item>& items, const Item& item) {
  const std::int64_t needed = needed_for(items, before);
  for (const auto& step : plan.steps) {
    const auto* const made = std::get_if<MakeFilesystem>(&step.operation);
    const bool gets_some = std::any_of(items.begin(), items.end(), [&](const Item& other) {
      return std::find(other.to.begin(), other.to.end(), step.id) != other.to.end();
    });
    if (made == nullptr || gets_some || !can_be_root(made->format) || bytes_of(before, item.root->device) == 0 ||
        bytes_of(after, made->device) < needed || subvolume_in(plan, *made) != nullptr) {
      continue;
    }
    auto chain = chain_of(plan, step);
    const bool spares_all = std::none_of(items.begin(), items.end(), [&](const Item& other) {
      const Destroyer destroys(before, *other.root);
      return std::any_of(plan.steps.begin(), plan.steps.end(),
                         [&](const Step& one) { return chain.contains(one.id) && destroys(one); });
    });
    if (spares_all) {
      return {*made, step.id, std::move(chain)};
    }
  }
  return {};
}

std::string why(const Item& item, const Keeper& keeper) {
  const Wanted& wanted = item.wanted;
  const std::string what = wanted.kept.empty() ? "the root file system" : kept_words(wanted.kept, wanted.text);
  const bool with_journal = !item.journal.mount.empty();
  if (!keeper.made) {
    return what + " is made anew, and memory keeps its files meanwhile" +
           (with_journal ? ", the journal of this first boot too" : "") +
           ", since no new file system of the "
           "config has room for them: not power-safe until they are back";
  }
  return what + " is made anew; until its files are back, " + keeper.made->device.path + " keeps them" +
         (with_journal ? ", and memory the journal of this first boot: not power-safe until then" : "");
}

const MakeFilesystem& made_by(const Plan& plan, const std::string& id) {
  return std::get<MakeFilesystem>(step_named(plan, id)->operation);
}

// Of the smallest file system that gets the files, as far as the tables tell.
std::int64_t smallest_of(const Item& item, const Plan& plan, const model::Inventory& after) {
  std::int64_t smallest = 0;
  for (const auto& id : item.to) {
    const std::int64_t bytes = bytes_of(after, made_by(plan, id).device);
    smallest = smallest == 0 ? bytes : bytes == 0 ? smallest : std::min(smallest, bytes);
  }
  return smallest;
}

Step saving_step(const Item& item, const Keeper& keeper, const Plan& plan, const model::Inventory& after) {
  const Step& to = *step_named(plan, item.to.back());
  const auto& made = std::get<MakeFilesystem>(to.operation);
  const RootNow& root = *item.root;
  SaveRoot save{item.wanted.text, root.device, root.signature.type, root.signature.uuid, {}, {}, made.device,
                made.format,      made.id,     item.wanted.kept};
  save.journal = item.journal;
  if (!item.wanted.kept.empty()) {
    const bool any_fat =
        std::any_of(item.to.begin(), item.to.end(), [&](const auto& id) { return made_by(plan, id).format == "vfat"; });
    save.plain = any_fat && save.format != "vfat";
    save.room = smallest_of(item, plan, after);
  }
  Step step;
  step.id = item.wanted.save_id();
  step.why = why(item, keeper);
  step.origin = to.origin;
  step.assumes = model::fingerprint(root.signature);
  step.afresh = to.afresh;
  if (keeper.made) {
    save.keeper = keeper.made->device;
    save.keeper_format = keeper.made->format;
    step.after = {keeper.step};
  }
  if (!item.journal.mount.empty()) {
    // Nobody writes the journal while it moves.
    step.after.emplace_back(after_all);
  }
  step.operation = std::move(save);
  return step;
}

Step restoring_step(const SaveRoot& save, const Step& saving, const Step& to, bool stays) {
  const auto& made = std::get<MakeFilesystem>(to.operation);
  Step step;
  step.id = save.kept.empty() ? "root:restore" : save.kept + ":restore:" + made.device.path;
  step.why = save.kept.empty() ? "the boot finds its root there" : "it takes the place of what is kept";
  step.origin = to.origin;
  step.after = {to.id, saving.id};
  step.assumes = std::string(model::absent_fingerprint);
  step.afresh = to.afresh;
  step.operation = RestoreRoot{save.root,          made.device, made.format, made.id,     save.keeper,
                               save.keeper_format, save.kept,   stays,       save.journal};
  return step;
}

// The keeper's steps, then the saving, then all others behind it.
void put_saving(Plan& plan, Step save, const std::set<std::string>& chain) {
  const std::string id = save.id;
  std::vector<Step> others;
  std::vector<Step> arranged;
  for (auto& step : plan.steps) {
    (chain.contains(step.id) ? arranged : others).push_back(std::move(step));
  }
  arranged.push_back(std::move(save));
  for (auto& step : others) {
    step.after.insert(step.after.begin(), id);
    arranged.push_back(std::move(step));
  }
  plan.steps = std::move(arranged);
}

// Behind the new file system, and behind the last such step: two at the same time would mount one keeper in two ways.
void put_restoring(Plan& plan, Step restore, std::string& last) {
  if (!last.empty()) {
    restore.after.push_back(last);
  }
  std::size_t place = 0;
  for (std::size_t i = 0; i < plan.steps.size(); ++i) {
    const bool needed = std::find(restore.after.begin(), restore.after.end(), plan.steps[i].id) != restore.after.end();
    place = needed ? i + 1 : place;
  }
  if (!std::get<RestoreRoot>(restore.operation).journal.mount.empty()) {
    // As with its saving; and what is behind would have to wait.
    restore.after.emplace_back(after_all);
    place = plan.steps.size();
  }
  last = restore.id;
  plan.steps.insert(plan.steps.begin() + static_cast<std::ptrdiff_t>(place), std::move(restore));
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

// The config makes no new one: then the old one stays.
// Of several of one name the boot takes the first for its root; of others nobody knows which one the image means.
Result<void> check_stays(const Wanted& wanted, const model::Inventory& inventory, const std::vector<RootNow>& roots,
                         const Plan& plan) {
  for (const auto& root : roots) {
    const bool counts = !wanted.kept.empty() || &root == &roots.front();
    const auto destroyer = std::find_if(plan.steps.begin(), plan.steps.end(), Destroyer(inventory, root));
    if (counts && destroyer != plan.steps.end()) {
      return cannot_keep(*destroyer, "this destroys " + wanted.words() +
                                         ", and no new file system of the config has that name: give it to the one "
                                         "that is to take its place");
    }
  }
  return {};
}

std::string words_of(const host::DeviceRef& device) {
  return device.path.empty() ? "partition " + std::to_string(device.number) + " of " + device.disk : device.path;
}

// It is not looked at beside a mount of somebody's, who may write to it.
Error in_use(const Wanted& wanted, const RootNow& root, const Step& to) {
  return Error(Code::device_busy, "this is to be " + wanted.words() + ", and " + words_of(root.device) +
                                      ", which has them, is in use: " + used_by(root.users))
      .at(to.origin);
}

// What an earlier attempt of this plan has made, of which nobody has a record any more, is not what the image has.
bool is_of_the_plan(const RootNow& root, const Plan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& step) {
    const auto* const made = std::get_if<MakeFilesystem>(&step.operation);
    return made != nullptr && made->format == root.signature.type && made->id == root.signature.uuid;
  });
}

// Those that have OLD's name; else those that are called as a new one is, and were made by this plan: they have the
// files already.
std::vector<RootNow> old_ones(const Wanted& wanted, const model::Inventory& inventory, const Plan& plan) {
  std::vector<RootNow> found = Finder(inventory, wanted, wanted.from).find();
  for (std::size_t i = 0; found.empty() && i < wanted.to.size(); ++i) {
    auto made = Finder(inventory, wanted, wanted.to[i]).find();
    std::copy_if(made.begin(), made.end(), std::back_inserter(found),
                 [&](const RootNow& root) { return is_of_the_plan(root, plan); });
  }
  return found;
}

// The one that has the files. Of the root's name the first one is taken, as the boot takes any.
Result<RootNow> old_one(const Wanted& wanted, const std::vector<RootNow>& roots, const model::JournalPlace& journal,
                        const Step& to, const Plan& plan) {
  std::vector<RootNow> others;
  std::copy_if(roots.begin(), roots.end(), std::back_inserter(others),
               [&](const RootNow& root) { return !is_of_the_plan(root, plan); });
  if (!wanted.kept.empty() && others.size() > 1) {
    return cannot_keep(
        to, "this is to be " + wanted.words() + ", and there are several: " + words_of(others[0].device) + " and " +
                words_of(others[1].device) + ": have the kernel command line name one, as in provision.keep=UUID=" +
                printable(others[0].signature.uuid) + ":" + printable(wanted.text));
  }
  if (!roots.empty()) {
    const RootNow& root = wanted.kept.empty() || others.empty() ? roots.front() : others.front();
    const bool is_free = root.users.empty() || (root.users.size() == 1 && root.has(journal));
    return wanted.kept.empty() || is_free ? Result<RootNow>(root) : Result<RootNow>(in_use(wanted, root, to));
  }
  return cannot_keep(to, "this is to be " + wanted.words() +
                             ", and no device that the config names has them: if the power went while memory kept "
                             "them, they are lost, and the image must be written to the disk again");
}

// The new one can have the files, and can be opened.
Result<void> check_new(const Wanted& wanted, const model::Inventory& inventory, const Step& to, const Plan& plan) {
  if (const Step* const subvolume = subvolume_in(plan, std::get<MakeFilesystem>(to.operation))) {
    return cannot_keep(*subvolume,
                       (wanted.kept.empty() ? "a new root file system, " + printable(wanted.text) +
                                                  ", whose files must "
                                                  "be kept (provision.root=keep on the kernel command line),"
                                            : wanted.words()) +
                           " cannot have subvolumes yet");
  }
  const MakeVolume* const volume = wanted.kept.empty() ? locked_in(inventory, plan, to) : nullptr;
  if (volume != nullptr) {
    const std::string ways = volume->cex ? "put the key of its later boots into the image's initramfs, as " +
                                               std::string(model::card_key_path)
                                         : "give the volume clevis, an enrolled TPM, or a keyFile";
    return cannot_keep(to, "this is to be the root file system, " + printable(wanted.text) +
                               ", and the key of the volume " + printable(volume->name) +
                               ", in which it lies, would be in it alone: " + ways);
  }
  return {};
}

// What somebody has to open before it can be mounted.
bool is_in_a_volume(const host::DeviceRef& device, const Plan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [&](const Step& step) {
    const auto* const volume = std::get_if<MakeVolume>(&step.operation);
    const auto* const logical = std::get_if<MakeLogicalVolume>(&step.operation);
    return (volume != nullptr && model::volume_path(volume->name) == device.path) ||
           (logical != nullptr && model::logical_path(logical->group, logical->name) == device.path);
  });
}

// The boot that comes after a power cut must find it, before we run.
Result<void> check_journal(const Item& item, const Question& question, const model::Inventory& after,
                           const Plan& plan) {
  const Step& to = *step_named(plan, item.to.front());
  const auto& made = std::get<MakeFilesystem>(to.operation);
  const auto refused = [&](const std::string& what) {
    return cannot_keep(
        to, "this is to be " + item.wanted.words() + ". The journal of this first boot is there, which " + what);
  };
  if (item.to.size() > 1) {
    return refused("can go to one new file system only");
  }
  if (made.format == "vfat") {
    return refused("a vfat would not keep whole in a power cut: give this one another format");
  }
  if (is_in_a_volume(made.device, plan)) {
    return refused("can be on a partition or a RAID array only, that each boot finds by itself");
  }
  if (!is_to_be(parse_kept_name(question.inventory.journal.name), made, after)) {
    return refused("the image finds by the name " + printable(question.inventory.journal.name) +
                   ": give this one that name");
  }
  const bool goes = std::any_of(plan.steps.begin(), plan.steps.end(), Destroyer(question.inventory, *item.root));
  return goes ? Result<void>()
              : refused("the image finds by the name " + printable(question.inventory.journal.name) +
                        ", and the old one, which stays, would have that name too");
}

// Its old one has the journal.
bool keeps_journal(const model::Inventory& inventory, const Wanted& wanted) {
  const auto found = wanted.kept.empty() ? std::vector<RootNow>{} : Finder(inventory, wanted, wanted.from).find();
  return std::any_of(found.begin(), found.end(), [&](const RootNow& root) { return root.has(inventory.journal); });
}

// What there is to keep; nothing where the config makes no new one.
Result<std::optional<Item>> item_of(Wanted wanted, const Question& question, const model::Inventory& after,
                                    const Plan& plan) {
  const auto to = new_ones(wanted, after, plan);
  const auto roots = old_ones(wanted, question.inventory, plan);
  if (to.empty()) {
    TRY(check_stays(wanted, question.inventory, roots, plan));
    return std::optional<Item>{};
  }
  Item item{std::move(wanted), {}, {}, {}};
  const model::JournalPlace& journal = question.inventory.journal;
  item.root = TRY(old_one(item.wanted, roots, journal, *to.front(), plan));
  for (const Step* const step : to) {
    TRY(check_new(item.wanted, question.inventory, *step, plan));
    item.to.push_back(step->id);
  }
  if (!item.wanted.kept.empty() && item.root->has(journal)) {
    item.journal = journal;
    TRY(check_journal(item, question, after, plan));
  }
  return std::optional(std::move(item));
}

// No new one gets the files of two.
Result<void> check_apart(const std::vector<Item>& items, const Item& item, const Plan& plan) {
  for (const auto& other : items) {
    const auto shared = std::find_first_of(item.to.begin(), item.to.end(), other.to.begin(), other.to.end());
    if (shared != item.to.end() && !model::is_same_device(item.root->device, other.root->device)) {
      return cannot_keep(*step_named(plan, *shared),
                         "this is to get what " + words_of(other.root->device) + " holds and what " +
                             words_of(item.root->device) +
                             " holds, by provision.root= and provision.keep= on the kernel command line: one of "
                             "them must go elsewhere");
    }
  }
  return {};
}

}  // namespace

std::optional<model::Inventory> without_journal(const model::Inventory& inventory) {
  const std::string& mount = inventory.journal.mount;
  const auto wanted = mount.empty() ? std::vector<Wanted>{} : wanted_of(inventory);
  if (!std::any_of(wanted.begin(), wanted.end(), [&](const Wanted& one) { return keeps_journal(inventory, one); })) {
    return std::nullopt;
  }
  model::Inventory changed = inventory;
  model::forget_user(changed, mount);
  return changed;
}

// The steps by which the old one ends: of those that take it away, the ones that no other such step comes before.
std::vector<std::string> ends_of_old(const model::Inventory& inventory, const Item& item, const Plan& plan) {
  const Destroyer destroys(inventory, *item.root);
  std::set<std::string> all;
  for (const auto& step : plan.steps) {
    if (destroys(step)) {
      all.insert(step.id);
    }
  }
  std::vector<std::string> ends;
  for (const auto& id : all) {
    const auto chain = chain_of(plan, *step_named(plan, id));
    if (std::none_of(all.begin(), all.end(), [&](const auto& other) { return other != id && chain.contains(other); })) {
      ends.push_back(id);
    }
  }
  return ends;
}

// While memory has the journal, what is done has no record that lasts. So nothing else is done while a boot could still
// come from the old file system, and take its journal for the last word: all but what has to be before waits until that
// is gone.
void wait_for_end_of_old(const model::Inventory& inventory, const Item& item, Plan& plan) {
  const auto ends = ends_of_old(inventory, item, plan);
  std::set<std::string> before;
  for (const auto& id : ends) {
    before.merge(chain_of(plan, *step_named(plan, id)));
  }
  for (auto& step : plan.steps) {
    for (const auto& end : ends) {
      if (!before.contains(step.id) && std::find(step.after.begin(), step.after.end(), end) == step.after.end()) {
        step.after.push_back(end);
      }
    }
  }
  std::stable_partition(plan.steps.begin(), plan.steps.end(),
                        [&](const Step& step) { return before.contains(step.id); });
}

// The boot loaders that are kept: they are saved before any table is written.
std::set<std::string> loader_savings(const Plan& plan) {
  std::set<std::string> ids;
  for (const auto& step : plan.steps) {
    if (std::holds_alternative<SaveLoader>(step.operation)) {
      ids.insert(step.id);
    }
  }
  return ids;
}

Result<void> plan_root(const Question& question, const model::Inventory& after, Plan& plan) {
  std::vector<Item> items;
  for (auto& wanted : wanted_of(question.inventory)) {
    if (auto item = TRY(item_of(std::move(wanted), question, after, plan))) {
      TRY(check_apart(items, *item, plan));
      items.push_back(*std::move(item));
    }
  }
  const auto with_journal = [](const Item& item) { return !item.journal.mount.empty(); };
  // Each saving is put before those that there are: the journal stays where it is until all else has been saved, so
  // that whatever fails by then leaves a boot that can be tried again.
  std::stable_partition(items.begin(), items.end(), with_journal);
  std::vector<Step> restoring;
  for (const auto& item : items) {
    Keeper keeper = find_keeper(plan, question.inventory, after, items, item);
    if (with_journal(item)) {
      keeper.chain.merge(loader_savings(plan));
    }
    Step save = saving_step(item, keeper, plan, after);
    for (const auto& id : item.to) {
      restoring.push_back(
          restoring_step(std::get<SaveRoot>(save.operation), save, *step_named(plan, id), id != item.to.back()));
    }
    put_saving(plan, std::move(save), keeper.chain);
  }
  // Whatever else memory keeps is back before.
  std::stable_partition(restoring.begin(), restoring.end(),
                        [](const Step& step) { return std::get<RestoreRoot>(step.operation).journal.mount.empty(); });
  std::string last;
  for (auto& step : restoring) {
    put_restoring(plan, std::move(step), last);
  }
  for (const auto& item : items) {
    if (with_journal(item)) {
      wait_for_end_of_old(question.inventory, item, plan);
    }
  }
  return {};
}

}  // namespace provision::plan
