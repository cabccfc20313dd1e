// SPDX-License-Identifier: Apache-2.0
#include "host/linux/mounts.hpp"

#include <fcntl.h>
#include <libmount/libmount.h>
#include <linux/openat2.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <memory>
#include <thread>

#include "base/text.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {
namespace {

struct Freed {
  void operator()(libmnt_context* context) const { mnt_free_context(context); }
  void operator()(libmnt_table* table) const { mnt_unref_table(table); }
  void operator()(libmnt_iter* iterator) const { mnt_free_iter(iterator); }
};

template <class T>
using Owned = std::unique_ptr<T, Freed>;

std::string text(const char* value) { return value == nullptr ? std::string() : std::string(value); }

Error out_of_memory() { return {Code::io, "cannot use libmount", ENOMEM}; }

// mount(2) follows links: what the caller calls a place in the target must not lie elsewhere.
Result<void> check_plain_directory(const std::string& target) {
  open_how how{};
  how.flags = O_PATH | O_DIRECTORY | O_CLOEXEC;
  how.resolve = RESOLVE_NO_SYMLINKS;
  const Descriptor directory(static_cast<int>(::syscall(SYS_openat2, AT_FDCWD, target.c_str(), &how, sizeof how)));
  if (!directory.valid()) {
    return errno == ELOOP ? Error(Code::conflict, target + " lies behind a symbolic link")
                          : io_error("cannot open the directory " + target);
  }
  return {};
}

Error mount_error(libmnt_context* context, int result, const std::string& node, const std::string& target) {
  std::array<char, 512> words{};
  mnt_context_get_excode(context, result, words.data(), words.size());
  const int saved = mnt_context_syscall_called(context) != 0 ? mnt_context_get_syscall_errno(context) : 0;
  std::string sentence = "cannot mount " + node + " on " + target;
  if (words[0] != '\0') {
    sentence += " (" + std::string(words.data()) + ")";
  }
  return {saved == EBUSY ? Code::device_busy : Code::io, std::move(sentence), saved};
}

// What the kernel says about a file system that it does not mount: "e ext4: …".
std::string kernel_words(int context) {
  std::array<char, 512> words{};
  const ssize_t length = ::read(context, words.data(), words.size());
  return length <= 2 ? std::string() : " (" + std::string(words.data() + 2, static_cast<std::size_t>(length) - 2) + ")";
}

bool set_option(int context, std::string_view option) {
  const std::size_t equals = option.find('=');
  const std::string key(option.substr(0, equals));
  if (equals == std::string_view::npos) {
    return ::fsconfig(context, FSCONFIG_SET_FLAG, key.c_str(), nullptr, 0) == 0;
  }
  return ::fsconfig(context, FSCONFIG_SET_STRING, key.c_str(), std::string(option.substr(equals + 1)).c_str(), 0) == 0;
}

// Of a Btrfs; below another kind of mount the root says nothing that is asked for.
std::string subvolume_of(libmnt_fs* fs) {
  const std::string root = text(mnt_fs_get_root(fs));
  return text(mnt_fs_get_fstype(fs)) == "btrfs" && root.starts_with('/') ? root.substr(1) : std::string();
}

// The system call itself: libmount would first look for the mount in its tables, and there is nothing to learn there.
// 0, or errno.
int unmount_once(const std::string& directory) {
  return ::umount2(directory.c_str(), UMOUNT_NOFOLLOW) == 0 ? 0 : errno;
}

}  // namespace

