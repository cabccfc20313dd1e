// SPDX-License-Identifier: Apache-2.0
// What PutFile shares with other operations that put something at a path.
#pragma once

#include "plan/operation.hpp"

namespace provision::plan {

// Absent without a view; otherwise satisfied or foreign.
Observation observation_of(const model::FileView* view, bool satisfied);
// "mode 0644", and the owner where that is not root: "mode 0600, owner 5:0".
std::string attribute_words(std::int64_t mode, std::int64_t uid, std::int64_t gid);

}  // namespace provision::plan
