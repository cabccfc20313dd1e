// SPDX-License-Identifier: Apache-2.0
// Files below one directory of this process's view. The root is opened anew for each call, so that what has been
// mounted on it meanwhile counts.
#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "host/files.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {

// What to do at the first change if the root itself does not exist: fail, or make it (mode 0700; its parent must
// exist).
enum class MissingRoot : std::uint8_t { fail, make };

class LinuxFiles final : public Files {
 public:
  explicit LinuxFiles(std::string_view root, MissingRoot missing = MissingRoot::fail);

  Result<std::optional<Node>> look(std::string_view path) override;
  Result<std::string> read(std::string_view path, std::size_t max_bytes) override;
  Result<Digest> digest(std::string_view path, HashFunction function) override;
  Result<bool> is_same(std::string_view path, std::string_view other) override;
  Result<std::unique_ptr<NewFile>> begin(std::string_view path, Parent parent) override;
  Result<void> append(std::string_view path, std::string_view bytes) override;
  Result<void> make_directory(std::string_view path, std::uint32_t mode, Owner owner) override;
  Result<void> make_directory_anew(std::string_view path, std::uint32_t mode, Owner owner) override;
  Result<void> set_attributes(std::string_view path, std::uint32_t mode, Owner owner) override;
  Result<void> make_link(std::string_view path, const NewLink& link) override;
  Result<void> remove(std::string_view path) override;
  Result<void> erase(std::string_view path) override;
  Result<void> sync(std::string_view path) override;
  Result<std::uint64_t> file_system_of(std::string_view path) override;
  Result<std::vector<std::string>> list(std::string_view path) override;
  Result<std::unique_ptr<Lock>> lock(std::string_view path) override;
  Result<void> set_owner(std::string_view path, Owner owner) override;
  Result<void> move(std::string_view from, std::string_view to) override;
  Result<void> copy_tree(std::string_view from, std::string_view to, TreeTop top) override;
  Result<void> copy_attributes(std::string_view from, std::string_view to) override;
  Result<void> remove_directory(std::string_view path) override;

 private:
  class Growing;

  // A path as the system calls want it: the open directory that holds it, and its name in there ("." for the root).
  struct Place {
    Descriptor parent;
    std::string name;
    std::string shown;
  };

  // A large file as it was when it got its name, and what was written into it.
  struct Written {
    std::uint64_t device = 0;
    std::uint64_t inode = 0;
    std::int64_t size = 0;
    std::int64_t changed_seconds = 0;
    std::int64_t changed_nanoseconds = 0;
    Digest digest;
  };

  Result<Descriptor> open_root(bool make);
  Result<Place> locate(std::string_view path, bool make = false);
  Result<Place> locate_top(std::string_view path, TreeTop top);
  // The directory that `path` leads to, or the nearest one above that is there; links are followed to the end.
  Result<Descriptor> open_holder(std::string_view path);
  // The deepest directory above `path` that is there, without what interrupted attempts left in any of them.
  Result<Place> locate_above(std::string_view path);
  Result<Descriptor> open_regular(const Place& place);
  [[nodiscard]] std::string shown(std::string_view path) const;
  void remember(const Place& place, const Digest& digest);
  std::optional<Digest> remembered(int file, HashFunction function);

  std::string root_;
  MissingRoot missing_;
  // Two steps may want the same missing parent at once.
  std::mutex making_directories_;
  std::mutex written_mutex_;
  std::vector<Written> written_;
};

}  // namespace provision::host
