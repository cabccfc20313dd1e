// SPDX-License-Identifier: Apache-2.0
#include "plan/ways.hpp"

#include <algorithm>
#include <deque>

#include "base/path.hpp"
#include "base/text.hpp"

namespace provision::plan {
namespace {

// As the kernel (path_resolution(7)).
constexpr int most_links = 40;

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  for (const auto part : split(path, '/')) {
    if (!part.empty() && part != ".") {
      parts.emplace_back(part);
    }
  }
  return parts;
}

}  // namespace

Ways::Ways(const model::Inventory& inventory, Known known) {
  std::vector<const model::FileView*> views;
  for (const auto& view : inventory.files) {
    if (known == Known::everything || view.kind == host::NodeKind::symlink) {
      views.push_back(&view);
    }
  }
  std::stable_sort(views.begin(), views.end(), [](const model::FileView* a, const model::FileView* b) {
    return path::depth(a->path) < path::depth(b->path);
  });
  for (const auto* view : views) {
    if (const auto way = resolve(view->path)) {
      views_.emplace(way->place, view);
      if (view->kind == host::NodeKind::symlink) {
        links_.emplace(way->place, view->target);
      }
    }
  }
}

void Ways::put(const std::string& path, const std::optional<std::string>& link) {
  const auto way = resolve(path);
  if (!way) {
    return;
  }
  if (link) {
    links_.insert_or_assign(way->place, *link);
  } else {
    links_.erase(way->place);
  }
}

std::optional<Way> Ways::resolve(const std::string& path) const {
  const auto parts = parts_of(path);
  std::deque<std::string> left(parts.begin(), parts.end());
  Way way;
  way.place = "/";
  int followed = 0;
  while (!left.empty()) {
    const std::string part = std::move(left.front());
    left.pop_front();
    if (part == "..") {
      way.place = path::parent(way.place);
      continue;
    }
    std::string next = path::join(way.place, part);
    const auto link = links_.find(next);
    if (left.empty()) {
      way.place = std::move(next);
      return way;
    }
    way.through.push_back(next);
    if (link == links_.end()) {
      way.place = std::move(next);
      continue;
    }
    if (++followed > most_links) {
      return std::nullopt;
    }
    const auto target = parts_of(link->second);
    left.insert(left.begin(), target.begin(), target.end());
    way.place = link->second.starts_with('/') ? "/" : way.place;
  }
  return way;
}

const model::FileView* Ways::seen(const std::string& place) const {
  const auto found = views_.find(place);
  return found == views_.end() ? nullptr : found->second;
}

}  // namespace provision::plan
