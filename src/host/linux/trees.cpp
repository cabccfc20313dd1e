// SPDX-License-Identifier: Apache-2.0
#include "host/linux/trees.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <map>
#include <utility>

namespace provision::host {
namespace {

// openat2(2) gives EAGAIN when something was renamed or mounted meanwhile and it can't tell any more that the way
// stayed inside the root; its man page asks the caller to try again.
constexpr int tries = 128;

// Never into a file system that is mounted there, a bind mount included: nobody asked to empty that one.
Result<Descriptor> open_own_directory(int parent, const std::string& name, const std::string& shown) {
  constexpr std::uint64_t resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV;
  Descriptor directory(open_resolved(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, resolve));
  if (!directory.valid()) {
    if (errno == EXDEV) {
      return Error(Code::conflict, "a file system is mounted at " + shown + ", which is left alone with what is in it");
    }
    return io_error("cannot open the directory " + shown);
  }
  return directory;
}

// Copies one tree; hard links are known by where their first name was copied to.
class Copier {
 public:
  Copier(const TreePlace& from, const TreePlace& to) : from_(from), to_(to) {}

  Result<void> run(const std::string& shown) {
    return directory({from_.parent, to_.parent, from_.name, to_.name, ""}, shown);
  }

  // chown before chmod and before the attributes: it clears set-id bits and capabilities. The times come last.
  static Result<void> dress(int source, int copy, const struct stat& status, const std::string& shown) {
    if (::fchown(copy, status.st_uid, status.st_gid) != 0) {
      return io_error("cannot give the copy of " + shown + " its owner");
    }
    if (::fchmod(copy, status.st_mode & 07777U) != 0) {
      return io_error("cannot give the copy of " + shown + " its mode");
    }
    TRY(attributes(source, copy, shown));
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    return ::futimens(copy, times.data()) == 0 ? Result<void>()
                                               : io_error("cannot give the copy of " + shown + " its times");
  }

 private:
  // One thing: where it is, where its copy will be, and its path below the top.
  struct Item {
    int from;
    int to;
    std::string name;
    std::string copy;
    std::string below;
  };

  Result<void> directory(const Item& item, const std::string& shown) {
    const Descriptor source = TRY(open_own_directory(item.from, item.name, shown));
    if (::mkdirat(item.to, item.copy.c_str(), 0700) != 0) {
      return io_error("cannot make a copy of the directory " + shown);
    }
    const Descriptor copy = TRY(open_own_directory(item.to, item.copy, shown));
    if (item.below.empty()) {
      top_ = copy.get();
    }
    for (const auto& name : TRY(names_in(source.get(), shown))) {
      const std::string below = item.below.empty() ? name : item.below + "/" + name;
      TRY(thing({source.get(), copy.get(), name, name, below}, shown + "/" + name));
    }
    struct stat status {};
    if (::fstat(source.get(), &status) != 0) {
      return io_error("cannot look at " + shown);
    }
    return dress(source.get(), copy.get(), status, shown);
  }

