// SPDX-License-Identifier: Apache-2.0
// The devices that a config names, as a tree, with what is on each before and after a plan. Pure.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "fields/document.hpp"
#include "model/inventory.hpp"
#include "plan/plan.hpp"
#include "spec/config.hpp"

namespace provision::plan {

struct DeviceNode {
  // "/dev/vdb", "partition 1 www", "/dev/md/data", "/dev/mapper/vault".
  std::string name;
  // What is on it ("a GPT", "ext4 www", "member of data"); nothing: there is no such device.
  std::optional<std::string> before;
  std::optional<std::string> after;
  // Where it is mounted in the target while files are written.
  std::vector<std::string> mounts;
  // What is on it before is lost, and the config allows it: why, and the place of that in the config.
  std::string lost;
  // What lies on it, or is made of it. What lies on several devices stands below each of them, and what is below that
  // only once.
  std::vector<DeviceNode> below;

  [[nodiscard]] bool is_changed() const { return before != after; }
};

// Of each disk, and of each other device that the config or the plans name and that lies on none.
std::vector<DeviceNode> device_tree(const spec::Config& config, const model::Inventory& before,
                                    const std::vector<Plan>& plans);

// For people; nothing where no device changes. `colour` marks by terminal codes what will be destroyed.
std::string render(const std::vector<DeviceNode>& devices, bool colour);
fields::Value to_value(const std::vector<DeviceNode>& devices);

}  // namespace provision::plan
