// SPDX-License-Identifier: Apache-2.0
// The planner of the disks stage: partition tables, then file systems.
#include <algorithm>

#include "base/text.hpp"
#include "plan/identity.hpp"
#include "plan/layout.hpp"
#include "plan/planners.hpp"

namespace provision::plan {
namespace {

// "Linux filesystem data" of the Discoverable Partitions Specification.
constexpr std::string_view linux_data = "0fc63daf-8483-4772-8e79-3d69d8477de4";

Identity identity_of(const Question& question) {
  return {question.inventory.machine, spec::meaning(question.config())};
}

std::string disk_path(std::size_t index) { return "$.storage.disks." + std::to_string(index); }

Uuid given_or(const std::optional<std::string>& given, const Uuid& fallback) {
  return Uuid::parse(given.value_or("")).value_or(fallback);
}

// A partition of the config in the terms of its disk.
struct Wish {
  const spec::Partition& asked;
  Origin origin;
  Uuid derived;
};

// The entry that is already the wished one: the same number, or one that an earlier run of ours made (its GUID tells).
const host::Partition* existing_entry(const host::Table& table, const Wish& wish) {
  for (const auto& entry : table.partitions) {
    const bool same_number = wish.asked.number != 0 && entry.number == wish.asked.number;
    if (same_number || (!wish.derived.empty() && entry.guid == wish.derived)) {
      return &entry;
    }
  }
  return nullptr;
}

std::optional<std::int64_t> sectors(const std::optional<std::int64_t>& mib, std::int64_t sector_size) {
  return mib ? std::optional(*mib * (grain_bytes / sector_size)) : std::nullopt;
}

// What keeps an existing entry from being the wished one; empty if it is.
std::string mismatch(const host::Partition& entry, const spec::Partition& asked, std::int64_t sector_size) {
  const auto differs = [&](const std::optional<std::int64_t>& mib, std::int64_t is) {
    return mib.value_or(0) != 0 && sectors(mib, sector_size) != is;
  };
  const auto guid_differs = [](const std::optional<std::string>& given, const Uuid& is) {
    return !given.value_or("").empty() && Uuid::parse(*given) != is;
  };
  if (asked.label && *asked.label != entry.label) {
    return "is labelled \"" + printable(entry.label) + "\"";
  }
  if (differs(asked.start_mib, entry.start)) {
    return "starts at sector " + std::to_string(entry.start);
  }
  if (differs(asked.size_mib, entry.size)) {
    return "has " + std::to_string(entry.size) + " sectors";
  }
  if (guid_differs(asked.type_guid, entry.type)) {
    return "has the type " + entry.type.text();
  }
  return guid_differs(asked.guid, entry.guid) ? "has the GUID " + entry.guid.text() : std::string{};
}

Result<host::Partition> new_entry(const host::Table& table, const Wish& wish, std::int64_t sector_size) {
  host::Partition entry;
  const auto number = wish.asked.number != 0 ? std::optional(wish.asked.number) : free_number(table);
  if (!number) {
    return Error(Code::bad_config, "all 128 partition numbers of the disk are in use");
  }
  entry.number = *number;
  const Block block = TRY(
      place(table, sector_size, sectors(wish.asked.start_mib, sector_size), sectors(wish.asked.size_mib, sector_size)));
  entry.start = block.start;
  entry.size = block.size;
  entry.type = given_or(wish.asked.type_guid, *Uuid::parse(linux_data));
  entry.guid = given_or(wish.asked.guid, wish.derived);
  entry.label = wish.asked.label.value_or("");
  return entry;
}

Result<void> add_wish(host::Table& table, const Wish& wish, std::int64_t sector_size) {
  if (const host::Partition* entry = existing_entry(table, wish)) {
    const std::string why_not = mismatch(*entry, wish.asked, sector_size);
    if (!why_not.empty()) {
      return Error(Code::conflict,
                   "partition " + std::to_string(entry->number) + " exists and " + why_not + "; it was left alone")
          .at(wish.origin);
    }
    return {};
  }
  auto entry = new_entry(table, wish, sector_size);
  if (!entry) {
    return std::move(entry).error().at(wish.origin);
  }
  table.partitions.push_back(*std::move(entry));
  return {};
}

// The table to start from: the disk's own, or an empty one where there is none or it may be wiped.
Result<host::Table> starting_table(const spec::Disk& disk, const model::DiskView& view, const Uuid& derived) {
  const bool wipe = disk.wipe_table.value_or(false);
  if (view.table.kind == host::TableKind::gpt && !wipe) {
    return view.table;
  }
  const bool empty = view.table.kind == host::TableKind::none && view.signature.type.empty();
  if (!wipe && !empty) {
    const std::string there =
        view.table.kind == host::TableKind::none ? model::describe(view.signature) : model::describe(view.table);
    return Error(Code::conflict, disk.device + " holds " + there + ", and wipeTable is not set");
  }
  if (wipe && !view.users.empty()) {
    return Error(Code::device_busy, "wipeTable is set, but " + disk.device + " is in use: " + join(view.users, ", "));
  }
  host::Table table;
  table.kind = host::TableKind::gpt;
  table.disk_guid = derived;
  table.first = view.table.first;
  table.last = view.table.last;
  return table;
}

Result<host::Table> wanted_table(const Question& question, std::size_t index, const model::DiskView& view) {
  const spec::Disk& disk = question.config().storage.disks[index];
  const Identity identity = identity_of(question);
  const Origin disk_origin = question.origin(disk.place, disk_path(index) + ".device", "device");
  auto start = starting_table(disk, view, identity.disk(view.facts, disk_path(index)));
  if (!start) {
    return std::move(start).error().at(disk_origin);
  }
  host::Table table = *std::move(start);
  std::vector<std::size_t> order(disk.partitions.size());
  for (std::size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  // Number 0 takes what the others leave.
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return (disk.partitions[a].number != 0 ? 0 : 1) < (disk.partitions[b].number != 0 ? 0 : 1);
  });
  for (const std::size_t i : order) {
    const std::string path = disk_path(index) + ".partitions." + std::to_string(i);
    const Wish wish{disk.partitions[i], question.origin(disk.partitions[i].place, path),
                    given_or(disk.partitions[i].guid, identity.partition(view.facts, path))};
    TRY(add_wish(table, wish, view.facts.sector_size));
  }
  std::sort(table.partitions.begin(), table.partitions.end(),
            [](const host::Partition& a, const host::Partition& b) { return a.number < b.number; });
  return table;
}

Result<void> plan_table(const Question& question, std::size_t index, Plan& plan) {
  const spec::Disk& disk = question.config().storage.disks[index];
  const model::DiskView* view = question.inventory.disk(disk.device);
  if (view == nullptr) {
    return Error(Code::device_missing, "the inventory does not have the disk " + disk.device)
        .at(question.origin(disk.place, disk_path(index), "device"));
  }
  if (disk.partitions.empty() && !disk.wipe_table.value_or(false)) {
    return {};
  }
  host::Table table = TRY(wanted_table(question, index, *view));
  const bool same = view->table.kind == host::TableKind::gpt && view->table.disk_guid == table.disk_guid &&
                    view->table.partitions == table.partitions;
  if (same) {
    return {};
  }
  Step step;
  step.id = "table:" + disk.device;
  step.why = disk.wipe_table.value_or(false) ? "wipeTable is set" : "partitions of the config are missing";
  step.origin = question.origin(disk.place, disk_path(index));
  step.assumes = model::fingerprint(view->table, view->signature);
  if (disk.wipe_table.value_or(false) && step.assumes != model::absent_fingerprint) {
    step.replaces = step.assumes;
  }
  step.operation = WriteTable{{disk.device, {}, 0}, view->facts.sector_size, std::move(table)};
  plan.steps.push_back(std::move(step));
  return {};
}

const Step* step_named(const Plan& plan, const std::string& id) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(), [&](const Step& s) { return s.id == id; });
  return found == plan.steps.end() ? nullptr : &*found;
}

