// SPDX-License-Identifier: Apache-2.0
// Work on many things side by side.
#pragma once

#include <cstddef>
#include <functional>

namespace provision::host {

// Runs work(0) to work(count - 1), at most `workers` of them at a time, and returns when all have ended. With fewer
// than two workers, or things, they run one after another, on the caller's thread.
void for_each_index(std::size_t count, unsigned workers, const std::function<void(std::size_t)>& work);

}  // namespace provision::host
