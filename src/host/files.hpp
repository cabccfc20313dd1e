// SPDX-License-Identifier: Apache-2.0
// Files under one root. Each path is absolute and clean and is resolved inside the root: a symbolic link on the way
// never leads out of it (openat2, RESOLVE_IN_ROOT). The last component is never followed.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/result.hpp"

namespace provision::host {

enum class NodeKind : std::uint8_t { regular, directory, symlink, other };

// The words by which each kind is written in inventories.
constexpr auto words(NodeKind /*any*/) {
  using Row = std::pair<NodeKind, std::string_view>;
  return std::array{Row{NodeKind::regular, "regular"}, Row{NodeKind::directory, "directory"},
                    Row{NodeKind::symlink, "symlink"}, Row{NodeKind::other, "other"}};
}

struct Owner {
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  bool operator==(const Owner&) const = default;
};

struct Node {
  NodeKind kind = NodeKind::regular;
  // Permission bits with set-id and sticky bits: 0 to 07777.
  std::uint32_t mode = 0;
  Owner owner{};
  // Bytes, of a regular file.
  std::uint64_t size = 0;
  // Where a symbolic link points, as it is written in the link.
  std::string target;
  // The file system keeps no modes and owners (FAT): those seen are its mount's, and nobody can change them.
  bool attributes_fixed = false;
  bool operator==(const Node&) const = default;
};

// What a new thing may take the place of.
enum class Over : std::uint8_t {
  // Nothing, or anything but a directory.
  file,
  // A directory too, with all that is in it. The new thing is there first; then the old one is removed. A file system
  // that is mounted in there is never removed: that is an error, and nothing is changed.
  tree,
};

// How a new file ends.
struct Finish {
  std::uint32_t mode = 0644;
  Owner owner{};
  Over over = Over::file;
  // The content is on the medium before the file takes its name: a power cut leaves the old or the new file, whole. For
  // files of which a part is not ours and could not be made again.
  bool durable = false;
  // Of all that was written, if the writer has it; else empty. A large file need then not be read again to know what it
  // is, as long as nobody has touched it.
  Digest digest{};
};

// A file on its way: a temporary of mode 0600 on the target's own file system, under a name that is always the same for
// the same path, so that what a power cut leaves is found, and replaced, by the next attempt. It is a new inode: an old
// file's extended attributes (security.ima, security.evm, …) do not stay on bytes they do not belong to. Destroyed
// before commit() it leaves nothing.
class NewFile {
 public:
  NewFile() = default;
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  NewFile(NewFile&&) = delete;
  NewFile& operator=(NewFile&&) = delete;
  virtual ~NewFile() = default;

  virtual Result<void> write(std::string_view bytes) = 0;
  // What was written is void.
  virtual Result<void> restart() = 0;
  // Hands on what was written, from the beginning.
  virtual Result<void> read(const std::function<Result<void>(std::string_view)>& take) = 0;
  // Mode and owner are set, and then it takes its name, in one step. The parent must exist by now. Once only.
  virtual Result<void> commit(const Finish& finish) = 0;
};

// Whether the directory that a new file will stand in is there when it is begun. Where it may be missing, the temporary
// stands in the deepest directory above that is there.
enum class Parent : std::uint8_t { exists, may_be_missing };

// Whether a directory that is copied may itself be the root of a mounted file system.
enum class TreeTop : std::uint8_t { plain, may_be_mounted };

// A link as it is made. A hard link's target is a path inside the root; it has its target's owner.
struct NewLink {
  std::string target;
  bool hard = false;
  Owner owner{};
  Over over = Over::file;
};

// Held as long as it lives; the kernel lets go of it when the process dies, however that happens.
class Lock {
 public:
  Lock() = default;
  Lock(const Lock&) = delete;
  Lock& operator=(const Lock&) = delete;
  Lock(Lock&&) = delete;
  Lock& operator=(Lock&&) = delete;
  virtual ~Lock() = default;
};

class Files {
 public:
  Files() = default;
  Files(const Files&) = delete;
  Files& operator=(const Files&) = delete;
  Files(Files&&) = delete;
  Files& operator=(Files&&) = delete;
  virtual ~Files() = default;

