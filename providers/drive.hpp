// SPDX-License-Identifier: Apache-2.0
// User-data on a drive that the platform attaches: found by the label of its file system, read without being mounted
// where anybody sees it.
#pragma once

#include <chrono>
#include <optional>
#include <span>
#include <string_view>

#include "providers/payload.hpp"

namespace provision::providers {

struct Drive {
  // "the config drive", for messages.
  std::string_view name;
  // The first that is there.
  std::span<const std::string_view> labels;
  std::string_view path;
  Coding coding = Coding::raw;
};

// Nothing: no drive of that label came within the patience. None: it has no such file, or one that is not ours. A drive
// that cannot be read, or holds a file system that no such drive has, is an error: what it says is not known.
Result<std::optional<Outcome>> look_on_drive(const Asking& asking, const Drive& drive,
                                             std::chrono::milliseconds patience);

}  // namespace provision::providers
