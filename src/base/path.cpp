// SPDX-License-Identifier: Apache-2.0
#include "base/path.hpp"

#include <algorithm>
#include <vector>

#include "base/text.hpp"

namespace provision::path {

std::string clean(std::string_view path) {
  // Most are: planning many files cleans many paths.
  if (is_clean_absolute(path)) {
    return std::string(path);
  }
  const bool absolute = path.starts_with('/');
  std::vector<std::string_view> kept;
  for (const auto part : split(path, '/')) {
    if (part.empty() || part == ".") {
      continue;
    }
    const bool up = part == "..";
    if (up && !kept.empty() && kept.back() != "..") {
      kept.pop_back();
    } else if (!up || !absolute) {
      kept.push_back(part);
    }
  }
  std::string result = absolute ? "/" : "";
  for (std::size_t i = 0; i < kept.size(); ++i) {
    result += i == 0 ? "" : "/";
    result += kept[i];
  }
  return result.empty() ? "." : result;
}

bool is_clean_absolute(std::string_view path) {
  if (path == "/") {
    return true;
  }
  if (!path.starts_with('/')) {
    return false;
  }
  for (std::size_t at = 1;;) {
    const std::size_t slash = path.find('/', at);
    const std::string_view part = path.substr(at, slash == std::string_view::npos ? slash : slash - at);
    if (part.empty() || part == "." || part == "..") {
      return false;
    }
    if (slash == std::string_view::npos) {
      return true;
    }
    at = slash + 1;
  }
}

std::string join(std::string_view parent, std::string_view child) {
  return clean(std::string(parent) + "/" + std::string(child));
}

std::string parent(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) {
    return ".";
  }
  return slash == 0 ? "/" : std::string(path.substr(0, slash));
}

std::string_view name(std::string_view path) {
  const std::size_t slash = path.rfind('/');
  return slash == std::string_view::npos ? path : path.substr(slash + 1);
}

std::size_t depth(std::string_view path) {
  return path == "/" ? 0 : static_cast<std::size_t>(std::count(path.begin(), path.end(), '/'));
}

bool is_within(std::string_view path, std::string_view ancestor) {
  if (ancestor == "/") {
    return path.starts_with('/');
  }
  return path.starts_with(ancestor) && (path.size() == ancestor.size() || path[ancestor.size()] == '/');
}

}  // namespace provision::path