  // What is at `path`; nothing if it, or a directory on the way, does not exist.
  virtual Result<std::optional<Node>> look(std::string_view path) = 0;
  // The whole content of a regular file; an error if it is longer than `max_bytes`.
  virtual Result<std::string> read(std::string_view path, std::size_t max_bytes) = 0;
  // The digest of a regular file's content, streamed; or what commit() was told, if the file is large and its inode,
  // size and times are those of that moment.
  virtual Result<Digest> digest(std::string_view path, HashFunction function) = 0;
  // Whether both are there and are one: hard links of each other.
  virtual Result<bool> is_same(std::string_view path, std::string_view other) = 0;

  // A new file for `path`; see NewFile. Not durable until sync().
  virtual Result<std::unique_ptr<NewFile>> begin(std::string_view path, Parent parent) = 0;
  // Puts a whole file in the place of whatever non-directory is there, in one step: begin, write, commit.
  Result<void> replace(std::string_view path, std::string_view content, std::uint32_t mode, Owner owner) {
    return put(path, content, {mode, owner, Over::file, false, {}});
  }
  // The same, with the content durable before the name.
  Result<void> replace_safely(std::string_view path, std::string_view content, std::uint32_t mode, Owner owner) {
    return put(path, content, {mode, owner, Over::file, true, {}});
  }
  // Adds to the end of a file, made 0600 root if it is not there. Not durable until sync().
  virtual Result<void> append(std::string_view path, std::string_view bytes) = 0;
  // Makes one directory, or sets mode and owner of one that is there.
  virtual Result<void> make_directory(std::string_view path, std::uint32_t mode, Owner owner) = 0;
  // Makes an empty directory in the place of whatever is there, a directory with all that is in it too.
  virtual Result<void> make_directory_anew(std::string_view path, std::uint32_t mode, Owner owner) = 0;
  // Sets mode and owner of a regular file or directory that is there.
  virtual Result<void> set_attributes(std::string_view path, std::uint32_t mode, Owner owner) = 0;
  // Puts a link in the place of whatever non-directory is there, in one step.
  virtual Result<void> make_link(std::string_view path, const NewLink& link) = 0;
  // Removes a file or a link; fine if it is not there. Not a directory.
  virtual Result<void> remove(std::string_view path) = 0;
  // The same for a file that nobody shall find again: its bytes are overwritten in place, and that is on the medium,
  // before it goes. What a medium keeps elsewhere (copies on write, flash) is out of reach.
  virtual Result<void> erase(std::string_view path) = 0;
  // Makes all earlier changes on the file system that holds `path` durable (syncfs). That is the one that a link at the
  // end leads to as well; where nothing is there, that of the nearest directory above.
  virtual Result<void> sync(std::string_view path) = 0;
  // Which file system sync() would be of: a number that is equal for the paths of one file system.
  virtual Result<std::uint64_t> file_system_of(std::string_view path) = 0;

  // The names in a directory, sorted; an error if it is none.
  virtual Result<std::vector<std::string>> list(std::string_view path) = 0;
  // A write lock on the whole of a file (fcntl(2)), made 0600 root if it is not there. Does not wait: an error if
  // someone else holds it.
  virtual Result<std::unique_ptr<Lock>> lock(std::string_view path) = 0;
  // Owner of anything that is there, a symbolic link itself too; the mode stays as it was.
  virtual Result<void> set_owner(std::string_view path, Owner owner) = 0;
  // Gives a file or a whole directory another name on the same file system; an error if that one is taken.
  virtual Result<void> move(std::string_view from, std::string_view to) = 0;
  // Copies a directory with all that is in it to where nothing is, on any file system: contents, owners, modes, times,
  // extended attributes, hard links. A symbolic link into the directory by its absolute path leads into the copy. The
  // copy has its name when it is whole and on the medium. An error if a file system is mounted in the directory.
  virtual Result<void> copy_tree(std::string_view from, std::string_view to, TreeTop top) = 0;
  // Gives a directory the owner, mode, extended attributes and times of another.
  virtual Result<void> copy_attributes(std::string_view from, std::string_view to) = 0;
  // Removes a directory that has to be empty; fine if it is not there.
  virtual Result<void> remove_directory(std::string_view path) = 0;

 private:
  Result<void> put(std::string_view path, std::string_view content, const Finish& finish) {
    const auto file = TRY(begin(path, Parent::exists));
    TRY(file->write(content));
    return file->commit(finish);
  }
};

}  // namespace provision::host