// What is known of a file system's device when the tables of the plan are in place.
struct Site {
  host::DeviceRef device;
  // The step that makes the device; null if it is there.
  const Step* maker = nullptr;
  host::Signature signature;
  std::vector<std::string> users;
};

// Whether the partition was there before the plan, as the same entry.
bool was_there(const model::Inventory& before, const model::Inventory& after, const host::DeviceRef& device) {
  const model::DiskView* old_disk = before.disk(device.disk);
  const model::DiskView* new_disk = after.disk(device.disk);
  const auto entry = [&](const model::DiskView& disk) {
    const auto& all = disk.table.partitions;
    return std::find_if(all.begin(), all.end(), [&](const host::Partition& p) { return p.number == device.number; });
  };
  if (old_disk == nullptr || new_disk == nullptr) {
    return true;
  }
  const auto old_entry = entry(*old_disk);
  return old_entry != old_disk->table.partitions.end() && *old_entry == *entry(*new_disk);
}

Result<Site> site_of(const Question& question, const model::Inventory& after, const Plan& plan,
                     const std::string& device) {
  Site site;
  site.device = model::resolve(after, device);
  if (site.device.number != 0 && !was_there(question.inventory, after, site.device)) {
    site.maker = step_named(plan, "table:" + site.device.disk);
    return site;
  }
  const model::DeviceView* view = question.inventory.device(device);
  if (view == nullptr) {
    return Error(Code::device_missing, "there is no device " + device + ", and the config does not make it");
  }
  site.signature = view->signature;
  site.users = view->users;
  return site;
}

