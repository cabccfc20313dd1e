// SPDX-License-Identifier: Apache-2.0
#include "host/linux/isolation.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "host/linux/descriptor.hpp"
#include "host/linux/mounts.hpp"

namespace provision::host {
namespace {

constexpr int setup_failed = 255;

sigset_t watched_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int number : {SIGCHLD, SIGINT, SIGTERM, SIGHUP, SIGQUIT}) {
    ::sigaddset(&set, number);
  }
  return set;
}

Result<void> isolate_mounts() {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
    return io_error("cannot get mounts of our own");
  }
  // The old one would show the process numbers of the parent.
  if (::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) != 0) {
    return io_error("cannot mount a /proc of our own");
  }
  return {};
}

[[noreturn]] void be_child(const std::function<int()>& work, const sigset_t& old_mask, int report) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  ::sigprocmask(SIG_SETMASK, &old_mask, nullptr);
  if (const auto ready = isolate_mounts(); !ready) {
    const std::string text = to_string(ready.error());
    static_cast<void>(write_all(report, text, "a pipe"));
    ::_exit(setup_failed);
  }
  const int status = work();
  ::_exit(status);
}

// Until the child has ended; a watched signal kills it, and is remembered.
IsolatedEnd await_end(pid_t child, const sigset_t& watched) {
  IsolatedEnd end;
  while (true) {
    int status = 0;
    const pid_t ended = uninterrupted([&] { return ::waitpid(child, &status, WNOHANG); });
    if (ended == child) {
      end.status = WIFEXITED(status) ? WEXITSTATUS(status) : 1;
      end.signal = end.signal == 0 && WIFSIGNALED(status) ? WTERMSIG(status) : end.signal;
      return end;
    }
    const int number = ::sigwaitinfo(&watched, nullptr);
    if (number > 0 && number != SIGCHLD) {
      end.signal = number;
      // Nothing else ends the first process of its name space surely, and it takes with it all that it has started.
      ::kill(child, SIGKILL);
    }
  }
}

std::string filesystem_type_at(const std::string& target) {
  std::string type;
  if (const auto mounts = kernel_mounts()) {
    for (const auto& mount : *mounts) {
      type = mount.entry.target == target ? mount.entry.type : type;
    }
  }
  return type;
}

}  // namespace

Result<IsolatedEnd> run_isolated(const std::function<int()>& work) {
  std::array<int, 2> ends{-1, -1};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) {
    return io_error("cannot make a pipe");
  }
  const Descriptor reading(ends[0]);
  Descriptor writing(ends[1]);
  if (::unshare(CLONE_NEWPID) != 0) {
    return io_error("cannot get process numbers of our own");
  }
  const sigset_t watched = watched_signals();
  sigset_t old_mask;
  ::sigprocmask(SIG_BLOCK, &watched, &old_mask);
  const pid_t child = ::fork();
  if (child < 0) {
    const int saved = errno;
    ::sigprocmask(SIG_SETMASK, &old_mask, nullptr);
    return io_error("cannot start a process", saved);
  }
  if (child == 0) {
    be_child(work, old_mask, writing.get());
  }
  static_cast<void>(writing.close());
  writing = Descriptor();
  const IsolatedEnd end = await_end(child, watched);
  ::sigprocmask(SIG_SETMASK, &old_mask, nullptr);
  const std::string trouble = TRY(read_all(reading.get(), 4096, "a pipe"));
  if (!trouble.empty()) {
    return Error(Code::io, trouble);
  }
  return end;
}

Result<void> make_private_run() {
  const Descriptor udev(::open("/run/udev", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (::mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, "mode=0755") != 0) {
    return io_error("cannot mount a /run of our own");
  }
  if (udev.valid()) {
    const std::string old = "/proc/self/fd/" + std::to_string(udev.get());
    if (::mkdir("/run/udev", 0755) != 0 || ::mount(old.c_str(), "/run/udev", nullptr, MS_BIND | MS_REC, nullptr) != 0) {
      return io_error("cannot keep /run/udev");
    }
  }
  return {};
}

Result<void> ensure_device_nodes() {
  if (filesystem_type_at("/dev") == "devtmpfs") {
    return {};
  }
  if (::mount("devtmpfs", "/dev", "devtmpfs", MS_NOSUID, nullptr) != 0) {
    return io_error("/dev is no devtmpfs, and one of our own cannot be mounted");
  }
  return {};
}

}  // namespace provision::host
