// SPDX-License-Identifier: Apache-2.0
// The inventory as a file.
#pragma once

#include <string>

#include "base/result.hpp"
#include "model/inventory.hpp"

namespace provision::cli {

// What `provision inventory` wrote; "-" is standard input.
Result<model::Inventory> read_inventory(const std::string& name);

}  // namespace provision::cli
