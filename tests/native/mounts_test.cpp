// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <thread>
#include <vector>

#include "host/linux/descriptor.hpp"
#include "host/linux/mounts.hpp"
#include "host/linux/processes.hpp"
#include "loop_disk.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;

TEST_SUITE_BEGIN("native mounts");

TEST_CASE("a mount is listed with its names, and goes") {
  NEED_PRIVATE_FOLDER();
  host::LinuxMounts mounts;
  const std::string target = new_folder() + "/with a blank";
  REQUIRE(::mkdir(target.c_str(), 0755) == 0);
  REQUIRE(why(mounts.mount("some-source", target, "tmpfs", "size=64k,nosuid")) == "");
  const auto list = mounts.list();
  REQUIRE(why(list) == "");
  REQUIRE(!list->empty());
  CHECK(list->back() == host::MountEntry{"some-source", target, "tmpfs"});
  REQUIRE(why(mounts.unmount(target)) == "");
  const auto after = mounts.list();
  REQUIRE(why(after) == "");
  CHECK(std::none_of(after->begin(), after->end(), [&](const auto& entry) { return entry.target == target; }));
  const auto twice = mounts.unmount(target);
  REQUIRE(!twice);
  CHECK(twice.error().system_error == EINVAL);
}

TEST_CASE("mounting refuses a target behind a link, a bad option, an unknown type and a missing node") {
  NEED_PRIVATE_FOLDER();
  host::LinuxMounts mounts;
  const std::string folder = new_folder();
  REQUIRE(::mkdir((folder + "/real").c_str(), 0755) == 0);
  REQUIRE(::symlink("real", (folder + "/link").c_str()) == 0);
  const auto linked = mounts.mount("none", folder + "/link", "tmpfs", "");
  REQUIRE(!linked);
  CHECK(linked.error().code == Code::conflict);
  CHECK(!mounts.mount("none", folder + "/nowhere", "tmpfs", ""));
  CHECK(!mounts.mount("none", folder + "/real", "tmpfs", "no-such-option=1"));
  CHECK(!mounts.mount("none", folder + "/real", "nosuchfs", ""));
  const auto missing = mounts.mount("/dev/no-such-node", folder + "/real", "ext4", "");
  REQUIRE(!missing);
  CHECK(missing.error().what.find("/dev/no-such-node") != std::string::npos);
}

TEST_CASE("what is in use does not go") {
  NEED_PRIVATE_FOLDER();
  host::LinuxMounts mounts;
  const std::string target = new_folder();
  REQUIRE(why(mounts.mount("none", target, "tmpfs", "")) == "");
  REQUIRE(::mkdir((target + "/inner").c_str(), 0755) == 0);
  REQUIRE(why(mounts.mount("none", target + "/inner", "tmpfs", "")) == "");
  const auto busy = mounts.unmount(target);
  REQUIRE(!busy);
  CHECK(busy.error().code == Code::device_busy);
  REQUIRE(why(mounts.unmount(target + "/inner")) == "");
  REQUIRE(why(mounts.unmount(target)) == "");
}