bool can_be_reused(const spec::Filesystem& asked, const host::Signature& there) {
  return there.type == asked.format && (!asked.label || *asked.label == there.label) &&
         (!asked.uuid || Uuid::parse(*asked.uuid) == Uuid::parse(there.uuid));
}

Step filesystem_step(const Question& question, std::size_t index, const Site& site, const Plan& plan) {
  const spec::Filesystem& asked = question.config().storage.filesystems[index];
  const std::string path = "$.storage.filesystems." + std::to_string(index);
  const model::DiskView* disk = question.inventory.disk(site.device.disk);
  const host::DiskFacts facts = disk != nullptr ? disk->facts : host::DiskFacts{};
  const bool wipe = asked.wipe_filesystem.value_or(false);
  Step step;
  step.id = "filesystem:" + asked.device;
  step.why = wipe ? "wipeFilesystem is set" : "the device is blank";
  step.origin = question.origin(asked.place, path);
  step.assumes = model::fingerprint(site.signature);
  step.afresh = wipe;
  if (const Step* table = step_named(plan, "table:" + site.device.disk)) {
    // Also where the partition stays: until an interrupted table is whole again the kernel may not know it.
    step.after.push_back(table->id);
  }
  if (site.maker != nullptr) {
    step.why = "the partition is new";
    step.replaces = wipe ? std::string(replaces_anything) : "";
  } else if (wipe && step.assumes != model::absent_fingerprint) {
    step.replaces = step.assumes;
  }
  step.operation = MakeFilesystem{site.device, *asked.format, asked.label.value_or(""),
                                  given_or(asked.uuid, identity_of(question).filesystem(facts, path)), asked.options};
  return step;
}

Result<void> plan_filesystem(const Question& question, const model::Inventory& after, std::size_t index, Plan& plan) {
  const spec::Filesystem& asked = question.config().storage.filesystems[index];
  if (asked.format.value_or("").empty() || *asked.format == "none") {
    return {};
  }
  const auto place = [&] {
    return question.origin(asked.place, "$.storage.filesystems." + std::to_string(index) + ".device", "device");
  };
  auto found = site_of(question, after, plan, asked.device);
  if (!found) {
    return std::move(found).error().at(place());
  }
  const Site& site = *found;
  const bool wipe = asked.wipe_filesystem.value_or(false);
  if (!wipe && site.maker == nullptr && can_be_reused(asked, site.signature)) {
    return {};
  }
  if (!wipe && !site.signature.type.empty()) {
    return Error(Code::conflict,
                 asked.device + " holds " + model::describe(site.signature) + ", and wipeFilesystem is not set")
        .at(place());
  }
  if (!site.users.empty()) {
    return Error(Code::device_busy, asked.device + " is in use: " + join(site.users, ", ")).at(place());
  }
  plan.steps.push_back(filesystem_step(question, index, site, plan));
  return {};
}

}  // namespace

Result<Plan> plan_disks(const Question& question) {
  Plan plan;
  plan.stage = "disks";
  for (std::size_t i = 0; i < question.config().storage.disks.size(); ++i) {
    TRY(plan_table(question, i, plan));
  }
  const Plan tables = plan;
  const model::Inventory after = predicted(question.inventory, tables);
  for (std::size_t i = 0; i < question.config().storage.filesystems.size(); ++i) {
    TRY(plan_filesystem(question, after, i, plan));
  }
  return plan;
}

}  // namespace provision::plan
