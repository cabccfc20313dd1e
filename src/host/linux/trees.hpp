// SPDX-License-Identifier: Apache-2.0
// Whole trees below an open directory: listing, removing and copying them. `shown` is what messages call a thing.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {

// openat2(2), tried again as its man page asks for; -1 and errno if it fails.
int open_resolved(int root, const std::string& relative, std::uint64_t flags, std::uint64_t resolve);

// The names in an open directory, sorted.
Result<std::vector<std::string>> names_in(int directory, const std::string& shown);

bool is_directory_at(int parent, const std::string& name);

// An error if something is mounted in the tree.
Result<void> check_tree(int parent, const std::string& name, const std::string& shown);

// Removes whatever is there, if anything.
Result<void> remove_tree(int parent, const std::string& name, const std::string& shown);

// One name in an open directory, and the path by which programs of that root know it.
struct TreePlace {
  int parent;
  std::string name;
  std::string path;
};

// Copies the directory `from` with all that is in it to `to`, where nothing is: contents, owners, modes, times,
// extended attributes, hard links among the copied. A symbolic link into the tree by its absolute path leads into the
// copy, which is to have the path `to.path`; as usermod --move-home has it. An error if something is mounted in the
// tree.
Result<void> copy_tree(const TreePlace& from, const TreePlace& to, const std::string& shown);

// Gives the open directory `copy` the owner, mode, extended attributes and times of `source`.
Result<void> copy_attributes(int source, int copy, const std::string& shown);

}  // namespace provision::host
