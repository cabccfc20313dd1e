// SPDX-License-Identifier: Apache-2.0
// WriteTable: the GPT of one disk, as a whole.
#include <algorithm>

#include "base/text.hpp"
#include "plan/layout.hpp"
#include "plan/operation.hpp"

namespace provision::plan {
namespace {

bool kernel_knows(const std::vector<host::Partition>& kernel, const host::Table& wanted) {
  const auto& partitions = wanted.partitions;
  return kernel.size() == partitions.size() &&
         std::all_of(partitions.begin(), partitions.end(), [&](const host::Partition& entry) {
           return std::any_of(kernel.begin(), kernel.end(), [&](const host::Partition& known) {
             return known.number == entry.number && known.start == entry.start && known.size == entry.size;
           });
         });
}

State state_of(const host::Table& table, const host::Signature& signature, const WriteTable& operation,
               const std::vector<host::Partition>& kernel) {
  const bool same = table.kind == host::TableKind::gpt && !table.grown &&
                    table.disk_guid == operation.table.disk_guid && table.partitions == operation.table.partitions;
  if (same) {
    return kernel_knows(kernel, operation.table) ? State::satisfied : State::partly_ours;
  }
  if (table.kind == host::TableKind::none) {
    return signature.type.empty() ? State::absent : State::foreign;
  }
  return keeps_all(table, operation.table) ? State::absent : State::foreign;
}

}  // namespace

Result<Observation> observe(host::Host& host, const WriteTable& operation) {
  // A stored plan is resumed without looking at the machine as planning does: the disk may not be there yet.
  TRY(host.disks.await(operation.disk, std::chrono::seconds(30)));
  const host::Table table = TRY(host.disks.read_table(operation.disk));
  const host::Signature signature =
      table.kind == host::TableKind::none ? TRY(host.disks.probe(operation.disk)) : host::Signature{};
  const auto kernel = TRY(host.disks.kernel_partitions(operation.disk));
  Observation seen;
  seen.state = state_of(table, signature, operation, kernel);
  seen.fingerprint = model::fingerprint(table, signature);
  seen.found = table.kind == host::TableKind::none ? model::describe(signature) : model::describe(table);
  return seen;
}

Result<void> apply(Work& work, const WriteTable& operation) {
  host::Disks& disks = work.host.disks;
  const host::Table table = TRY(disks.read_table(operation.disk));
  const bool already_ours = table.kind == host::TableKind::gpt && table.disk_guid == operation.table.disk_guid;
  // A signature on the whole disk would be found before the table by whoever probes the disk later.
  if (!already_ours && !TRY(disks.probe(operation.disk)).type.empty()) {
    TRY(disks.wipe_signatures(operation.disk));
  }
  return disks.write_table(operation.disk, operation.table);
}

namespace {

// What begins at a sector stays there, whatever the table says. Of other new partitions a plan can only say that
// nothing of it is on them.
std::vector<model::PartitionView> predicted_contents(const model::DiskView& disk, const host::Table& wanted) {
  std::vector<model::PartitionView> views;
  for (const auto& entry : wanted.partitions) {
    model::PartitionView view;
    for (const auto& old : disk.table.partitions) {
      const auto* seen = old.start == entry.start ? disk.partition(old.number) : nullptr;
      view = seen == nullptr ? view : *seen;
    }
    view.number = entry.number;
    views.push_back(std::move(view));
  }
  return views;
}

// 0: there is no such partition.
std::int64_t bytes_of(const WriteTable& operation, std::int64_t number) {
  const auto& entries = operation.table.partitions;
  const auto found = std::find_if(entries.begin(), entries.end(), [&](const auto& e) { return e.number == number; });
  return found == entries.end() ? 0 : found->size * operation.sector_size;
}

}  // namespace

void predict(model::Inventory& inventory, const WriteTable& operation) {
  for (auto& disk : inventory.disks) {
    if (disk.device == operation.disk.path) {
      disk.partitions = predicted_contents(disk, operation.table);
      // Another table brings a boot record of its own.
      const bool stays =
          disk.table.disk_guid == operation.table.disk_guid || host::is_placeholder(disk.table.disk_guid);
      disk.boot_record = stays ? std::move(disk.boot_record) : std::vector<model::BootRecordEntry>{};
      disk.table = operation.table;
      disk.signature = {};
    }
  }
  for (auto& view : inventory.growths) {
    if (view.device.disk == operation.disk.path) {
      view.size.device_bytes = bytes_of(operation, view.device.number);
    }
  }
  // What was seen under a name is no longer what the name leads to.
  std::erase_if(inventory.devices, [&](const model::DeviceView& view) {
    return view.device.disk == operation.disk.path && model::resolve(inventory, view.device.path) != view.device;
  });
}

std::string describe(const WriteTable& operation) {
  std::vector<std::string> parts;
  for (const auto& partition : operation.table.partitions) {
    const std::int64_t mib = partition.size * operation.sector_size >> 20;
    parts.push_back(std::to_string(partition.number) +
                    (partition.label.empty() ? "" : " \"" + printable(partition.label) + "\"") + " of " +
                    std::to_string(mib) + " MiB");
  }
  return "write a GPT on " + operation.disk.path + (parts.empty() ? "" : " with partition " + join(parts, ", "));
}

Traits traits(const WriteTable& /*operation*/) { return {}; }

}  // namespace provision::plan