// A program has copies of all our descriptors from its birth until it closes them.
TEST_CASE("programs that are being started keep no file system mounted") {
  NEED_PRIVATE_FOLDER();
  const std::string target = new_folder();
  host::LinuxMounts mounts;
  const ProgramsStarting starting_programs;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(why(mounts.mount("none", target, "tmpfs", "")) == "");
    {
      const host::Descriptor file(::open((target + "/file").c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
      REQUIRE(file.valid());
    }
    REQUIRE(why(mounts.unmount(target)) == "");
  }
}

TEST_CASE("a file system that somebody uses for a moment is waited for") {
  NEED_PRIVATE_FOLDER();
  const std::string target = new_folder();
  host::LinuxMounts mounts;
  REQUIRE(why(mounts.mount("none", target, "tmpfs", "")) == "");
  host::Descriptor held(::open(target.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(held.valid());
  const std::jthread user([&held] {
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
    held = host::Descriptor();
  });
  CHECK(why(mounts.unmount(target)) == "");
}

TEST_CASE("a file is read of a file system that nobody sees mounted, and nothing is written to it") {
  NEED_LOOPS();
  NEED_PROGRAM("mkfs.ext4");
  NEED_PROGRAM("debugfs");
  constexpr std::size_t size = 32;
  const LoopDisk disk(size, 512);
  const std::string& node = disk.node();
  must_run("mkfs.ext4", {"-q", "-F", node});
  host::LinuxMounts mounts;
  const std::string target = new_folder();
  REQUIRE(why(mounts.mount(node, target, "ext4", "")) == "");
  REQUIRE(::mkdir((target + "/dir").c_str(), 0755) == 0);
  write_file(target + "/dir/config", "the config");
  write_file(target + "/large", std::string(8U << 20U, 'x'));
  REQUIRE(::symlink("/dir/config", (target + "/link").c_str()) == 0);
  REQUIRE(::symlink("../../../../etc/passwd", (target + "/out").c_str()) == 0);
  REQUIRE(why(mounts.unmount(target)) == "");
  // As after a power cut: a mount that may write would replay the journal first.
  must_run("debugfs", {"-w", "-R", "feature needs_recovery", node});
  const std::string before = read_bytes(node, 0, size << 20U);
  const auto is_free = [&] { return host::Descriptor(::open(node.c_str(), O_RDWR | O_EXCL | O_CLOEXEC)).valid(); };

  CHECK(mounts.read_file(node, "ext4", "/dir/config", 100).value() == "the config");
  CHECK(mounts.read_file(node, "ext4", "/link", 100).value() == "the config");
  CHECK_FALSE(mounts.read_file(node, "ext4", "/out", 1 << 20));
  CHECK_FALSE(mounts.read_file(node, "ext4", "/dir/none", 100));
  CHECK_FALSE(mounts.read_file(node, "ext4", "/dir", 100));
  CHECK_FALSE(mounts.read_file(node, "ext4", "/dir/config", 9));
  CHECK_FALSE(mounts.read_file(node, "xfs", "/dir/config", 100));
  CHECK_FALSE(mounts.read_file(node, "nosuchfs", "/dir/config", 100));
  const auto missing = mounts.read_file("/dev/no-such-node", "ext4", "/dir/config", 100);
  REQUIRE_FALSE(missing);
  CHECK(missing.error().what.find("/dev/no-such-node") != std::string::npos);
  const auto list = mounts.list().value();
  CHECK(std::none_of(list.begin(), list.end(), [&](const auto& entry) { return entry.source == node; }));
  CHECK(is_free());
  CHECK(read_bytes(node, 0, size << 20U) == before);

  // Killed at any moment, it leaves nothing mounted. The kernel may take a moment to let go.
  for (int i = 0; i < 20; ++i) {
    const pid_t child = ::fork();
    if (child == 0) {
      // It may fail for a moment: whoever asks whether the device is free keeps it from being mounted.
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      while (true) {
        static_cast<void>(mounts.read_file(node, "ext4", "/large", 16U << 20U).has_value());
      }
    }
    REQUIRE(child > 0);
    // Until it is at it, or for some turns.
    for (int turn = 0; turn < 1000 * i && is_free(); ++turn) {
      ::sched_yield();
    }
    REQUIRE(::kill(child, SIGKILL) == 0);
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status));
    bool free = is_free();
    for (int turn = 0; turn < 1'000'000 && !free; ++turn) {
      ::sched_yield();
      free = is_free();
    }
    CHECK(free);
  }
  CHECK(read_bytes(node, 0, size << 20U) == before);
}

TEST_CASE("subvolumes are made where nobody sees the file system, whole and durable, and never twice") {
  NEED_LOOPS();
  NEED_PROGRAM("mkfs.btrfs");
  if (host::kernel_text("/proc/filesystems").find("\tbtrfs") == std::string::npos) {
    SKIP_TEST("btrfs in the kernel");
  }
  constexpr std::size_t size = 128;
  const LoopDisk disk(size, 512);
  const std::string& node = disk.node();
  must_run("mkfs.btrfs", {"-q", "-f", node});
  host::LinuxMounts mounts;
  const std::string target = new_folder();
  REQUIRE(why(mounts.mount(node, target, "btrfs", "")) == "");
  REQUIRE(::mkdir((target + "/plain").c_str(), 0755) == 0);
  write_file(target + "/file", "x");
  REQUIRE(why(mounts.unmount(target)) == "");
  const auto before = mounts.list().value();

  CHECK(mounts.has_subvolumes(node).value_or(true) == false);
  REQUIRE(why(mounts.make_subvolume(node, {"home", 01750, {5, 6}, true, false})) == "");
  CHECK(mounts.has_subvolumes(node).value_or(false) == true);
  REQUIRE(why(mounts.make_subvolume(node, {"home/inner"})) == "");
  REQUIRE(why(mounts.make_subvolume(node, {"plain/other", 0755, {}, false, true})) == "");
  // It stays as it is.
  REQUIRE(why(mounts.make_subvolume(node, {"home", 0700, {1, 1}, false, false})) == "");
  const auto entries =
      mounts.subvolumes(node, {"file", "file/x", "home", "home/inner", "none", "plain", "plain/other"});
  REQUIRE(why(entries) == "");
  using Kind = host::SubvolumeKind;
  CHECK(*entries == std::vector<host::SubvolumeEntry>{{"file", Kind::other, false},
                                                      {"home", Kind::subvolume, false},
                                                      {"home/inner", Kind::subvolume, false},
                                                      {"plain", Kind::directory, false},
                                                      {"plain/other", Kind::subvolume, true}});
  for (const auto* name : {"plain", "file", "none/inner", "file/inner"}) {
    CAPTURE(name);
    const auto refused = mounts.make_subvolume(node, {name});
    REQUIRE(!refused);
    CHECK(refused.error().code == (std::string(name) == "file/inner" ? Code::io : Code::conflict));
  }
  CHECK(!mounts.subvolumes("/dev/no-such-node", {"home"}));
  CHECK(!mounts.has_subvolumes("/dev/no-such-node"));
  CHECK(mounts.list().value() == before);
  // Nobody has the device.
  const host::Descriptor free(::open(node.c_str(), O_RDWR | O_EXCL | O_CLOEXEC));
  CHECK(free.valid());
}

TEST_CASE("subvolumes are mounted by their names, several at once, and the default one without") {
  NEED_LOOPS();
  NEED_PROGRAM("mkfs.btrfs");
  if (host::kernel_text("/proc/filesystems").find("\tbtrfs") == std::string::npos) {
    SKIP_TEST("btrfs in the kernel");
  }
  constexpr std::size_t size = 128;
  const LoopDisk disk(size, 512);
  const std::string& node = disk.node();
  must_run("mkfs.btrfs", {"-q", "-f", node});
  host::LinuxMounts mounts;
  REQUIRE(why(mounts.make_subvolume(node, {"home", 01750, {5, 6}, true, false})) == "");
  REQUIRE(why(mounts.make_subvolume(node, {"root", 0755, {}, false, true})) == "");
  const std::string home = new_folder();
  const std::string root = new_folder();
  const std::string top = new_folder();
  REQUIRE(why(mounts.mount(node, home, "btrfs", "noatime,subvol=/home")) == "");
  REQUIRE(why(mounts.mount(node, root, "btrfs", "")) == "");
  REQUIRE(why(mounts.mount(node, top, "btrfs", "subvol=/")) == "");
  struct stat status {};
  REQUIRE(::stat(home.c_str(), &status) == 0);
  CHECK((status.st_mode & 07777U) == 01750);
  CHECK(status.st_uid == 5);
  CHECK(status.st_gid == 6);
  write_file(home + "/in", "home");
  CHECK(host::kernel_text(top + "/home/in") == "home");
  {
    const host::Descriptor file(::open((home + "/in").c_str(), O_RDONLY | O_CLOEXEC));
    int flags = 0;
    REQUIRE(::ioctl(file.get(), FS_IOC_GETFLAGS, &flags) == 0);
    CHECK((flags & FS_NOCOW_FL) != 0);
  }
  std::vector<std::string> shown;
  for (const auto& entry : mounts.list().value()) {
    if (entry.source == node) {
      shown.push_back(entry.subvolume);
    }
  }
  CHECK(shown == std::vector<std::string>{"home", "root", ""});
  // While it is mounted it is looked at, and added to, all the same.
  CHECK(mounts.subvolumes(node, {"home"}).value() ==
        std::vector<host::SubvolumeEntry>{{"home", host::SubvolumeKind::subvolume, false}});
  REQUIRE(why(mounts.make_subvolume(node, {"home/more"})) == "");
  CHECK(::stat((home + "/more").c_str(), &status) == 0);
  for (const auto& target : {home, root, top}) {
    CHECK(why(mounts.unmount(target)) == "");
  }
}

TEST_SUITE_END();
