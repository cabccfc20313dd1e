// SPDX-License-Identifier: Apache-2.0
// An open file, and whole reads and writes of it: interrupted calls and short counts end here.
#pragma once

#include <cerrno>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/result.hpp"

namespace provision::host {

class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() { static_cast<void>(close()); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool valid() const { return fd_ >= 0; }
  // False, with errno, if the system reports a late write error.
  [[nodiscard]] bool close();

 private:
  int fd_ = -1;
};

// Code::io with errno as it is now.
Error io_error(std::string sentence, int saved_errno = errno);

// Calls `call` again while it is interrupted by a signal.
template <class Call>
auto uninterrupted(Call call) {
  auto result = call();
  while (result < 0 && errno == EINTR) {
    result = call();
  }
  return result;
}

// `what` names the file in messages.
Result<void> write_all(int fd, std::string_view bytes, std::string_view what);
// Up to the end of the file; an error if that is more than `max_bytes`.
Result<std::string> read_all(int fd, std::size_t max_bytes, std::string_view what);
// Hands each piece to `sink` up to the end of the file.
Result<void> read_pieces(int fd, std::string_view what, const std::function<void(std::string_view)>& sink);
// `bytes` bytes from `offset`, or an error.
Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t bytes, std::string_view what);

// A file of /proc or /sys, whole; nothing if there is none.
Result<std::optional<std::string>> read_kernel_file(const std::string& path,
                                                    std::size_t max_bytes = std::size_t{1} << 20U);
// The same without white space at its ends; empty if there is none or it can't be read.
std::string kernel_text(const std::string& path);

}  // namespace provision::host
