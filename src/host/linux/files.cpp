// SPDX-License-Identifier: Apache-2.0
#include "host/linux/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/path.hpp"
#include "host/linux/trees.hpp"

namespace provision::host {
namespace {

int open_inside(int root, const std::string& relative, std::uint64_t flags) {
  return open_resolved(root, relative, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
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

// Where something stands until it is whole. `rest` is its path below the directory that the temporary is in. Always the
// same for the same place: what a power cut leaves behind is found, and replaced, by the next attempt. Short, however
// long the name is.
std::string temporary_name(std::string_view rest) {
  constexpr std::size_t digits = 16;
  return ".provision-" + Digest::sha256(rest).hex().substr(0, digits);
}

// Of an earlier attempt that the power interrupted.
Result<void> remove_left_over(int parent, const std::string& name, const std::string& shown) {
  TRY_WHILE(remove_tree(parent, name, shown + " (" + name + ")"), "removing what an interrupted run left");
  return {};
}

// One name in an open directory.
struct Name {
  int parent;
  std::string name;
};

// Where the old thing steps aside to, if it must.
std::string aside(const Name& from) { return from.name + "-old"; }

// Where the file system cannot exchange two names: the old thing steps aside first.
Result<void> put_over_tree_in_steps(const Name& from, const Name& to, const std::string& shown) {
  const std::string old = aside(from);
  if (::renameat(to.parent, to.name.c_str(), to.parent, old.c_str()) != 0) {
    return io_error("cannot move away what is at " + shown);
  }
  if (::renameat(from.parent, from.name.c_str(), to.parent, to.name.c_str()) != 0) {
    Error error = io_error("cannot put " + shown + " in place");
    static_cast<void>(::renameat(to.parent, old.c_str(), to.parent, to.name.c_str()));
    return error;
  }
  return remove_tree(to.parent, old, shown);
}

// The new thing gets its name, and what had it is removed after that.
Result<void> put_over_tree(const Name& from, const Name& to, const std::string& shown) {
  TRY(check_tree(to.parent, to.name, shown));
  if (::renameat2(from.parent, from.name.c_str(), to.parent, to.name.c_str(), RENAME_EXCHANGE) == 0) {
    return remove_tree(from.parent, from.name, shown);
  }
  if (errno == EINVAL) {
    return put_over_tree_in_steps(from, to, shown);
  }
  return io_error("cannot put " + shown + " in place");
}

// Gives what stands at `from` the name `to`.
Result<void> put_in_place(const Name& from, const Name& to, Over over, const std::string& shown) {
  if (over == Over::tree) {
    // The new thing may be there since an interrupted attempt, so that nothing is in the way any more.
    TRY(remove_left_over(to.parent, aside(from), shown));
  }
  if (::renameat(from.parent, from.name.c_str(), to.parent, to.name.c_str()) == 0) {
    return {};
  }
  const bool in_the_way = errno == EISDIR || errno == ENOTDIR || errno == ENOTEMPTY || errno == EEXIST;
  if (!in_the_way) {
    return io_error("cannot put " + shown + " in place");
  }
  return over == Over::tree ? put_over_tree(from, to, shown) : is_directory(shown);
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
      ::unlinkat(parent_, name_.c_str(), AT_REMOVEDIR);
    }
  }

  Result<void> rename_to(const Name& to, Over over, const std::string& shown) {
    TRY(put_in_place({parent_, name_}, to, over, shown));
    renamed_ = true;
    return {};
  }

 private:
  int parent_;
  std::string name_;
  bool renamed_ = false;
};

// FAT and exFAT show every file with the mode and owner of the mount.
bool attributes_are_fixed(int fd) {
  struct statfs status {};
  constexpr std::int64_t exfat = 0x2011BAB0;  // linux/magic.h since 5.18
  return ::fstatfs(fd, &status) == 0 && (status.f_type == MSDOS_SUPER_MAGIC || status.f_type == exfat);
}

// chown before chmod: a change of owner clears the set-id bits (chown(2)), and until then nobody else may read.
Result<void> settle(int fd, std::uint32_t mode, Owner owner, const std::string& shown) {
  if (attributes_are_fixed(fd)) {
    return {};
  }
  if (::fchown(fd, static_cast<uid_t>(owner.uid), static_cast<gid_t>(owner.gid)) != 0) {
    return io_error("cannot give " + shown + " its owner");
  }
  if (::fchmod(fd, mode & 07777U) != 0) {
    return io_error("cannot give " + shown + " its mode");
  }
  return {};
}

// The same for what others may have open or know already: at no moment does anyone get more than before or after.
Result<void> change(int fd, std::uint32_t mode, Owner owner, const std::string& shown) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return io_error("cannot look at " + shown);
  }
  if (attributes_are_fixed(fd)) {
    return {};
  }
  const bool same_owner =
      status.st_uid == static_cast<uid_t>(owner.uid) && status.st_gid == static_cast<gid_t>(owner.gid);
  if (!same_owner && ::fchmod(fd, status.st_mode & mode & 0777U) != 0) {
    return io_error("cannot give " + shown + " its mode");
  }
  return settle(fd, mode, owner, shown);
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

// The lock goes with the descriptor.
class FileLock final : public Lock {
 public:
  explicit FileLock(Descriptor file) : file_(std::move(file)) {}

