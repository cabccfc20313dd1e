// SPDX-License-Identifier: Apache-2.0
// What operations on the target's files do to the views of an inventory. One thing may be viewed by several names, by
// way of links: all its views change together.
#pragma once

#include <string>
#include <vector>

#include "model/inventory.hpp"

namespace provision::plan {

// Puts the view in the place of one with the same path, and directories (0755 root) where none are above it.
void predict_file(model::Inventory& inventory, model::FileView made);
// Nothing is at the path any more, nor below it.
void predict_removal(model::Inventory& inventory, const std::string& path);
// The views of `top` and of what is below it.
std::vector<model::FileView*> views_within(model::Inventory& inventory, const std::string& top);

}  // namespace provision::plan