Result<Descriptor> detached_mount(const std::string& node, const std::string& type, const std::string& options) {
  const Descriptor context(::fsopen(type.c_str(), FSOPEN_CLOEXEC));
  if (!context.valid()) {
    return io_error("cannot mount " + node + ": the kernel has no file system \"" + type + "\"");
  }
  bool is_set = ::fsconfig(context.get(), FSCONFIG_SET_STRING, "source", node.c_str(), 0) == 0;
  bool read_only = false;
  for (const auto option : split(options, ',')) {
    is_set = is_set && set_option(context.get(), option);
    read_only = read_only || option == "ro";
  }
  if (!is_set || ::fsconfig(context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) {
    const int saved = errno;
    return io_error("cannot mount " + node + kernel_words(context.get()), saved);
  }
  constexpr unsigned attributes = MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC;
  Descriptor mount(::fsmount(context.get(), FSMOUNT_CLOEXEC, attributes | (read_only ? MOUNT_ATTR_RDONLY : 0U)));
  return mount.valid() ? Result<Descriptor>(std::move(mount)) : io_error("cannot mount " + node);
}

Result<std::vector<NumberedMount>> kernel_mounts() {
  const Owned<libmnt_table> table(mnt_new_table());
  const Owned<libmnt_iter> iterator(mnt_new_iter(MNT_ITER_FORWARD));
  if (!table || !iterator) {
    return out_of_memory();
  }
  // The kernel's own table: not /etc/mtab and not the notes that mount(8) keeps in /run/mount/utab.
  if (mnt_table_parse_file(table.get(), "/proc/self/mountinfo") != 0) {
    return io_error("cannot read /proc/self/mountinfo");
  }
  std::vector<NumberedMount> mounts;
  libmnt_fs* fs = nullptr;
  while (mnt_table_next_fs(table.get(), iterator.get(), &fs) == 0) {
    mounts.push_back(
        {{text(mnt_fs_get_source(fs)), text(mnt_fs_get_target(fs)), text(mnt_fs_get_fstype(fs)), subvolume_of(fs)},
         mnt_fs_get_devno(fs)});
  }
  return mounts;
}

Result<std::vector<MountEntry>> LinuxMounts::list() {
  std::vector<MountEntry> entries;
  for (auto& mount : TRY(kernel_mounts())) {
    entries.push_back(std::move(mount.entry));
  }
  return entries;
}

Result<void> LinuxMounts::mount(std::string_view node, std::string_view target, std::string_view type,
                                std::string_view options) {
  const std::string source(node);
  const std::string directory(target);
  TRY(check_plain_directory(directory));
  const Owned<libmnt_context> context(mnt_new_context());
  if (!context) {
    return out_of_memory();
  }
  // No /sbin/mount.TYPE, no utab, no fstab, and the names as they are given.
  mnt_context_disable_helpers(context.get(), 1);
  mnt_context_disable_mtab(context.get(), 1);
  mnt_context_disable_canonicalize(context.get(), 1);
  mnt_context_set_optsmode(context.get(), MNT_OMODE_NOTAB);
  if (mnt_context_set_source(context.get(), source.c_str()) != 0 ||
      mnt_context_set_target(context.get(), directory.c_str()) != 0 ||
      mnt_context_set_fstype(context.get(), std::string(type).c_str()) != 0 ||
      (!options.empty() && mnt_context_set_options(context.get(), std::string(options).c_str()) != 0)) {
    return out_of_memory();
  }
  const int result = mnt_context_mount(context.get());
  if (result != 0 || mnt_context_get_status(context.get()) != 1) {
    return mount_error(context.get(), result, source, directory);
  }
  return {};
}

Result<void> LinuxMounts::unmount(std::string_view target) {
  // A program that another thread starts has copies of what we had open here until it is itself.
  constexpr std::chrono::milliseconds patience{2000};
  constexpr std::chrono::milliseconds step{20};
  const std::string directory(target);
  int failed = unmount_once(directory);
  for (std::chrono::milliseconds waited{0}; failed == EBUSY && waited < patience; waited += step) {
    std::this_thread::sleep_for(step);
    failed = unmount_once(directory);
  }
  if (failed != 0) {
    return Error(failed == EBUSY ? Code::device_busy : Code::io, "cannot unmount " + directory, failed);
  }
  return {};
}

std::string read_only_options(std::string_view type) {
  if (type == "ext3" || type == "ext4") {
    return "ro,noload";
  }
  if (type == "xfs") {
    return "ro,norecovery";
  }
  return type == "btrfs" ? "ro,rescue=nologreplay" : "ro";
}

// The mount is attached nowhere: it lives by its descriptor alone, so the kernel undoes it however this process ends.
Result<std::string> LinuxMounts::read_file(std::string_view node, std::string_view type, std::string_view path,
                                           std::size_t max_bytes) {
  const std::string shown = std::string(path) + " of the file system on " + std::string(node);
  const Descriptor mount = TRY(detached_mount(std::string(node), std::string(type), read_only_options(type)));
  open_how how{};
  how.flags = O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  const std::string inside(path);
  const Descriptor file(static_cast<int>(::syscall(SYS_openat2, mount.get(), inside.c_str(), &how, sizeof how)));
  if (!file.valid()) {
    return io_error("cannot open " + shown);
  }
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) {
    return Error(Code::io, shown + " is not a regular file");
  }
  return read_all(file.get(), max_bytes, shown);
}

}  // namespace provision::host