 private:
  Descriptor file_;
};

// syncfs(2) of a file system that has no more to say to it than to write its blocks (vfat) leaves them in the disk's
// cache; fsync(2) empties that. Since Linux 5.8 syncfs also fails when an earlier write-back failed that nobody was
// told of.
bool is_on_medium(int directory) { return ::syncfs(directory) == 0 && ::fsync(directory) == 0; }

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
  Node node{kind_of(status.st_mode), status.st_mode & 07777U, {status.st_uid, status.st_gid}, 0, {}, false};
  node.attributes_fixed = attributes_are_fixed(place->parent.get());
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
  if (auto known = remembered(file.get(), function)) {
    return *std::move(known);
  }
  Hasher hasher(function);
  TRY(read_pieces(file.get(), place.shown, [&](std::string_view bytes) { hasher.add(bytes); }));
  return hasher.finish();
}

// What is small is read again: that costs nothing, and sees more.
void LinuxFiles::remember(const Place& place, const Digest& digest) {
  constexpr off_t large = off_t{16} << 20U;
  struct stat status {};
  if (digest.empty() || ::fstatat(place.parent.get(), place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0 ||
      status.st_size < large) {
    return;
  }
  const std::lock_guard lock(written_mutex_);
  written_.push_back(
      {status.st_dev, status.st_ino, status.st_size, status.st_ctim.tv_sec, status.st_ctim.tv_nsec, digest});
}

std::optional<Digest> LinuxFiles::remembered(int file, HashFunction function) {
  const std::lock_guard lock(written_mutex_);
  struct stat status {};
  if (written_.empty() || ::fstat(file, &status) != 0) {
    return std::nullopt;
  }
  const auto found = std::find_if(written_.rbegin(), written_.rend(), [&](const Written& one) {
    return one.device == status.st_dev && one.inode == status.st_ino;
  });
  const bool same = found != written_.rend() && found->size == status.st_size &&
                    found->changed_seconds == status.st_ctim.tv_sec &&
                    found->changed_nanoseconds == status.st_ctim.tv_nsec && found->digest.function() == function;
  return same ? std::optional(found->digest) : std::nullopt;
}

Result<bool> LinuxFiles::is_same(std::string_view path, std::string_view other) {
  struct stat first {};
  struct stat second {};
  for (const auto& [one, status] : {std::pair(path, &first), std::pair(other, &second)}) {
    const auto place = locate(one);
    if (!place && is_absent(place.error())) {
      return false;
    }
    if (!place) {
      return place.error();
    }
    if (::fstatat(place->parent.get(), place->name.c_str(), status, AT_SYMLINK_NOFOLLOW) != 0) {
      return errno == ENOENT ? Result<bool>(false) : io_error("cannot look at " + place->shown);
    }
  }
  return first.st_dev == second.st_dev && first.st_ino == second.st_ino;
}

// --- New files

class LinuxFiles::Growing final : public NewFile {
 public:
  Growing(LinuxFiles& files, std::string path, Place place)
      : files_(files), path_(std::move(path)), place_(std::move(place)), shown_(files.shown(path_)) {}
  Growing(const Growing&) = delete;
  Growing& operator=(const Growing&) = delete;
  Growing(Growing&&) = delete;
  Growing& operator=(Growing&&) = delete;
  ~Growing() override {
    if (made_) {
      ::unlinkat(place_.parent.get(), place_.name.c_str(), 0);
    }
  }

  Result<void> make() {
    constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    file_ = Descriptor(uninterrupted([&] { return ::openat(place_.parent.get(), place_.name.c_str(), flags, 0600); }));
    if (!file_.valid()) {
      return io_error("cannot create a temporary beside " + shown_);
    }
    made_ = true;
    return {};
  }

  Result<void> write(std::string_view bytes) override {
    TRY(write_all(file_.get(), bytes, shown_));
    begin_writing_back(bytes.size());
    return {};
  }

  Result<void> restart() override {
    written_ = 0;
    on_the_way_ = 0;
    if (::ftruncate(file_.get(), 0) != 0 || ::lseek(file_.get(), 0, SEEK_SET) < 0) {
      return io_error("cannot begin " + shown_ + " anew");
    }
    return {};
  }

  Result<void> read(const std::function<Result<void>(std::string_view)>& take) override {
    if (::lseek(file_.get(), 0, SEEK_SET) < 0) {
      return io_error("cannot read " + shown_);
    }
    Result<void> taken;
    TRY(read_pieces(file_.get(), shown_, [&](std::string_view bytes) {
      if (taken) {
        taken = take(bytes);
      }
    }));
    return taken;
  }

  Result<void> commit(const Finish& finish) override;

 private:
  Result<void> copy_to_place(const Finish& finish);

  // Of large contents what is there goes to the medium while more comes, so that the sync at the end is short. Whether
  // it works does not matter: the sync tells.
  void begin_writing_back(std::size_t more) {
    constexpr std::int64_t piece = std::int64_t{16} << 20U;
    written_ += static_cast<std::int64_t>(more);
    if (written_ - on_the_way_ >= piece) {
      static_cast<void>(::sync_file_range(file_.get(), on_the_way_, written_ - on_the_way_, SYNC_FILE_RANGE_WRITE));
      on_the_way_ = written_;
    }
  }

  LinuxFiles& files_;
  std::string path_;
  // The temporary's.
  Place place_;
  std::string shown_;
  Descriptor file_;
  bool made_ = false;
  // Bytes, and those of them whose writing back has begun.
  std::int64_t written_ = 0;
  std::int64_t on_the_way_ = 0;
};

Result<void> LinuxFiles::Growing::commit(const Finish& finish) {
  const Place to = TRY(files_.locate(path_));
  struct stat here {};
  struct stat there {};
  if (::fstat(file_.get(), &here) != 0 || ::fstat(to.parent.get(), &there) != 0) {
    return io_error("cannot look at " + shown_);
  }
  if (here.st_dev != there.st_dev) {
    return copy_to_place(finish);
  }
  TRY(settle(file_.get(), finish.mode, finish.owner, shown_));
  if (finish.durable && uninterrupted([&] { return ::fsync(file_.get()); }) != 0) {
    return io_error("cannot make " + shown_ + " durable");
  }
  if (!file_.close()) {
    return io_error("cannot write " + shown_);
  }
  TRY(put_in_place({place_.parent.get(), place_.name}, {to.parent.get(), to.name}, finish.over, shown_));
  made_ = false;
  files_.remember(to, finish.digest);
  return {};
}

// Meanwhile the way there leads to another file system: a link on it was made after this file was begun.
Result<void> LinuxFiles::Growing::copy_to_place(const Finish& finish) {
  const auto copy = TRY(files_.begin(path_, Parent::exists));
  TRY(read([&](std::string_view bytes) { return copy->write(bytes); }));
  return copy->commit(finish);
}

Result<LinuxFiles::Place> LinuxFiles::locate_above(std::string_view path) {
  Result<Place> found = Error(Code::internal, "no directory is above " + std::string(path));
  for (std::string above = path::parent(path);; above = path::parent(above)) {
    const std::string_view rest = path.substr(above == "/" ? 1 : above.size() + 1);
    auto place = locate(path::join(above, "x"), true);
    if (place) {
      place->name = temporary_name(rest);
      place->shown = shown(path);
      TRY(remove_left_over(place->parent.get(), place->name, place->shown));
    } else if (!is_absent(place.error())) {
      return place;
    }
    if (place && !found) {
      found = std::move(place);
    }
    if (above == "/") {
      return found;
    }
  }
}

Result<std::unique_ptr<NewFile>> LinuxFiles::begin(std::string_view path, Parent parent) {
  Place place;
  if (parent == Parent::may_be_missing) {
    place = TRY(locate_above(path));
  } else {
    place = TRY(locate(path, true));
    place.name = temporary_name(place.name);
    TRY(remove_left_over(place.parent.get(), place.name, place.shown));
  }
  auto file = std::make_unique<Growing>(*this, std::string(path), std::move(place));
  TRY(file->make());
  return std::unique_ptr<NewFile>(std::move(file));
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
  const std::lock_guard lock(making_directories_);
  struct stat status {};
  if (::fstatat(parent, place.name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
    const Descriptor there = TRY(open_directory(parent, place.name, place.shown));
    return change(there.get(), mode, owner, place.shown);
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

Result<void> LinuxFiles::make_directory_anew(std::string_view path, std::uint32_t mode, Owner owner) {
  const Place place = TRY(locate(path, true));
  const int parent = place.parent.get();
  const std::string name = temporary_name(place.name + "/");
  TRY(remove_left_over(parent, name, place.shown));
  if (::mkdirat(parent, name.c_str(), 0700) != 0) {
    return io_error("cannot make the directory " + place.shown);
  }
  Temporary temporary(parent, name);
  const Descriptor made = TRY(open_directory(parent, name, place.shown));
  TRY(settle(made.get(), mode, owner, place.shown));
  return temporary.rename_to({parent, place.name}, Over::tree, place.shown);
}

Result<void> LinuxFiles::set_attributes(std::string_view path, std::uint32_t mode, Owner owner) {
  const Place place = TRY(locate(path));
  const bool directory = is_directory_at(place.parent.get(), place.name);
  const Descriptor there =
      directory ? TRY(open_directory(place.parent.get(), place.name, place.shown)) : TRY(open_regular(place));
  return change(there.get(), mode, owner, place.shown);
}

Result<void> LinuxFiles::make_link(std::string_view path, const NewLink& link) {
  const Place place = TRY(locate(path, true));
  const int parent = place.parent.get();
  const std::string name = temporary_name(place.name);
  TRY(remove_left_over(parent, name, place.shown));
  if (link.hard) {
    const Place target = TRY(locate(link.target));
    if (::linkat(target.parent.get(), target.name.c_str(), parent, name.c_str(), 0) != 0) {
      return io_error("cannot make " + place.shown + " a hard link of " + target.shown);
    }
  } else if (::symlinkat(link.target.c_str(), parent, name.c_str()) != 0) {
    return io_error("cannot make the link " + place.shown);
  }
  Temporary temporary(parent, name);
  if (!link.hard && ::fchownat(parent, name.c_str(), static_cast<uid_t>(link.owner.uid),
                               static_cast<gid_t>(link.owner.gid), AT_SYMLINK_NOFOLLOW) != 0) {
    return io_error("cannot give the link " + place.shown + " its owner");
  }
  TRY(temporary.rename_to({parent, place.name}, link.over, place.shown));
  // Of two names of one file rename(2) removes neither.
  return link.hard ? remove_tree(parent, name, place.shown) : Result<void>();
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

Result<void> overwrite(int fd, const std::string& shown) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return io_error("cannot look at " + shown);
  }
  constexpr std::size_t most = std::size_t{64} << 10U;
  const std::string zeros(most, '\0');
  for (auto left = static_cast<std::size_t>(status.st_size); S_ISREG(status.st_mode) && left > 0;) {
    const std::size_t count = std::min(left, most);
    TRY(write_all(fd, std::string_view(zeros).substr(0, count), shown));
    left -= count;
  }
  return ::fsync(fd) == 0 ? Result<void>() : Result<void>(io_error("cannot overwrite " + shown));
}

}  // namespace

Result<void> LinuxFiles::erase(std::string_view path) {
  const auto place = locate(path);
  if (!place) {
    return is_absent(place.error()) ? Result<void>() : Result<void>(place.error());
  }
  const Descriptor file(
      ::openat(place->parent.get(), place->name.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file.valid() && errno != ENOENT && errno != ELOOP) {
    return errno == EISDIR ? is_directory(place->shown) : io_error("cannot overwrite " + place->shown);
  }
  if (file.valid()) {
    TRY(overwrite(file.get(), place->shown));
  }
  return remove(path);
}

Result<std::vector<std::string>> LinuxFiles::list(std::string_view path) {
  const Place place = TRY(locate(path));
  const Descriptor directory = TRY(open_directory(place.parent.get(), place.name, place.shown));
  return names_in(directory.get(), place.shown);
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

// Of a directory that may be mounted by its own place in itself: nobody crosses into it from above.
Result<LinuxFiles::Place> LinuxFiles::locate_top(std::string_view path, TreeTop top) {
  Place place = TRY(locate(path));
  if (top == TreeTop::plain) {
    return place;
  }
  const Descriptor root = TRY(open_root(false));
  Descriptor inside(
      open_inside(root.get(), path == "/" ? "." : std::string(path.substr(1)), O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (!inside.valid()) {
    return io_error("cannot open the directory " + place.shown);
  }
  return Place{std::move(inside), ".", std::move(place.shown)};
}

Result<void> LinuxFiles::copy_attributes(std::string_view from, std::string_view to) {
  const Place source = TRY(locate_top(from, TreeTop::may_be_mounted));
  const Place place = TRY(locate_top(to, TreeTop::may_be_mounted));
  return host::copy_attributes(source.parent.get(), place.parent.get(), source.shown);
}

Result<void> LinuxFiles::copy_tree(std::string_view from, std::string_view to, TreeTop top) {
  const Place old = TRY(locate_top(from, top));
  const Place place = TRY(locate(to));
  const std::string name = temporary_name(place.name + "/");
  TRY(remove_left_over(place.parent.get(), name, place.shown));
  TRY(host::check_tree(old.parent.get(), old.name, old.shown));
  Temporary temporary(place.parent.get(), name);
  auto copied = host::copy_tree({old.parent.get(), old.name, std::string(from)},
                                {place.parent.get(), name, std::string(to)}, old.shown);
  if (!copied) {
    static_cast<void>(remove_tree(place.parent.get(), name, place.shown));
    return copied;
  }
  // What follows may remove the only other copy.
  const Descriptor parent = TRY(open_holder(path::parent(to)));
  if (!is_on_medium(parent.get())) {
    return io_error("cannot make the copy " + place.shown + " durable");
  }
  if (::renameat2(place.parent.get(), name.c_str(), place.parent.get(), place.name.c_str(), RENAME_NOREPLACE) != 0) {
    return io_error("cannot put " + place.shown + " in place");
  }
  return is_on_medium(parent.get()) ? Result<void>() : io_error("cannot make the copy " + place.shown + " durable");
}

Result<Descriptor> LinuxFiles::open_holder(std::string_view path) {
  const Descriptor root = TRY(open_root(false));
  // O_PATH is not enough for syncfs(2).
  constexpr std::uint64_t flags = O_RDONLY | O_DIRECTORY;
  for (std::string at(path);; at = path::parent(at)) {
    Descriptor directory(open_inside(root.get(), at == "/" ? "." : at.substr(1), flags));
    const bool is_none = errno == ENOENT || errno == ENOTDIR || errno == ELOOP;
    if (directory.valid()) {
      return directory;
    }
    if (!is_none || at == "/") {
      return io_error("cannot open the directory that holds " + shown(path));
    }
  }
}

Result<void> LinuxFiles::sync(std::string_view path) {
  const Descriptor directory = TRY(open_holder(path));
  if (!is_on_medium(directory.get())) {
    return io_error("cannot make " + shown(path) + " durable");
  }
  return {};
}

Result<std::uint64_t> LinuxFiles::file_system_of(std::string_view path) {
  const Descriptor directory = TRY(open_holder(path));
  struct stat status {};
  if (::fstat(directory.get(), &status) != 0) {
    return io_error("cannot look at " + shown(path));
  }
  return static_cast<std::uint64_t>(status.st_dev);
}

}  // namespace provision::host
