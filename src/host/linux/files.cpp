// SPDX-License-Identifier: Apache-2.0
#include "host/linux/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/path.hpp"

namespace provision::host {
namespace {

// openat2(2) gives EAGAIN when something was renamed or mounted meanwhile and it can't tell any more that the way
// stayed inside the root; its man page asks the caller to try again.
constexpr int tries = 128;

int open_inside(int root, const std::string& relative, std::uint64_t flags) {
  open_how how{};
  how.flags = flags | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  for (int i = 0; i < tries; ++i) {
    fd = ::syscall(SYS_openat2, root, relative.c_str(), &how, sizeof how);
    if (fd >= 0 || (errno != EAGAIN && errno != EINTR)) {
      break;
    }
  }
  return static_cast<int>(fd);
}

bool is_absent(const Error& error) { return error.system_error == ENOENT || error.system_error == ENOTDIR; }

NodeKind kind_of(mode_t mode) {
  if (S_ISREG(mode)) {
    return NodeKind::regular;
  }
  if (S_ISDIR(mode)) {
    return NodeKind::directory;
  }
  return S_ISLNK(mode) ? NodeKind::symlink : NodeKind::other;
}

Error not_regular(const std::string& shown) { return {Code::io, shown + " is not a regular file"}; }

Error is_directory(const std::string& shown) { return {Code::conflict, shown + " is a directory"}; }

Result<std::string> read_link(int parent, const std::string& name, const std::string& shown) {
  std::string target(256, '\0');
  while (true) {
    const ssize_t length = ::readlinkat(parent, name.c_str(), target.data(), target.size());
    if (length < 0) {
      return io_error("cannot read the link " + shown);
    }
    if (static_cast<std::size_t>(length) < target.size()) {
      target.resize(static_cast<std::size_t>(length));
      return target;
    }
    target.resize(target.size() * 2);
  }
}

// Where something stands until it is whole. Always the same for the same name: what a power cut leaves behind is found,
// and replaced, by the next attempt. Short, however long the name is.
std::string temporary_name(const std::string& name) {
  constexpr std::size_t digits = 16;
  return ".provision-" + Digest::sha256(name).hex().substr(0, digits);
}

// Of an earlier attempt that the power interrupted.
Result<void> remove_left_over(int parent, const std::string& name, const std::string& shown) {
  if (::unlinkat(parent, name.c_str(), 0) != 0 && errno != ENOENT) {
    return io_error("cannot remove what an interrupted run left beside " + shown);
  }
  return {};
}

// Removes the temporary again unless it has become the real thing.
class Temporary {
 public:
  Temporary(int parent, std::string name) : parent_(parent), name_(std::move(name)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  Temporary(Temporary&&) = delete;
  Temporary& operator=(Temporary&&) = delete;
  ~Temporary() {
    if (!renamed_) {
      ::unlinkat(parent_, name_.c_str(), 0);
    }
  }

  Result<void> rename_to(const std::string& name, const std::string& shown) {
    if (::renameat(parent_, name_.c_str(), parent_, name.c_str()) != 0) {
      return errno == EISDIR ? is_directory(shown) : io_error("cannot put " + shown + " in place");
    }
    renamed_ = true;
    return {};
  }

 private:
  int parent_;
  std::string name_;
  bool renamed_ = false;
};

// chown before chmod: a change of owner clears the set-id bits (chown(2)), and until then nobody else may read.
Result<void> settle(int fd, std::uint32_t mode, Owner owner, const std::string& shown) {
  if (::fchown(fd, static_cast<uid_t>(owner.uid), static_cast<gid_t>(owner.gid)) != 0) {
    return io_error("cannot give " + shown + " its owner");
  }
  if (::fchmod(fd, mode & 07777U) != 0) {
    return io_error("cannot give " + shown + " its mode");
  }
  return {};
}

Result<Descriptor> open_directory(int parent, const std::string& name, const std::string& shown) {
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Descriptor directory(uninterrupted([&] { return ::openat(parent, name.c_str(), flags); }));
  if (!directory.valid()) {
    if (errno == ENOTDIR || errno == ELOOP) {
      return Error(Code::conflict, shown + " is there and is not a directory");
    }
    return io_error("cannot open the directory " + shown);
  }
  return directory;
}

Result<Descriptor> open_for_append(int parent, const std::string& name, const std::string& shown) {
  constexpr int flags = O_WRONLY | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY;
  Descriptor made(uninterrupted([&] { return ::openat(parent, name.c_str(), flags | O_CREAT | O_EXCL, 0600); }));
  if (made.valid()) {
    // In a set-group-id directory the group would be the directory's.
    const Owner self{::geteuid(), ::getegid()};
    TRY(settle(made.get(), 0600, self, shown));
    return made;
  }
  if (errno != EEXIST) {
    return io_error("cannot create " + shown);
  }
  Descriptor file(uninterrupted([&] { return ::openat(parent, name.c_str(), flags); }));
  if (!file.valid()) {
    return errno == EISDIR ? is_directory(shown) : io_error("cannot open " + shown);
  }
  return file;
}

}  // namespace

LinuxFiles::LinuxFiles(std::string_view root, MissingRoot missing) : root_(path::clean(root)), missing_(missing) {}

std::string LinuxFiles::shown(std::string_view path) const { return path::join(root_, path); }

Result<Descriptor> LinuxFiles::open_root(bool make) {
  const auto open = [&] {
    return Descriptor(uninterrupted([&] { return ::open(root_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }));
  };
  Descriptor root = open();
  if (!root.valid() && errno == ENOENT && make && missing_ == MissingRoot::make) {
    if (::mkdir(root_.c_str(), 0700) != 0 && errno != EEXIST) {
      return io_error("cannot make the directory " + root_);
    }
    root = open();
  }
  if (!root.valid()) {
    return io_error("cannot open the directory " + root_);
  }
  return root;
}

Result<LinuxFiles::Place> LinuxFiles::locate(std::string_view path, bool make) {
  if (!path::is_clean_absolute(path) || path.find('\0') != std::string_view::npos) {
    return Error(Code::internal, "the path " + std::string(path) + " is not absolute and clean");
  }
  Descriptor root = TRY(open_root(make));
  const std::string parent = path::parent(path).substr(1);
  if (parent.empty()) {
    return Place{std::move(root), path == "/" ? "." : std::string(path::name(path)), shown(path)};
  }
  Descriptor directory(open_inside(root.get(), parent, O_PATH | O_DIRECTORY));
  if (!directory.valid()) {
    return io_error("cannot open the directory that holds " + shown(path));
  }
  return Place{std::move(directory), std::string(path::name(path)), shown(path)};
}

Result<std::optional<Node>> LinuxFiles::look(std::string_view path) {
  const auto place = locate(path);
  if (!place) {
    if (is_absent(place.error())) {
      return std::optional<Node>{};
    }
    return place.error();
  }
  struct stat status {};
  if (::fstatat(place->parent.get(), place->name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    if (errno == ENOENT) {
      return std::optional<Node>{};
    }
    return io_error("cannot look at " + place->shown);
  }
  Node node{kind_of(status.st_mode), status.st_mode & 07777U, {status.st_uid, status.st_gid}, 0, {}};
  if (node.kind == NodeKind::regular) {
    node.size = static_cast<std::uint64_t>(status.st_size);
  }
  if (node.kind == NodeKind::symlink) {
    node.target = TRY(read_link(place->parent.get(), place->name, place->shown));
  }
  return std::optional<Node>(std::move(node));
}

Result<Descriptor> LinuxFiles::open_regular(const Place& place) {
  // Looked at first, because opening a device can have an effect of its own; O_NONBLOCK and the second look are for
  // what takes its place in between.
  struct stat status {};
  if (::fstatat(place.parent.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return io_error("cannot look at " + place.shown);
  }
  if (!S_ISREG(status.st_mode)) {
    return not_regular(place.shown);
  }
  constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  Descriptor file(uninterrupted([&] { return ::openat(place.parent.get(), place.name.c_str(), flags); }));
  if (!file.valid()) {
    return io_error("cannot open " + place.shown);
  }
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return not_regular(place.shown);
  }
  return file;
}

Result<std::string> LinuxFiles::read(std::string_view path, std::size_t max_bytes) {
  const Place place = TRY(locate(path));
  const Descriptor file = TRY(open_regular(place));
  return read_all(file.get(), max_bytes, place.shown);
}

Result<Digest> LinuxFiles::digest(std::string_view path, HashFunction function) {
  const Place place = TRY(locate(path));
  const Descriptor file = TRY(open_regular(place));
  Hasher hasher(function);
  TRY(read_pieces(file.get(), place.shown, [&](std::string_view bytes) { hasher.add(bytes); }));
  return hasher.finish();
}

Result<void> LinuxFiles::replace(std::string_view path, std::string_view content, std::uint32_t mode, Owner owner) {
  return put(path, content, mode, owner, false);
}

Result<void> LinuxFiles::replace_safely(std::string_view path, std::string_view content, std::uint32_t mode,
                                        Owner owner) {
  return put(path, content, mode, owner, true);
}

Result<void> LinuxFiles::put(std::string_view path, std::string_view content, std::uint32_t mode, Owner owner,
                             bool safely) {
  const Place place = TRY(locate(path, true));
  const std::string name = temporary_name(place.name);
  TRY(remove_left_over(place.parent.get(), name, place.shown));
  Descriptor file(uninterrupted([&] {
    return ::openat(place.parent.get(), name.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
  }));
  if (!file.valid()) {
    return io_error("cannot create a temporary beside " + place.shown);
  }
  Temporary temporary(place.parent.get(), name);
  TRY(write_all(file.get(), content, place.shown));
  TRY(settle(file.get(), mode, owner, place.shown));
  if (safely && uninterrupted([&] { return ::fsync(file.get()); }) != 0) {
    return io_error("cannot write " + place.shown);
  }
  if (!file.close()) {
    return io_error("cannot write " + place.shown);
  }
  return temporary.rename_to(place.name, place.shown);
}

Result<void> LinuxFiles::append(std::string_view path, std::string_view bytes) {
  const Place place = TRY(locate(path, true));
  Descriptor file = TRY(open_for_append(place.parent.get(), place.name, place.shown));
  struct stat before {};
  if (::fstat(file.get(), &before) != 0) {
    return io_error("cannot look at " + place.shown);
  }
  if (!S_ISREG(before.st_mode)) {
    return not_regular(place.shown);
  }
  auto written = write_all(file.get(), bytes, place.shown);
  if (!written) {
    // A part of a record is of no use; if this fails too, the next reader sees a torn end, as after a power cut.
    static_cast<void>(!uninterrupted([&] { return ::ftruncate(file.get(), before.st_size); }));
    return written;
  }
  if (!file.close()) {
    return io_error("cannot write " + place.shown);
  }
  return {};
}

Result<void> LinuxFiles::make_directory(std::string_view path, std::uint32_t mode, Owner owner) {
  const Place place = TRY(locate(path, true));
  const int parent = place.parent.get();
  struct stat status {};
  if (::fstatat(parent, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    const Descriptor there = TRY(open_directory(parent, place.name, place.shown));
    return settle(there.get(), mode, owner, place.shown);
  }
  if (errno != ENOENT) {
    return io_error("cannot look at " + place.shown);
  }
  // It gets its name when owner and mode are right: a directory of that name is then whole, whenever the power goes.
  const std::string name = temporary_name(place.name + "/");
  if (::mkdirat(parent, name.c_str(), 0700) != 0 && errno != EEXIST) {
    return io_error("cannot make the directory " + place.shown);
  }
  const Descriptor made = TRY(open_directory(parent, name, place.shown));
  TRY(settle(made.get(), mode, owner, place.shown));
  if (::renameat(parent, name.c_str(), parent, place.name.c_str()) != 0) {
    return io_error("cannot put " + place.shown + " in place");
  }
  return {};
}

Result<void> LinuxFiles::make_link(std::string_view path, std::string_view target) {
  const Place place = TRY(locate(path, true));
  const std::string name = temporary_name(place.name);
  TRY(remove_left_over(place.parent.get(), name, place.shown));
  if (::symlinkat(std::string(target).c_str(), place.parent.get(), name.c_str()) != 0) {
    return io_error("cannot make the link " + place.shown);
  }
  return Temporary(place.parent.get(), name).rename_to(place.name, place.shown);
}

Result<void> LinuxFiles::remove(std::string_view path) {
  const auto place = locate(path);
  if (!place) {
    if (is_absent(place.error())) {
      return {};
    }
    return place.error();
  }
  if (::unlinkat(place->parent.get(), place->name.c_str(), 0) != 0 && errno != ENOENT) {
    return errno == EISDIR ? is_directory(place->shown) : io_error("cannot remove " + place->shown);
  }
  return {};
}

namespace {

// The lock goes with the descriptor.
class FileLock final : public Lock {
 public:
  explicit FileLock(Descriptor file) : file_(std::move(file)) {}

 private:
  Descriptor file_;
};

struct CloseDirectory {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

}  // namespace

Result<std::vector<std::string>> LinuxFiles::list(std::string_view path) {
  const Place place = TRY(locate(path));
  const Descriptor opened = TRY(open_directory(place.parent.get(), place.name, place.shown));
  const int own = ::fcntl(opened.get(), F_DUPFD_CLOEXEC, 0);
  const std::unique_ptr<DIR, CloseDirectory> directory(own < 0 ? nullptr : ::fdopendir(own));
  if (!directory) {
    return io_error("cannot read the directory " + place.shown);
  }
  std::vector<std::string> names;
  errno = 0;
  // NOLINTNEXTLINE(concurrency-mt-unsafe): each stream is read by one thread
  while (const dirent* entry = ::readdir(directory.get())) {
    const std::string_view name = static_cast<const char*>(entry->d_name);
    if (name != "." && name != "..") {
      names.emplace_back(name);
    }
  }
  if (errno != 0) {
    return io_error("cannot read the directory " + place.shown);
  }
  std::sort(names.begin(), names.end());
  return names;
}

// A lock of the open file description, which stands against the lock of lckpwdf(3) in both directions, but is not lost
// when another thread of this process opens and closes the same file.
Result<std::unique_ptr<Lock>> LinuxFiles::lock(std::string_view path) {
  const Place place = TRY(locate(path, true));
  Descriptor file(uninterrupted([&] {
    return ::openat(place.parent.get(), place.name.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY, 0600);
  }));
  if (!file.valid()) {
    return io_error("cannot open " + place.shown);
  }
  struct flock whole {};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  if (::fcntl(file.get(), F_OFD_SETLK, &whole) != 0) {
    return io_error("cannot lock " + place.shown + ", another program holds it");
  }
  return std::unique_ptr<Lock>(std::make_unique<FileLock>(std::move(file)));
}

Result<void> LinuxFiles::set_owner(std::string_view path, Owner owner) {
  const Place place = TRY(locate(path, true));
  const int parent = place.parent.get();
  struct stat status {};
  if (::fstatat(parent, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0) {
    return io_error("cannot look at " + place.shown);
  }
  if (::fchownat(parent, place.name.c_str(), static_cast<uid_t>(owner.uid), static_cast<gid_t>(owner.gid),
                 AT_SYMLINK_NOFOLLOW) != 0) {
    return io_error("cannot give " + place.shown + " its owner");
  }
  // The change of owner has cleared the set-id bits of a program (chown(2)): a program of another user must not get
  // them back unasked, the same as with usermod.
  return {};
}

Result<void> LinuxFiles::move(std::string_view from, std::string_view to) {
  const Place old = TRY(locate(from, true));
  const Place place = TRY(locate(to, true));
  if (::renameat2(old.parent.get(), old.name.c_str(), place.parent.get(), place.name.c_str(), RENAME_NOREPLACE) != 0) {
    return io_error("cannot move " + old.shown + " to " + place.shown);
  }
  return {};
}

Result<void> LinuxFiles::remove_directory(std::string_view path) {
  const auto place = locate(path);
  if (!place) {
    if (is_absent(place.error())) {
      return {};
    }
    return place.error();
  }
  if (::unlinkat(place->parent.get(), place->name.c_str(), AT_REMOVEDIR) != 0 && errno != ENOENT) {
    return io_error("cannot remove the directory " + place->shown);
  }
  return {};
}

Result<void> LinuxFiles::sync(std::string_view path) {
  const Place place = TRY(locate(path));
  // A directory may be the root of a file system of its own; anything else lies on its parent's. O_PATH is not enough
  // for syncfs(2).
  constexpr int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  Descriptor directory(uninterrupted([&] { return ::openat(place.parent.get(), place.name.c_str(), flags); }));
  if (!directory.valid()) {
    directory = Descriptor(uninterrupted([&] { return ::openat(place.parent.get(), ".", flags); }));
  }
  if (!directory.valid()) {
    return io_error("cannot open the directory that holds " + place.shown);
  }
  // Since Linux 5.8 this also fails when an earlier write-back failed that nobody was told of (syncfs(2)).
  if (::syncfs(directory.get()) != 0) {
    return io_error("cannot make " + place.shown + " durable");
  }
  return {};
}

}  // namespace provision::host
