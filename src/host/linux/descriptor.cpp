// SPDX-License-Identifier: Apache-2.0
#include "host/linux/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/text.hpp"

namespace provision::host {
namespace {

constexpr std::size_t piece = std::size_t{64} << 10U;

}  // namespace

bool Descriptor::close() {
  const int fd = std::exchange(fd_, -1);
  // Not repeated on EINTR: Linux has freed the number by then (close(2), "Dealing with error returns").
  return fd < 0 || ::close(fd) == 0 || errno == EINTR;
}

Error io_error(std::string sentence, int saved_errno) { return {Code::io, std::move(sentence), saved_errno}; }

Result<void> write_all(int fd, std::string_view bytes, std::string_view what) {
  while (!bytes.empty()) {
    const ssize_t count = uninterrupted([&] { return ::write(fd, bytes.data(), bytes.size()); });
    if (count < 0) {
      return io_error("cannot write " + std::string(what));
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
  return {};
}

Result<void> read_pieces(int fd, std::string_view what, const std::function<void(std::string_view)>& sink) {
  std::vector<char> buffer(piece);
  while (true) {
    const ssize_t count = uninterrupted([&] { return ::read(fd, buffer.data(), buffer.size()); });
    if (count < 0) {
      return io_error("cannot read " + std::string(what));
    }
    if (count == 0) {
      return {};
    }
    sink(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
  }
}

Result<std::string> read_all(int fd, std::size_t max_bytes, std::string_view what) {
  std::string bytes;
  std::vector<char> buffer(piece);
  while (true) {
    const ssize_t count = uninterrupted([&] { return ::read(fd, buffer.data(), buffer.size()); });
    if (count < 0) {
      return io_error("cannot read " + std::string(what));
    }
    if (count == 0) {
      return bytes;
    }
    bytes.append(buffer.data(), static_cast<std::size_t>(count));
    if (bytes.size() > max_bytes) {
      return Error(Code::io, std::string(what) + " is longer than " + std::to_string(max_bytes) + " bytes");
    }
  }
}

Result<std::string> read_at(int fd, std::uint64_t offset, std::size_t bytes, std::string_view what) {
  std::string content(bytes, '\0');
  std::size_t done = 0;
  while (done < bytes) {
    const ssize_t count = uninterrupted(
        [&] { return ::pread(fd, content.data() + done, bytes - done, static_cast<off_t>(offset + done)); });
    if (count < 0) {
      return io_error("cannot read " + std::string(what));
    }
    if (count == 0) {
      return Error(Code::io, std::string(what) + " ends before byte " + std::to_string(offset + bytes));
    }
    done += static_cast<std::size_t>(count);
  }
  return content;
}

Result<std::optional<std::string>> read_kernel_file(const std::string& path, std::size_t max_bytes) {
  const Descriptor file(uninterrupted([&] { return ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY); }));
  if (!file.valid()) {
    if (errno == ENOENT || errno == ENOTDIR) {
      return std::optional<std::string>{};
    }
    return io_error("cannot open " + path);
  }
  return std::optional<std::string>(TRY(read_all(file.get(), max_bytes, path)));
}

std::string kernel_text(const std::string& path) {
  const auto content = read_kernel_file(path);
  return content && *content ? std::string(trim(**content)) : std::string();
}

}  // namespace provision::host
