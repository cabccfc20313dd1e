// SPDX-License-Identifier: Apache-2.0
// Where paths of the config lead in the target: through the links that are there, and those that the config makes.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "model/inventory.hpp"

namespace provision::plan {

// Paths that are resolved ("places") have no links on the way; what they name may be a link itself.
struct Way {
  std::string place;
  // Every place on the way: directories, and the links that were followed.
  std::vector<std::string> through;
};

class Ways {
 public:
  enum class Known : std::uint8_t { everything, links };
  // With Known::links seen() knows links alone.
  explicit Ways(const model::Inventory& inventory, Known known = Known::everything);

  // The config puts something at the path; `link`: a symbolic link to there. Those of less depth must be known before.
  void put(const std::string& path, const std::optional<std::string>& link);

  // Nothing if links on the way lead in a circle.
  [[nodiscard]] std::optional<Way> resolve(const std::string& path) const;
  // What is at a place by the inventory; null: nothing.
  [[nodiscard]] const model::FileView* seen(const std::string& place) const;

 private:
  std::map<std::string, std::string> links_;
  std::map<std::string, const model::FileView*> views_;
};

}  // namespace provision::plan
