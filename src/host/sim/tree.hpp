// SPDX-License-Identifier: Apache-2.0
// A file system's names and contents as a value, the changes that lead from one such value to the next, and what of
// them a power cut leaves.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "host/files.hpp"
#include "host/sim/random.hpp"

namespace provision::host::sim {

struct Entry {
  // `size` is not kept here: it is the content's.
  Node node;
  std::string content;
  // So many leading bytes of `content` are on the medium, whatever happens.
  std::size_t settled = 0;
  // Entries of one number, other than 0, are one file: hard links of each other.
  std::uint64_t inode = 0;
  // A directory that is the root of a subvolume: it can be mounted by itself.
  bool is_subvolume = false;
  bool no_copy_on_write = false;
  // What a mount shows that asks for no subvolume; none is: the top level.
  bool is_default = false;
};

// By path from the file system's own root; "/" is always there.
using Tree = std::map<std::string, Entry, std::less<>>;

Entry regular(std::string content, std::uint32_t mode = 0644, Owner owner = {});
Entry directory(std::uint32_t mode = 0755, Owner owner = {});
Entry symlink(std::string target, Owner owner = {});
Entry subvolume(std::uint32_t mode = 0755, Owner owner = {});

// Just the root, and `entries` with the directories that they need.
Tree tree(const std::map<std::string, Entry>& entries = {});

// Ends as written in snapshots: kind, mode, owner, and the digest or the target.
std::string describe(const Entry& entry);

struct Put {
  std::string path;
  Entry entry;
};
struct Grow {
  std::string path;
  std::string bytes;
};
// With all that is in it, if it is a directory.
struct Rename {
  std::string from;
  std::string to;
};
// Each takes the other's name (renameat2, RENAME_EXCHANGE).
struct Exchange {
  std::string one;
  std::string other;
};
// Another name of a file.
struct Join {
  std::string target;
  std::string path;
};
struct Attributes {
  std::string path;
  std::uint32_t mode = 0;
  Owner owner;
};
// With all that is in it.
struct Erase {
  std::string path;
};
// A subvolume becomes the default one, and no other is.
struct SetDefault {
  std::string path;
};
// The smallest changes: a cut falls between two of them, never into one (but see Loss for contents).
using Mutation = std::variant<Put, Grow, Rename, Exchange, Join, Attributes, Erase, SetDefault>;

void change(Tree& tree, const Mutation& mutation);

// What a power cut takes of the changes since the last sync.
enum class Loss : std::uint8_t {
  // All of them: nothing had been written back.
  all,
  // None of them: everything happened to be written back.
  none,
  // The names stay, and of each file only the bytes that were synced: delayed allocation at its worst.
  data,
  // The seed decides: some first part of the changes stays, and each file that they wrote is whole, cut short or empty.
  any,
};

// One file system: what is on the medium, what programs see, and the changes between the two in their order.
class FileSystem {
 public:
  explicit FileSystem(Tree content = tree());

  [[nodiscard]] const Tree& now() const { return now_; }
  [[nodiscard]] const Tree& durable() const { return durable_; }
  [[nodiscard]] bool is_settled() const { return log_.empty(); }

  void change(Mutation mutation);
  // Everything is on the medium.
  void settle();
  // A sync that the power did not let finish: some first part of the changes is on the medium.
  void settle_some(Random& random);
  // The power goes and comes back.
  void lose(Loss loss, Random& random);

 private:
  void settle_first(std::size_t count);

  Tree durable_;
  std::vector<Mutation> log_;
  Tree now_;
};

}  // namespace provision::host::sim
