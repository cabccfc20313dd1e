// SPDX-License-Identifier: Apache-2.0
// The cases of tests/golden: a config, an inventory, and what `provision plan` says of them.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "model/inventory.hpp"
#include "plan/plan.hpp"
#include "spec/parse.hpp"

namespace provision::test {

struct GoldenCase {
  std::filesystem::path folder;
  std::string name;
  spec::Parsed config;
  model::Inventory inventory;
  // What is checked in: the plan, or the error.
  std::string expected;

  [[nodiscard]] bool has_plan() const { return config.config && !expected.starts_with("error "); }
  // What is there stands against the config.
  [[nodiscard]] bool is_refused() const {
    return config.config && (expected.starts_with("error conflict ") || expected.starts_with("error device-busy "));
  }
};

// All cases, by name.
std::vector<GoldenCase> golden_cases();

// Plans as they are checked in: as a person reads them, and the tables that they write.
std::string golden_text(const std::vector<plan::Plan>& plans);
std::string golden_text(const Error& error);

std::string read_file(const std::filesystem::path& path);

}  // namespace provision::test
