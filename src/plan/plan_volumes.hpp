// SPDX-License-Identifier: Apache-2.0
// Encrypted volumes: which are there already, and the steps that make the others.
#pragma once

#include <cstdint>
#include <optional>

#include "plan/planners.hpp"

namespace provision::plan {

// The volume of the config whose device it is; null: none.
const spec::Luks* volume_on(const Question& question, const model::Inventory& after, const std::string& device);

// The operation that opens the volume number `index` of the config as it is; nothing: it is not there, or is to be
// made anew. Code::conflict: one is there, and is not what the config says (spec: storage.luks; docs/storage.md).
Result<std::optional<MakeVolume>> existing_volume(const Question& question, std::size_t index);

enum class VolumePlace : std::uint8_t { below_groups, on_logical_volumes };

// Whether its device is a logical volume of the config.
bool is_on_logical_volume(const spec::Config& config, const spec::Luks& volume);

// Adds the steps of the volumes that lie there. `after` is the inventory as the steps for tables leave it.
Result<void> plan_volumes(const Question& question, const model::Inventory& after, VolumePlace place, Plan& plan);

}  // namespace provision::plan
