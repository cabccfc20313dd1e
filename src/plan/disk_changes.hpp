// SPDX-License-Identifier: Apache-2.0
// What a plan does to the partitions of each disk: before, after, and what becomes of each of them. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "plan/plan.hpp"

namespace provision::plan {

enum class Fate : std::uint8_t {
  kept,
  created,
  resized,  // the same partition, longer or shorter
  changed,  // the same place; its name or type is another
  deleted,
};

std::string_view name_of(Fate fate);

struct PartitionChange {
  Fate fate = Fate::kept;
  std::optional<host::Partition> before;
  std::optional<host::Partition> after;
};

struct DiskChange {
  std::string device;
  host::DiskFacts facts;
  host::Table before;
  // What is on the disk as a whole where it has no table.
  host::Signature signature;
  host::Table after;
  // In the order of their places on the disk; of one place, what goes before what comes.
  std::vector<PartitionChange> partitions;

  [[nodiscard]] bool is_changed() const { return before != after; }
};

// One for each disk of the inventory, in its order.
std::vector<DiskChange> disk_changes(const model::Inventory& before, const std::vector<Plan>& plans);

// A table for each disk, for people. `colour` marks by terminal codes what will be destroyed.
std::string render(const std::vector<DiskChange>& changes, bool colour);
fields::Value to_value(const DiskChange& change);

// The name of a partition type ("EFI system"); empty for one that is not in the table.
std::string_view type_name(const Uuid& type);

}  // namespace provision::plan