  Result<void> thing(const Item& item, const std::string& shown) {
    struct stat status {};
    if (::fstatat(item.from, item.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
      return io_error("cannot look at " + shown);
    }
    if (S_ISDIR(status.st_mode)) {
      return directory(item, shown);
    }
    if (status.st_nlink > 1) {
      const auto [first, fresh] = copied_.emplace(std::pair(status.st_dev, status.st_ino), item.below);
      if (!fresh) {
        if (::linkat(top_, first->second.c_str(), item.to, item.copy.c_str(), 0) == 0) {
          return {};
        }
        if (errno != EPERM) {
          return io_error("cannot make a hard link for " + shown);
        }
        // A file system without hard links (link(2)): each name gets a file of its own.
      }
    }
    if (S_ISREG(status.st_mode)) {
      return file(item, shown);
    }
    return S_ISLNK(status.st_mode) ? link(item, status, shown) : node(item, status, shown);
  }

  static Result<void> file(const Item& item, const std::string& shown) {
    constexpr int reading = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
    constexpr int writing = O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    const Descriptor source(uninterrupted([&] { return ::openat(item.from, item.name.c_str(), reading); }));
    struct stat status {};
    if (!source.valid() || ::fstat(source.get(), &status) != 0) {
      return io_error("cannot open " + shown);
    }
    if (!S_ISREG(status.st_mode)) {
      return Error(Code::io, shown + " is not a regular file any more");
    }
    Descriptor copy(uninterrupted([&] { return ::openat(item.to, item.copy.c_str(), writing, 0600); }));
    if (!copy.valid()) {
      return io_error("cannot make a copy of " + shown);
    }
    TRY(contents(source.get(), copy.get(), status.st_size, shown));
    TRY(dress(source.get(), copy.get(), status, shown));
    return copy.close() ? Result<void>() : io_error("cannot write the copy of " + shown);
  }

  // What is a hole stays one.
  static Result<void> contents(int source, int copy, off_t size, const std::string& shown) {
    off_t at = 0;
    while (at < size) {
      const off_t data = ::lseek(source, at, SEEK_DATA);
      if (data < 0 && errno == ENXIO) {
        break;
      }
      const off_t end = data < 0 ? -1 : ::lseek(source, data, SEEK_HOLE);
      if (end < 0 || ::lseek(source, data, SEEK_SET) < 0 || ::lseek(copy, data, SEEK_SET) < 0) {
        return io_error("cannot read " + shown);
      }
      TRY(piece(source, copy, end - data, shown));
      at = end;
    }
    return ::ftruncate(copy, size) == 0 ? Result<void>() : io_error("cannot write the copy of " + shown);
  }

  static Result<void> piece(int source, int copy, off_t length, const std::string& shown) {
    std::array<char, 65536> buffer{};
    while (length > 0) {
      const auto wanted = std::min<std::size_t>(buffer.size(), static_cast<std::size_t>(length));
      const ssize_t got = uninterrupted([&] { return ::read(source, buffer.data(), wanted); });
      if (got < 0) {
        return io_error("cannot read " + shown);
      }
      if (got == 0) {
        return Error(Code::io, shown + " became shorter while it was copied");
      }
      TRY(write_all(copy, {buffer.data(), static_cast<std::size_t>(got)}, "the copy of " + shown));
      length -= got;
    }
    return {};
  }

  // Access control lists are such attributes too. What the other file system cannot hold is left out, as cp and usermod
  // leave it.
  static Result<void> attributes(int source, int copy, const std::string& shown) {
    const ssize_t length = ::flistxattr(source, nullptr, 0);
    if (length <= 0) {
      return length == 0 || errno == ENOTSUP ? Result<void>() : io_error("cannot read the attributes of " + shown);
    }
    std::string names(static_cast<std::size_t>(length), '\0');
    const ssize_t listed = ::flistxattr(source, names.data(), names.size());
    if (listed < 0) {
      return io_error("cannot read the attributes of " + shown);
    }
    names.resize(static_cast<std::size_t>(listed));
    for (std::size_t at = 0; at < names.size(); at += std::string(&names[at]).size() + 1) {
      TRY(attribute(source, copy, std::string(&names[at]), shown));
    }
    return {};
  }

  static Result<void> attribute(int source, int copy, const std::string& name, const std::string& shown) {
    const ssize_t size = ::fgetxattr(source, name.c_str(), nullptr, 0);
    std::string value(size > 0 ? static_cast<std::size_t>(size) : 0, '\0');
    if (size < 0 || ::fgetxattr(source, name.c_str(), value.data(), value.size()) != size) {
      return io_error("cannot read the attribute " + name + " of " + shown);
    }
    if (::fsetxattr(copy, name.c_str(), value.data(), value.size(), 0) != 0 && errno != ENOTSUP) {
      return io_error("cannot give the copy of " + shown + " its attribute " + name);
    }
    return {};
  }

  Result<void> link(const Item& item, const struct stat& status, const std::string& shown) {
    std::string target(4096, '\0');
    const ssize_t length = ::readlinkat(item.from, item.name.c_str(), target.data(), target.size());
    if (length < 0 || static_cast<std::size_t>(length) == target.size()) {
      return io_error("cannot read the link " + shown);
    }
    target.resize(static_cast<std::size_t>(length));
    if (target.starts_with(from_.path + "/")) {
      target = to_.path + target.substr(from_.path.size());
    }
    if (::symlinkat(target.c_str(), item.to, item.copy.c_str()) != 0) {
      return io_error("cannot make a copy of the link " + shown);
    }
    return dress_unopened(item, status, shown);
  }

  // A pipe, a socket or a device.
  static Result<void> node(const Item& item, const struct stat& status, const std::string& shown) {
    if (::mknodat(item.to, item.copy.c_str(), status.st_mode & (S_IFMT | 0600U), status.st_rdev) != 0) {
      return io_error("cannot make a copy of " + shown);
    }
    TRY(dress_unopened(item, status, shown));
    return {};
  }

  static Result<void> dress_unopened(const Item& item, const struct stat& status, const std::string& shown) {
    if (::fchownat(item.to, item.copy.c_str(), status.st_uid, status.st_gid, AT_SYMLINK_NOFOLLOW) != 0) {
      return io_error("cannot give the copy of " + shown + " its owner");
    }
    if (!S_ISLNK(status.st_mode) && ::fchmodat(item.to, item.copy.c_str(), status.st_mode & 07777U, 0) != 0) {
      return io_error("cannot give the copy of " + shown + " its mode");
    }
    const std::array<timespec, 2> times{status.st_atim, status.st_mtim};
    return ::utimensat(item.to, item.copy.c_str(), times.data(), AT_SYMLINK_NOFOLLOW) == 0
               ? Result<void>()
               : io_error("cannot give the copy of " + shown + " its times");
  }

  const TreePlace& from_;
  const TreePlace& to_;
  int top_ = -1;
  std::map<std::pair<dev_t, ino_t>, std::string> copied_;
};

}  // namespace

int open_resolved(int root, const std::string& relative, std::uint64_t flags, std::uint64_t resolve) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = resolve;
  long fd = -1;
  for (int i = 0; i < tries; ++i) {
    fd = ::syscall(SYS_openat2, root, relative.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
      break;
    }
  }
  return static_cast<int>(fd);
}

Result<std::vector<std::string>> names_in(int directory, const std::string& shown) {
  const int copy = ::fcntl(directory, F_DUPFD_CLOEXEC, 0);
  DIR* const stream = copy < 0 ? nullptr : ::fdopendir(copy);
  if (stream == nullptr) {
    const Descriptor closed(copy);
    return io_error("cannot read the directory " + shown);
  }
  std::vector<std::string> names;
  errno = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): each stream is read by one thread
  while (const dirent* entry = ::readdir(stream)) {
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  const int error = errno;
  ::closedir(stream);
  if (error != 0) {
    return io_error("cannot read the directory " + shown, error);
  }
  std::sort(names.begin(), names.end());
  return names;
}

bool is_directory_at(int parent, const std::string& name) {
  struct stat status {};
  return ::fstatat(parent, name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode);
}

Result<void> check_tree(int parent, const std::string& name, const std::string& shown) {
  if (!is_directory_at(parent, name)) {
    return {};
  }
  const Descriptor directory = TRY(open_own_directory(parent, name, shown));
  for (const auto& child : TRY(names_in(directory.get(), shown))) {
    TRY(check_tree(directory.get(), child, shown + "/" + child));
  }
  return {};
}

Result<void> remove_tree(int parent, const std::string& name, const std::string& shown) {
  if (!is_directory_at(parent, name)) {
    if (::unlinkat(parent, name.c_str(), 0) != 0 && errno != ENOENT) {
      return io_error("cannot remove " + shown);
    }
    return {};
  }
  {
    const Descriptor directory = TRY(open_own_directory(parent, name, shown));
    for (const auto& child : TRY(names_in(directory.get(), shown))) {
      TRY(remove_tree(directory.get(), child, shown + "/" + child));
    }
  }
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return io_error("cannot remove the directory " + shown);
  }
  return {};
}

Result<void> copy_tree(const TreePlace& from, const TreePlace& to, const std::string& shown) {
  return Copier(from, to).run(shown);
}

Result<void> copy_attributes(int source, int copy, const std::string& shown) {
  struct stat status {};
  if (::fstat(source, &status) != 0) {
    return io_error("cannot look at " + shown);
  }
  return Copier::dress(source, copy, status, shown);
}

}  // namespace provision::host
