// SPDX-License-Identifier: Apache-2.0
#include "plan/loaders.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "plan/operations/loader.hpp"
#include "plan/site.hpp"

namespace provision::plan {
namespace {

struct Kind {
  std::string_view name;
  std::string_view type;
};

constexpr std::array<Kind, 2> kinds{{{bios_loader, bios_boot_type}, {prep_loader, prep_boot_type}}};
constexpr std::int64_t unit = 512;

// A partition with a boot loader, or that is to get one.
struct Place {
  std::string disk;
  const host::Partition* entry = nullptr;
  std::int64_t sector_size = unit;

  [[nodiscard]] std::int64_t bytes() const { return entry->size * sector_size; }
  [[nodiscard]] std::int64_t start() const { return entry->start * sector_size / unit; }
  [[nodiscard]] std::string words(std::string_view kind) const {
    return loader_words(kind) + " " + std::to_string(entry->number) + " of " + disk;
  }
};

std::string keeping(const Kind& kind) {
  return " (provision.keep=" + std::string(kind.name) + " on the kernel command line)";
}

std::vector<Place> old_ones(const model::Inventory& inventory, const Kind& kind) {
  std::vector<Place> found;
  for (const auto& disk : inventory.disks) {
    for (const auto& entry : disk.table.partitions) {
      if (entry.type.text() == kind.type) {
        found.push_back({disk.device, &entry, disk.facts.sector_size});
      }
    }
  }
  return found;
}

// The table writes it to where it is, and leaves the boot record alone.
bool stays(const model::Inventory& inventory, const WriteTable& table, const host::Partition& entry) {
  const model::DiskView* const disk = inventory.disk(table.disk.path);
  const host::Partition* const old = disk == nullptr ? nullptr : disk->entry(entry.number);
  // One that images come with is replaced, and the table is the same for all that.
  const bool is_same = disk != nullptr &&
                       (disk->table.disk_guid == table.table.disk_guid || host::is_placeholder(disk->table.disk_guid));
  return old != nullptr && is_same && old->type == entry.type && old->start == entry.start && old->size == entry.size;
}

struct Target {
  // Its table's step.
  const Step* table = nullptr;
  Place place;
};

std::vector<Target> new_ones(const model::Inventory& inventory, const Plan& plan, const Kind& kind) {
  std::vector<Target> found;
  for (const auto& step : plan.steps) {
    const auto* const table = std::get_if<WriteTable>(&step.operation);
    if (table == nullptr) {
      continue;
    }
    for (const auto& entry : table->table.partitions) {
      if (entry.type.text() == kind.type && !stays(inventory, *table, entry)) {
        found.push_back({&step, {table->disk.path, &entry, table->sector_size}});
      }
    }
  }
  return found;
}

Error conflict(const Step& step, const std::string& what) { return Error(Code::conflict, what).at(step.origin); }

// The step that takes it away; null: it stays.
const Step* destroyer(const model::Inventory& inventory, const Plan& plan, const Place& old) {
  const auto found = std::find_if(plan.steps.begin(), plan.steps.end(), [&](const Step& step) {
    const auto* const table = std::get_if<WriteTable>(&step.operation);
    return table != nullptr && table->disk.path == old.disk &&
           !std::any_of(table->table.partitions.begin(), table->table.partitions.end(), [&](const auto& entry) {
             return entry.number == old.entry->number && stays(inventory, *table, entry);
           });
  });
  return found == plan.steps.end() ? nullptr : &*found;
}

// That of its own disk, or the only one.
Result<Place> source_of(const Target& target, const std::vector<Place>& olds, const Kind& kind) {
  std::vector<Place> own;
  std::copy_if(olds.begin(), olds.end(), std::back_inserter(own),
               [&](const Place& old) { return old.disk == target.place.disk; });
  const std::vector<Place>& choice = own.size() == 1 ? own : olds;
  const std::string what = "this is to have the boot loader of " + loader_words(kind.name) + keeping(kind);
  if (choice.empty()) {
    return conflict(*target.table, what + ", and no disk that the config names has one");
  }
  if (choice.size() > 1) {
    return conflict(*target.table, what + ", and there are several: " + choice[0].words(kind.name) + " and " +
                                       choice[1].words(kind.name));
  }
  const Place& source = choice.front();
  if (source.bytes() > max_loader_bytes) {
    return conflict(*target.table, what + ", and " + source.words(kind.name) + " is too large for a boot loader");
  }
  if (target.place.bytes() < source.bytes()) {
    return conflict(*target.table, what + ", which has " + std::to_string(source.bytes()) + " bytes: make partition " +
                                       std::to_string(target.place.entry->number) + " as large");
  }
  return source;
}

Step saving_step(const Place& source, const Kind& kind, const Step& table) {
  Step step;
  step.id = "loader:" + source.entry->guid.text() + ":save";
  step.why = "the table of a disk that it is on, or goes to, is made anew";
  step.origin = table.origin;
  step.assumes = std::string(model::absent_fingerprint);
  step.afresh = table.afresh;
  step.operation = SaveLoader{
      source.entry->guid.text(), {{}, source.disk, source.entry->number}, source.bytes(), std::string(kind.name)};
  return step;
}

Step putting_step(const Place& source, const Target& target, const Kind& kind, const Step& save) {
  Step step;
  step.id = "loader:" + target.place.disk + ":" + std::to_string(target.place.entry->number);
  step.why = "the firmware starts it there";
  step.origin = target.table->origin;
  step.assumes = std::string(model::absent_fingerprint);
  step.afresh = target.table->afresh;
  step.after = {target.table->id, save.id};
  step.operation = PutLoader{source.entry->guid.text(),
                             {{}, target.place.disk, target.place.entry->number},
                             source.bytes(),
                             std::string(kind.name),
                             source.start(),
                             target.place.start()};
  return step;
}

bool has(const std::vector<std::string>& ids, const std::string& id) {
  return std::find(ids.begin(), ids.end(), id) != ids.end();
}

// Each saving step before the tables; each other one behind its table, and before all else that is done to that disk:
// udev looks at a disk again when somebody has written to it.
void arrange(Plan& plan, const std::vector<Step>& saving, const std::vector<Step>& putting) {
  std::vector<Step> arranged = saving;
  for (auto& step : plan.steps) {
    if (std::holds_alternative<WriteTable>(step.operation)) {
      for (const auto& save : saving) {
        step.after.push_back(save.id);
      }
    }
    for (const auto& put : putting) {
      if (has(step.after, put.after.front())) {
        step.after.push_back(put.id);
      }
    }
    const std::string id = step.id;
    arranged.push_back(std::move(step));
    std::copy_if(putting.begin(), putting.end(), std::back_inserter(arranged),
                 [&](const Step& put) { return put.after.front() == id; });
  }
  plan.steps = std::move(arranged);
}

Result<void> plan_kind(const model::Inventory& inventory, const Plan& plan, const Kind& kind, std::vector<Step>& saving,
                       std::vector<Step>& putting) {
  const auto olds = old_ones(inventory, kind);
  const auto targets = new_ones(inventory, plan, kind);
  for (const auto& old : olds) {
    const Step* const step = targets.empty() ? destroyer(inventory, plan, old) : nullptr;
    if (step != nullptr) {
      return conflict(*step, "this destroys " + old.words(kind.name) + ", whose boot loader must be kept" +
                                 keeping(kind) + ", and no new partition of the config has that type");
    }
  }
  for (const auto& target : targets) {
    const Place source = TRY(source_of(target, olds, kind));
    Step save = saving_step(source, kind, *target.table);
    putting.push_back(putting_step(source, target, kind, save));
    if (std::none_of(saving.begin(), saving.end(), [&](const Step& known) { return known.id == save.id; })) {
      saving.push_back(std::move(save));
    }
  }
  return {};
}

}  // namespace

bool is_loader_kind(std::string_view name) {
  return std::any_of(kinds.begin(), kinds.end(), [&](const Kind& kind) { return kind.name == name; });
}

Result<void> plan_loaders(const Question& question, Plan& plan) {
  std::vector<Step> saving;
  std::vector<Step> putting;
  for (const auto& kind : kinds) {
    if (has(question.inventory.kept, std::string(kind.name))) {
      TRY(plan_kind(question.inventory, plan, kind, saving, putting));
    }
  }
  if (!putting.empty()) {
    arrange(plan, saving, putting);
  }
  return {};
}

}  // namespace provision::plan
