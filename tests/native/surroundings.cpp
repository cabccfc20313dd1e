// SPDX-License-Identifier: Apache-2.0
#include "surroundings.hpp"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include "host/linux/descriptor.hpp"
#include "host/linux/processes.hpp"

namespace provision::test {
namespace {

// Removes the mount point at the end of the process; the mounts have gone with the namespace by the time it could
// matter.
class Folder {
 public:
  Folder() {
    if (::unshare(CLONE_NEWNS) != 0 || ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) {
      why = std::string("a mount namespace of our own (") + std::strerror(errno) + ")";
      return;
    }
    std::array<char, 32> name{"/tmp/native-XXXXXX"};
    if (::mkdtemp(name.data()) == nullptr || ::mount("tmpfs", name.data(), "tmpfs", 0, "size=1g,mode=0755") != 0) {
      why = std::string("a tmpfs (") + std::strerror(errno) + ")";
      return;
    }
    path = name.data();
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder(Folder&&) = delete;
  Folder& operator=(Folder&&) = delete;
  ~Folder() {
    if (!path.empty()) {
      ::umount2(path.c_str(), MNT_DETACH);
      ::rmdir(path.c_str());
    }
  }

  std::string path;
  std::string why;
};

}  // namespace

bool is_root() { return ::geteuid() == 0; }

const std::string& private_folder(std::string& why) {
  static const Folder folder;
  why = folder.why;
  return folder.path;
}

std::string new_folder() {
  static int count = 0;
  std::string why;
  std::string path = private_folder(why) + "/" + std::to_string(++count);
  REQUIRE(::mkdir(path.c_str(), 0755) == 0);
  return path;
}

bool have_program(const std::string& name) {
  for (const char* directory : {"/usr/sbin/", "/usr/bin/", "/sbin/", "/bin/"}) {
    if (::access((directory + name).c_str(), X_OK) == 0) {
      return true;
    }
  }
  return false;
}

std::string must_run(const std::string& program, std::vector<std::string> arguments, std::string input) {
  host::LinuxProcesses processes;
  const auto exit = processes.run({program, std::move(arguments), std::move(input), std::chrono::seconds(60)});
  REQUIRE(why(exit).empty());
  INFO(program << ": " << exit->output);
  REQUIRE(exit->status == 0);
  return exit->output;
}

ProgramsStarting::ProgramsStarting() {
  constexpr int starters = 4;
  starters_.reserve(starters);
  for (int i = 0; i < starters; ++i) {
    starters_.emplace_back([this] {
      host::LinuxProcesses processes;
      host::Command command;
      command.program = "true";
      while (!ended_) {
        static_cast<void>(processes.run(command));
      }
    });
  }
}

std::string read_bytes(const std::string& path, std::uint64_t offset, std::size_t size) {
  const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  REQUIRE(file.valid());
  const auto bytes = host::read_at(file.get(), offset, size, path);
  REQUIRE(why(bytes).empty());
  return *bytes;
}

void write_bytes(const std::string& path, std::uint64_t offset, std::string_view bytes) {
  const host::Descriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  REQUIRE(file.valid());
  REQUIRE(::pwrite(file.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset)) ==
          static_cast<ssize_t>(bytes.size()));
  REQUIRE(::fsync(file.get()) == 0);
}

void write_file(const std::string& path, std::string_view content) {
  const host::Descriptor file(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  REQUIRE(file.valid());
  const auto written = host::write_all(file.get(), content, path);
  REQUIRE(why(written).empty());
}

}  // namespace provision::test
