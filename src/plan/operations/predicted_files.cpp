// SPDX-License-Identifier: Apache-2.0
#include "plan/operations/predicted_files.hpp"

#include <algorithm>

#include "base/path.hpp"
#include "plan/ways.hpp"

namespace provision::plan {
namespace {

bool is_link(const model::FileView& view) { return view.kind == host::NodeKind::symlink; }

// Which views are of one thing. Most targets have no link on any way that is looked at: there it is the path alone.
class Places {
 public:
  explicit Places(const model::Inventory& inventory)
      : links_(std::any_of(inventory.files.begin(), inventory.files.end(), is_link)
                   ? std::optional(Ways(inventory, Ways::Known::links))
                   : std::nullopt) {}

  [[nodiscard]] bool one_name_each() const { return !links_; }

  [[nodiscard]] std::string of(const std::string& path) const {
    const auto way = links_ ? links_->resolve(path) : std::nullopt;
    return way ? way->place : path;
  }

  // A link at the end of a path is not followed, so both have the same last part.
  [[nodiscard]] bool is_one(const std::string& path, const std::string& other) const {
    return path == other || (links_ && path::name(path) == path::name(other) && of(path) == of(other));
  }

 private:
  std::optional<Ways> links_;
};

const model::FileView* view_at(const model::Inventory& inventory, const Places& places, const std::string& path) {
  const model::FileView* const direct = inventory.file(path);
  if (direct != nullptr || places.one_name_each()) {
    return direct;
  }
  const auto found = std::find_if(inventory.files.begin(), inventory.files.end(),
                                  [&](const model::FileView& view) { return places.is_one(view.path, path); });
  return found == inventory.files.end() ? nullptr : &*found;
}

void put_above(model::Inventory& inventory, const Places& places, const std::string& path) {
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    const std::string above = path.substr(0, slash);
    if (inventory.file(above) != nullptr) {
      continue;
    }
    model::FileView view;
    view.kind = host::NodeKind::directory;
    view.mode = 0755;
    if (const auto* there = view_at(inventory, places, above)) {
      view = *there;
    }
    view.path = above;
    inventory.files.push_back(std::move(view));
  }
}

// Where a link goes, nothing is seen below it any more by its name.
void forget_below_link(model::Inventory& inventory, const model::FileView& made) {
  const model::FileView* const there = inventory.file(made.path);
  if (there == nullptr || !is_link(*there) || (is_link(made) && made.target == there->target)) {
    return;
  }
  std::erase_if(inventory.files, [&](const model::FileView& view) {
    return view.path != made.path && path::is_within(view.path, made.path);
  });
}

}  // namespace

void predict_file(model::Inventory& inventory, model::FileView made) {
  const Places places(inventory);
  const std::string path = made.path;
  put_above(inventory, places, path);
  forget_below_link(inventory, made);
  for (auto& view : inventory.files) {
    if (view.path != path && places.is_one(view.path, path)) {
      const std::string name = view.path;
      view = made;
      view.path = name;
    }
  }
  const auto same = std::find_if(inventory.files.begin(), inventory.files.end(),
                                 [&](const model::FileView& view) { return view.path == path; });
  if (same != inventory.files.end()) {
    *same = std::move(made);
  } else {
    inventory.files.push_back(std::move(made));
  }
}

void predict_removal(model::Inventory& inventory, const std::string& path) {
  const Places places(inventory);
  const std::string top = places.of(path);
  std::erase_if(inventory.files,
                [&](const model::FileView& view) { return path::is_within(places.of(view.path), top); });
}

std::vector<model::FileView*> views_within(model::Inventory& inventory, const std::string& top) {
  const Places places(inventory);
  const std::string place = places.of(top);
  std::vector<model::FileView*> found;
  for (auto& view : inventory.files) {
    if (path::is_within(places.of(view.path), place)) {
      found.push_back(&view);
    }
  }
  return found;
}

}  // namespace provision::plan
