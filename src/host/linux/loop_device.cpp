// SPDX-License-Identifier: Apache-2.0
#include "host/linux/loop_device.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <thread>
#include <vector>

#include "base/text.hpp"
#include "host/linux/block_device.hpp"
#include "host/linux/kernel_partitions.hpp"
#include "host/linux/partition_table.hpp"

namespace provision::host {
namespace {

struct Closed {
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// The loop devices that have a file behind them: "loop0", …
std::vector<std::string> loops_in_use() {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, Closed> open(::opendir("/sys/block"));
  while (open) {
    const dirent* entry = ::readdir(open.get());
    if (entry == nullptr) {
      break;
    }
    std::string name(&entry->d_name[0]);
    if (name.starts_with("loop") && ::access(("/sys/block/" + name + "/loop").c_str(), F_OK) == 0) {
      names.push_back(std::move(name));
    }
  }
  return names;
}

// Another loop device over the same file; empty if there is none.
std::string other_loop(const struct stat& file) {
  for (const auto& name : loops_in_use()) {
    const Descriptor device(::open(("/dev/" + name).c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
    loop_info64 info{};
    if (device.valid() && ::ioctl(device.get(), LOOP_GET_STATUS64, &info) == 0 && info.lo_device == file.st_dev &&
        info.lo_inode == file.st_ino) {
      return "/dev/" + name;
    }
  }
  return {};
}

struct Magic {
  std::string_view bytes;
  std::string_view kind;
};
// The first bytes of formats that need a conversion: QEMU's docs/interop/qcow2.txt, VMware's "Virtual Disk Format 5.0",
// [MS-VHDX] 2.2.1, and what compressors write.
constexpr std::array<Magic, 6> other_formats{Magic{"QFI\xfb", "a qcow2 image"},
                                             Magic{"KDMV", "a VMDK image"},
                                             Magic{"vhdxfile", "a VHDX image"},
                                             Magic{"\x1f\x8b", "compressed by gzip"},
                                             Magic{"\xfd"
                                                   "7zXZ",
                                                   "compressed by xz"},
                                             Magic{"\x28\xb5\x2f\xfd", "compressed by zstd"}};

Result<void> check_format(int fd, const std::string& name) {
  std::array<char, 8> head{};
  const ssize_t count = uninterrupted([&] { return ::pread(fd, head.data(), head.size(), 0); });
  if (count < 0) {
    return io_error("cannot read " + name);
  }
  const std::string_view start(head.data(), static_cast<std::size_t>(count));
  for (const auto& format : other_formats) {
    if (start.starts_with(format.bytes)) {
      return Error(Code::usage, name + " is " + std::string(format.kind) +
                                    ", and only raw images can be used: unpack or convert it first");
    }
  }
  return {};
}

Result<void> check_file(int fd, const LoopRequest& request, const std::string& name) {
  struct stat status {};
  if (::fstat(fd, &status) != 0) {
    return io_error("cannot look at " + name);
  }
  if (!S_ISREG(status.st_mode)) {
    return Error(Code::usage, name + " is no regular file: an image is a file with the bytes of a disk");
  }
  constexpr std::int64_t smallest = std::int64_t{1} << 20U;
  if (status.st_size < smallest) {
    return Error(Code::usage, name + " has " + human_size(status.st_size) +
                                  ": too small for a disk; give it the disk's size first (truncate -s 8G FILE)");
  }
  if (status.st_size % request.sector_size != 0) {
    return Error(Code::usage, "the size of " + name + " is no multiple of the sector size, " +
                                  std::to_string(request.sector_size) + " bytes");
  }
  TRY(check_format(fd, name));
  if (const std::string loop = request.read_only ? std::string() : other_loop(status); !loop.empty()) {
    return Error(Code::device_busy, name + " is in use: it is attached to " + loop + " already");
  }
  return {};
}

// The lock that QEMU takes as well (an open file description lock): no two may write, nor one write while another
// reads.
Result<void> lock_file(int fd, bool read_only, const std::string& name) {
  struct flock lock {};
  lock.l_type = read_only ? F_RDLCK : F_WRLCK;
  lock.l_whence = SEEK_SET;
  if (::fcntl(fd, F_OFD_SETLK, &lock) == 0) {
    return {};
  }
  if (errno == EAGAIN || errno == EACCES) {
    return Error(Code::device_busy, name + " is in use: another program, perhaps a virtual machine, has it locked");
  }
  return io_error("cannot lock " + name);
}

Result<Descriptor> open_file(const LoopRequest& request, const std::string& name) {
  const int flags = request.read_only ? O_RDONLY : O_RDWR;
  Descriptor file(uninterrupted([&] { return ::open(request.file.c_str(), flags | O_CLOEXEC | O_NONBLOCK); }));
  if (!file.valid()) {
    return Error(Code::usage, "cannot open the image " + name, errno);
  }
  TRY(check_file(file.get(), request, name));
  TRY(lock_file(file.get(), request.read_only, name));
  return file;
}

// Parsers in the kernel take care of their own tables; a GPT is announced by us, for a kernel that has none.
Result<void> announce_partitions(int fd, const std::string& node) {
  const BlockDevice disk = TRY(find_device({node, {}, 0}));
  const DiskFacts facts = TRY(disk_facts(disk));
  const Table table = TRY(read_partition_table(fd, facts, node));
  return table.kind == TableKind::gpt ? tell_kernel(fd, disk, table.partitions, facts.sector_size) : Result<void>{};
}

}  // namespace

Result<LoopDevice> LoopDevice::attach(const LoopRequest& request) {
  const std::string name = printable(request.file);
  Descriptor file = TRY(open_file(request, name));
  const Descriptor control(::open("/dev/loop-control", O_RDONLY | O_CLOEXEC));
  if (!control.valid()) {
    return Error(Code::device_missing, "there are no loop devices here: cannot open /dev/loop-control", errno);
  }
  loop_config config{};
  config.fd = static_cast<std::uint32_t>(file.get());
  config.block_size = request.sector_size;
  config.info.lo_flags =
      LO_FLAGS_AUTOCLEAR | LO_FLAGS_PARTSCAN | (request.read_only ? std::uint32_t{LO_FLAGS_READ_ONLY} : 0U);
  // The name as losetup shows it; it is only for people.
  std::copy_n(request.file.begin(), std::min(request.file.size(), sizeof config.info.lo_file_name - 1),
              std::begin(config.info.lo_file_name));
  // Another program may take the free device first.
  constexpr int tries = 100;
  for (int i = 0; i < tries; ++i) {
    const int number = ::ioctl(control.get(), LOOP_CTL_GET_FREE);
    if (number < 0) {
      return io_error("cannot get a loop device");
    }
    std::string node = "/dev/loop" + std::to_string(number);
    Descriptor device = TRY(open_device(node, request.read_only ? O_RDONLY : O_RDWR));
    if (::ioctl(device.get(), LOOP_CONFIGURE, &config) == 0) {
      TRY_WHILE(announce_partitions(device.get(), node), "looking at the image " + name);
      return LoopDevice(std::move(file), std::move(device), std::move(node), request.read_only);
    }
    if (errno != EBUSY) {
      return io_error("cannot make a disk of the image " + name);
    }
  }
  return Error(Code::device_busy, "cannot get a loop device: others take each one first");
}

bool await_detached(const std::string& file, std::chrono::milliseconds patience) {
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (true) {
    const auto names = loops_in_use();
    const bool attached = std::any_of(names.begin(), names.end(), [&](const std::string& name) {
      return kernel_text("/sys/block/" + name + "/loop/backing_file") == file;
    });
    if (!attached || std::chrono::steady_clock::now() >= deadline) {
      return !attached;
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
}

}  // namespace provision::host
