// SPDX-License-Identifier: Apache-2.0
// The planner of the disks stage: partition tables, then RAID arrays, then encrypted volumes, then volume groups with
// their logical volumes, then encrypted volumes on those, then file systems and their subvolumes.
#include <algorithm>
#include <optional>

#include "base/text.hpp"
#include "plan/identity.hpp"
#include "plan/layout.hpp"
#include "plan/loaders.hpp"
#include "plan/operations/make_filesystem.hpp"
#include "plan/partitions.hpp"
#include "plan/plan_arrays.hpp"
#include "plan/plan_growth.hpp"
#include "plan/plan_subvolumes.hpp"
#include "plan/plan_volume_groups.hpp"
#include "plan/plan_volumes.hpp"
#include "plan/planners.hpp"
#include "plan/root.hpp"
#include "plan/site.hpp"

namespace provision::plan {
namespace {

Identity identity_of(const Question& question) {
  return {question.inventory.machine, spec::meaning(question.config())};
}

std::string disk_path(std::size_t index) { return "$.storage.disks." + std::to_string(index); }

Uuid given_or(const std::optional<std::string>& given, const Uuid& fallback) {
  return Uuid::parse(given.value_or("")).value_or(fallback);
}

// What is in the way of a table, where there may be none but ours.
std::string in_the_way(const model::DiskView& view) {
  if (view.table.kind == host::TableKind::none) {
    return model::describe(view.signature);
  }
  const bool both = view.table.kind == host::TableKind::damaged && !view.signature.type.empty();
  if (const std::size_t count = view.boot_record.size(); count != 0) {
    return model::describe(view.table) + " with " + std::to_string(count) + (count == 1 ? " partition" : " partitions");
  }
  return model::describe(view.table) + (both ? " and " + model::describe(view.signature) : "");
}

bool wipes(const spec::Disk& disk) { return disk.wipe_table.value_or(false); }

// What a power cut left of a table that this very config makes on this disk: it has the GUID that is derived for it,
// which nobody else writes. Asked where no journal tells.
bool is_torn_by_us(const model::DiskView& view, const Uuid& derived) {
  return view.table.kind == host::TableKind::damaged && view.table.disk_guid == derived && view.signature.type.empty();
}

// What a person can do about it, where that is not plain.
std::string way_out(const model::DiskView& view) {
  switch (view.table.kind) {
    case host::TableKind::damaged:
      return ": repair the table (gdisk and sfdisk can), or set wipeTable to put a new one in its place";
    case host::TableKind::other:
      return ": only a GPT can be changed; wipeTable puts one in its place, and what the disk holds is lost";
    case host::TableKind::none:
    case host::TableKind::gpt:
      break;
  }
  return {};
}

Error in_the_way_of(const spec::Disk& disk, const model::DiskView& view) {
  return {Code::conflict, disk.device + " holds " + in_the_way(view) + ", and wipeTable is not set" + way_out(view)};
}

// The table to start from: the disk's own, or an empty one where there is none or it may be wiped.
Result<host::Table> starting_table(const spec::Disk& disk, const model::DiskView& view, const Uuid& derived) {
  if (!wipes(disk) && (view.table.kind == host::TableKind::gpt || is_torn_by_us(view, derived))) {
    host::Table table = view.table;
    table.kind = host::TableKind::gpt;
    table.grown = false;
    table.disk_guid = host::is_placeholder(table.disk_guid) ? derived : table.disk_guid;
    return table;
  }
  const bool empty = view.table.kind == host::TableKind::none && view.signature.type.empty();
  if (!wipes(disk) && !empty) {
    return in_the_way_of(disk, view);
  }
  host::Table table;
  table.kind = host::TableKind::gpt;
  table.disk_guid = derived;
  table.first = view.table.first;
  table.last = view.table.last;
  return table;
}

std::string numbered(std::int64_t number) { return "partition " + std::to_string(number); }

// What of the boot record lies where the table has the partition; null if there is neither.
const model::BootRecordEntry* named_there(const model::DiskView& view, const host::Table& table, std::int64_t number) {
  for (const auto& partition : table.partitions) {
    const auto found = std::find_if(view.boot_record.begin(), view.boot_record.end(), [&](const auto& entry) {
      return partition.number == number && partition.start < entry.start + entry.size &&
             entry.start < partition.start + partition.size;
    });
    if (found != view.boot_record.end()) {
      return &*found;
    }
  }
  return nullptr;
}

// A hybrid MBR stays as it is while the GPT is changed, so what it names must not change, and nothing new may lie
// there: whoever goes by the boot record, a firmware or another system, would take one for the other.
Result<void> check_boot_record(const spec::Disk& disk, const model::DiskView& view, const Match& match) {
  for (const auto& change : match.changes) {
    const bool was_there = change.kind != Change::Kind::created;
    const bool stays = change.kind != Change::Kind::deleted;
    const auto* before = was_there ? named_there(view, view.table, change.number) : nullptr;
    const auto* after = stays ? named_there(view, match.table, change.number) : nullptr;
    if (before == nullptr && after == nullptr) {
      continue;
    }
    return Error(Code::conflict,
                 numbered(change.number) + " of " + disk.device + " would have to " +
                     (was_there ? "change" : "be made") + " where the disk's boot record has its " +
                     numbered((before != nullptr ? before : after)->number) +
                     " (a hybrid MBR): take that out of the boot record (gdisk can), or set wipeTable to put a new "
                     "table in the place of both")
        .at(change.origin);
  }
  return {};
}

Result<Match> wanted_table(const Question& question, std::size_t index, const model::DiskView& view) {
  const spec::Disk& disk = question.config().storage.disks[index];
  const Identity identity = identity_of(question);
  const Origin disk_origin = question.origin(disk.place, disk_path(index) + ".device", "device");
  auto start = starting_table(disk, view, identity.disk(view.facts, disk_path(index)));
  if (!start) {
    return std::move(start).error().at(disk_origin);
  }
  std::vector<Wish> wishes;
  for (std::size_t i = 0; i < disk.partitions.size(); ++i) {
    const std::string path = disk_path(index) + ".partitions." + std::to_string(i);
    wishes.push_back({disk.partitions[i], question.origin(disk.partitions[i].place, path),
                      given_or(disk.partitions[i].guid, identity.partition(view.facts, path))});
  }
  Match match = TRY(match_partitions(*std::move(start), wishes, view.facts.sector_size));
  if (!wipes(disk) && view.table.kind == host::TableKind::damaged && !match.changes.empty()) {
    // No cut leaves that: a copy that is whole has all of what the config wants.
    return in_the_way_of(disk, view).at(disk_origin);
  }
  if (!wipes(disk)) {
    TRY(check_boot_record(disk, view, match));
  }
  return match;
}

// Why the table is written, for a person.
std::string reason(const spec::Disk& disk, const model::DiskView& view, const Match& match) {
  if (wipes(disk)) {
    return "wipeTable is set";
  }
  std::vector<std::string> reasons;
  const auto list = [&](Change::Kind kind, const std::string& one, const std::string& many) {
    std::vector<std::string> numbers;
    for (const auto& change : match.changes) {
      if (change.kind == kind) {
        numbers.push_back(std::to_string(change.number));
      }
    }
    if (!numbers.empty()) {
      const bool single = numbers.size() == 1;
      reasons.push_back((single ? "partition " : "partitions ") + join(numbers, ", ") + " " + (single ? one : many));
    }
  };
  list(Change::Kind::deleted, "shall not exist", "shall not exist");
  list(Change::Kind::replaced, "is not as the config wants it", "are not as the config wants them");
  list(Change::Kind::resized, "shall have another size", "shall have other sizes");
  const auto is_new = [](const Change& change) { return change.kind == Change::Kind::created; };
  if (std::any_of(match.changes.begin(), match.changes.end(), is_new)) {
    reasons.emplace_back("partitions of the config are missing");
  }
  if (view.table.kind == host::TableKind::damaged) {
    reasons.emplace_back("a copy of this table is damaged or missing, as a power cut leaves it");
  }
  if (view.table.grown) {
    reasons.emplace_back("the disk has grown: the backup table is moved to its end");
  }
  if (view.table.kind == host::TableKind::gpt && host::is_placeholder(view.table.disk_guid)) {
    reasons.emplace_back("every disk of the image has its disk GUID: this one gets its own");
  }
  return join(reasons, "; ");
}

// Who uses the disk as a whole, and not one of its partitions.
std::vector<std::string> users_of_the_whole(const model::DiskView& view) {
  std::vector<std::string> users = view.users;
  for (const auto& partition : view.partitions) {
    for (const auto& user : partition.users) {
      if (const auto found = std::find(users.begin(), users.end(), user); found != users.end()) {
        users.erase(found);
      }
    }
  }
  return users;
}

// A partition in use blocks its own change, and no other.
Result<void> check_unused(const spec::Disk& disk, const model::DiskView& view, const Match& match,
                          const Origin& place) {
  if (wipes(disk) && !view.users.empty()) {
    return Error(Code::device_busy, "wipeTable is set, but " + disk.device + " is in use: " + used_by(view.users))
        .at(place);
  }
  for (const auto& change : match.changes) {
    const model::PartitionView* partition = view.partition(change.number);
    if (change.kind != Change::Kind::created && partition != nullptr && !partition->users.empty()) {
      return Error(Code::device_busy, numbered(change.number) + " of " + disk.device +
                                          " would have to change and is in use: " + used_by(partition->users))
          .at(change.origin);
    }
  }
  const auto users = users_of_the_whole(view);
  // The kernel makes no partitions of a table without a boot record, so none were looked at, and who uses the disk uses
  // all of it.
  const bool looked =
      !view.partitions.empty() || view.table.partitions.empty() || view.table.kind == host::TableKind::damaged;
  if (looked && !users.empty()) {
    return Error(Code::device_busy, disk.device + " is in use as a whole: " + used_by(users)).at(place);
  }
  return {};
}

Result<void> plan_table(const Question& question, std::size_t index, Plan& plan) {
  const spec::Disk& disk = question.config().storage.disks[index];
  const model::DiskView* view = question.inventory.disk(disk.device);
  const Origin device_origin = question.origin(disk.place, disk_path(index) + ".device", "device");
  if (view == nullptr) {
    return Error(Code::device_missing, "the inventory does not have the disk " + disk.device).at(device_origin);
  }
  if (disk.partitions.empty() && !wipes(disk)) {
    return {};
  }
  Match match = TRY(wanted_table(question, index, *view));
  const bool same = view->table.kind == host::TableKind::gpt && !view->table.grown &&
                    view->table.disk_guid == match.table.disk_guid && view->table.partitions == match.table.partitions;
  if (same) {
    return {};
  }
  TRY(check_unused(disk, *view, match, device_origin));
  Step step;
  step.id = table_step(disk.device);
  step.why = reason(disk, *view, match);
  step.origin = question.origin(disk.place, disk_path(index));
  step.assumes = model::fingerprint(view->table, view->signature);
  const bool there = view->table.kind != host::TableKind::none || !view->signature.type.empty();
  if (there && !keeps_all(view->table, match.table)) {
    // Every entry that goes or shrinks does so by the config's word; else the match was a conflict.
    step.replaces = step.assumes;
  }
  step.operation = WriteTable{{disk.device, {}, 0}, view->facts.sector_size, std::move(match.table)};
  plan.steps.push_back(std::move(step));
  return {};
}

bool is_given(const std::optional<std::string>& text) { return !text.value_or("").empty(); }

bool can_be_reused(const spec::Filesystem& asked, const host::Signature& there) {
  if (*asked.format == no_filesystem) {
    return there.type.empty();
  }
  return there.type == *asked.format && (!asked.label || shown_label(*asked.label) == there.label) &&
         (!is_given(asked.uuid) || filesystem_id(*asked.format, *asked.uuid) == there.uuid);
}

// The identity of the new file system, in the form that its format has.
Result<std::string> wanted_id(const Question& question, std::size_t index, const Site& site) {
  const spec::Filesystem& asked = question.config().storage.filesystems[index];
  const std::string path = "$.storage.filesystems." + std::to_string(index);
  if (is_given(asked.uuid)) {
    auto id = filesystem_id(*asked.format, *asked.uuid);
    if (!id) {
      return Error(Code::bad_config, "\"" + printable(*asked.uuid) + "\" is no UUID for " + *asked.format +
                                         ": that has " + std::string(id_form(*asked.format)))
          .at(question.origin(asked.place, path + ".uuid", "uuid"));
    }
    return *std::move(id);
  }
  const model::DiskView* disk = question.inventory.disk(site.device.disk);
  const host::DiskFacts facts = disk != nullptr ? disk->facts : host::DiskFacts{};
  return derived_id(*asked.format, identity_of(question).filesystem(facts, path));
}

std::string why_unseen(const Step& maker) {
  const std::string seen_later = "what is on it shows when it is set up";
  if (const auto* const volume = std::get_if<MakeVolume>(&maker.operation)) {
    return volume->there ? seen_later : "the encrypted volume is new";
  }
  if (const auto* const volume = std::get_if<MakeLogicalVolume>(&maker.operation)) {
    return volume->there ? seen_later : "the logical volume is new";
  }
  const auto* const array = std::get_if<MakeArray>(&maker.operation);
  if (array == nullptr) {
    return "the partition is new";
  }
  return array->there ? seen_later : "the array is new";
}

Result<Step> filesystem_step(const Question& question, std::size_t index, const Site& site, const Plan& plan) {
  const spec::Filesystem& asked = question.config().storage.filesystems[index];
  const bool wipe = asked.wipe_filesystem.value_or(false);
  Step step;
  step.id = "filesystem:" + asked.device;
  step.why = wipe ? "wipeFilesystem is set" : "the device is blank";
  step.origin = question.origin(asked.place, "$.storage.filesystems." + std::to_string(index));
  step.assumes = model::fingerprint(site.signature.value_or(host::Signature{}));
  // A blank device needs no second wiping.
  step.afresh = wipe && *asked.format != no_filesystem;
  step.after = needs_of(plan, site);
  if (site.maker != nullptr) {
    step.why = site.signature ? step.why : why_unseen(*site.maker);
    step.replaces = wipe ? std::string(replaces_anything) : "";
  } else if (wipe && step.assumes != model::absent_fingerprint) {
    step.replaces = step.assumes;
  }
  step.operation = MakeFilesystem{site.device, *asked.format, asked.label.value_or(""),
                                  TRY(wanted_id(question, index, site)), asked.options};
  return step;
}

Result<void> plan_filesystem(const Question& question, const model::Inventory& after, std::size_t index, Plan& plan) {
  const spec::Filesystem& asked = question.config().storage.filesystems[index];
  if (!is_given(asked.format) || is_virtiofs(asked)) {
    return {};
  }
  const auto place = [&] {
    return question.origin(asked.place, "$.storage.filesystems." + std::to_string(index) + ".device", "device");
  };
  if (const auto* const array = array_of(question, after, asked.device)) {
    return Error(Code::bad_config, asked.device + " is a device of the RAID array " + printable(array->name) +
                                       ": it cannot hold a file system as well")
        .at(place());
  }
  if (const auto* const volume = volume_on(question, after, asked.device)) {
    return Error(Code::bad_config, asked.device + " is the device of the encrypted volume " + printable(volume->name) +
                                       ": it cannot hold a file system as well")
        .at(place());
  }
  if (const auto* const group = volume_group_on(question, after, asked.device)) {
    return Error(Code::bad_config, asked.device + " is a device of the volume group " + printable(group->name) +
                                       ": it cannot hold a file system as well")
        .at(place());
  }
  auto found = site_of(question, after, plan, asked.device, "hold a file system");
  if (!found) {
    return std::move(found).error().at(place());
  }
  const Site& site = *found;
  const bool wipe = asked.wipe_filesystem.value_or(false);
  const bool blank = site.signature && site.signature->type.empty();
  if (site.signature && can_be_reused(asked, *site.signature) && (!wipe || *asked.format == no_filesystem)) {
    return {};
  }
  if (!wipe && site.signature && !blank) {
    return Error(Code::conflict,
                 asked.device + " holds " + model::describe(*site.signature) + ", and wipeFilesystem is not set")
        .at(place());
  }
  if (const std::string fault = label_fault(*asked.format, asked.label.value_or("")); !fault.empty()) {
    return Error(Code::bad_config, fault)
        .at(question.origin(asked.place, "$.storage.filesystems." + std::to_string(index) + ".label", "label"));
  }
  if (!site.users.empty()) {
    return Error(Code::device_busy, asked.device + " is in use: " + used_by(site.users)).at(place());
  }
  plan.steps.push_back(TRY(filesystem_step(question, index, site, plan)));
  return {};
}

// `asked` has the journal where it is, in `question` it is out of the way.
Result<Plan> plan_of(const Question& question, const Question& asked) {
  Plan plan;
  plan.stage = "disks";
  for (std::size_t i = 0; i < question.config().storage.disks.size(); ++i) {
    TRY(plan_table(question, i, plan));
  }
  const Plan tables = plan;
  const model::Inventory after = predicted(question.inventory, tables);
  TRY(plan_arrays(question, after, plan));
  TRY(plan_volumes(question, after, VolumePlace::below_groups, plan));
  TRY(plan_volume_groups(question, after, plan));
  TRY(plan_volumes(question, after, VolumePlace::on_logical_volumes, plan));
  for (std::size_t i = 0; i < question.config().storage.filesystems.size(); ++i) {
    TRY(plan_filesystem(question, after, i, plan));
  }
  TRY(plan_subvolumes(question, after, plan));
  TRY(plan_growth(question, after, plan));
  TRY(plan_loaders(question, plan));
  TRY(plan_root(asked, after, plan));
  return plan;
}

bool moves_journal(const Plan& plan) {
  return std::any_of(plan.steps.begin(), plan.steps.end(), [](const Step& step) {
    const auto* const save = std::get_if<SaveRoot>(&step.operation);
    return save != nullptr && !save->journal.mount.empty();
  });
}

}  // namespace

Result<Plan> plan_disks(const Question& question) {
  if (const auto freed = without_journal(question.inventory)) {
    Plan plan = TRY(plan_of({question.parsed, *freed}, question));
    if (moves_journal(plan)) {
      return plan;
    }
  }
  return plan_of(question, question);
}

}  // namespace provision::plan
