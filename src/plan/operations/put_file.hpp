// SPDX-License-Identifier: Apache-2.0
// What PutFile shares with other operations that put something at a path.
#pragma once

#include "plan/operation.hpp"

namespace provision::plan {

// Absent without a view; otherwise satisfied or foreign.
Observation observation_of(const model::FileView* view, bool satisfied);
// Puts the view in the place of one with the same path.
void predict_file(model::Inventory& inventory, model::FileView made);

}  // namespace provision::plan
