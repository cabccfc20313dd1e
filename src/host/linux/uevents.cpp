// SPDX-License-Identifier: Apache-2.0
#include "host/linux/uevents.hpp"

#include <fcntl.h>
#include <linux/netlink.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <set>

#include "base/uuid.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {
namespace {

using Clock = std::chrono::steady_clock;

// udevd's listeners; the kernel's own are group 1.
constexpr std::uint32_t udev_group = 2;

bool udevd_runs() { return ::access("/run/udev/control", F_OK) == 0; }

Descriptor listener() {
  Descriptor file(::socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT));
  sockaddr_nl address{};
  address.nl_family = AF_NETLINK;
  address.nl_groups = udev_group;
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): bind(2) takes every kind of address by that type
  if (!file.valid() || ::bind(file.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    return {};
  }
  // A whole machine's events may come at once, while we look elsewhere.
  const int bytes = 4 << 20;
  ::setsockopt(file.get(), SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes);
  return file;
}

// Never twice the same, so that nobody's answer is taken for another's.
std::string new_mark(const BlockDevice& device) {
  const auto now = Clock::now().time_since_epoch().count();
  return Uuid::derive({"uevent", device.sysfs, std::to_string(now), std::to_string(::getpid())}).text();
}

bool announce(const BlockDevice& device, const std::string& mark) {
  const Descriptor file(::open((device.sysfs + "/uevent").c_str(), O_WRONLY | O_CLOEXEC));
  const std::string text = "change " + mark;
  return file.valid() && ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

// Takes from `marks` what has been answered. False when nothing more will come.
bool receive(int fd, std::set<std::string>& marks) {
  std::array<char, 16384> buffer{};
  while (true) {
    const ssize_t size = ::recv(fd, buffer.data(), buffer.size(), 0);
    if (size < 0) {
      return errno == EAGAIN || errno == EINTR;
    }
    if (const auto mark = mark_of({buffer.data(), static_cast<std::size_t>(size)})) {
      marks.erase(*mark);
    }
  }
}

bool await_marks(int fd, std::set<std::string> marks, Clock::time_point deadline) {
  while (!marks.empty()) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
    pollfd waiting{fd, POLLIN, 0};
    if (left <= 0 || (::poll(&waiting, 1, static_cast<int>(left)) < 0 && errno != EINTR) || !receive(fd, marks)) {
      return marks.empty();
    }
  }
  return true;
}

}  // namespace

std::optional<std::string> mark_of(std::string_view message) {
  constexpr std::string_view sender("libudev\0", 8);
  constexpr std::string_view key("\0SYNTH_UUID=", 12);
  const std::size_t at = message.find(key);
  if (!message.starts_with(sender) || at == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view value = message.substr(at + key.size());
  return std::string(value.substr(0, value.find('\0')));
}

bool await_udev(const std::vector<BlockDevice>& devices, std::chrono::milliseconds patience) {
  if (!udevd_runs()) {
    return false;
  }
  const auto deadline = Clock::now() + patience;
  const Descriptor file = listener();
  if (!file.valid()) {
    return false;
  }
  std::set<std::string> marks;
  bool all = true;
  for (const auto& device : devices) {
    const std::string mark = new_mark(device);
    if (announce(device, mark)) {
      marks.insert(mark);
    } else {
      all = false;
    }
  }
  return await_marks(file.get(), std::move(marks), deadline) && all;
}

}  // namespace provision::host
