// SPDX-License-Identifier: Apache-2.0
#include "plan/operations/parents.hpp"

#include <vector>

#include "base/path.hpp"

namespace provision::plan {
namespace {

constexpr std::uint32_t directory_mode = 0755;

// The ancestors of a clean absolute path, outermost first, without "/".
std::vector<std::string> ancestors(const std::string& path) {
  std::vector<std::string> found;
  for (std::size_t slash = path.find('/', 1); slash != std::string::npos; slash = path.find('/', slash + 1)) {
    found.push_back(path.substr(0, slash));
  }
  return found;
}

}  // namespace

Result<void> make_real_directories(host::Files& files, const std::string& path) {
  std::vector<std::string> components = ancestors(path);
  components.push_back(path);
  for (const auto& component : components) {
    if (component == "/") {
      continue;
    }
    const auto node = TRY(files.look(component));
    if (!node) {
      TRY(files.make_directory(component, directory_mode, {}));
    } else if (node->kind != host::NodeKind::directory) {
      return Error(Code::conflict, component + " in the target is no directory, so nothing can be mounted at " + path);
    }
  }
  return {};
}

Result<void> make_parents(host::Files& files, const std::string& path) {
  // Mostly it is there.
  if (TRY(files.look(path::parent(path)))) {
    return {};
  }
  for (const auto& ancestor : ancestors(path)) {
    if (!TRY(files.look(ancestor))) {
      TRY(files.make_directory(ancestor, directory_mode, {}));
    }
  }
  return {};
}

Result<void> make_private_parents(host::Files& files, const std::string& path, const std::string& top,
                                  host::Owner owner) {
  constexpr std::uint32_t private_mode = 0700;
  for (const auto& ancestor : ancestors(path)) {
    const bool inside = path::is_within(ancestor, top);
    const auto node = TRY(files.look(ancestor));
    if (!node) {
      TRY(files.make_directory(ancestor, inside ? private_mode : directory_mode, inside ? owner : host::Owner{}));
    } else if (node->kind != host::NodeKind::directory && inside && ancestor != top) {
      return Error(Code::conflict, ancestor + " in the target is no directory, so " + path + " cannot be made");
    }
  }
  return {};
}

}  // namespace provision::plan
