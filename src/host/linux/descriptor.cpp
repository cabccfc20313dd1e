// SPDX-License-Identifier: Apache-2.0
#include "host/linux/descriptor.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <memory>

#include "base/text.hpp"

namespace provision::host {
namespace {

constexpr std::size_t piece = std::size_t{64} << 10U;
constexpr std::size_t least_room = 4096;

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
  const auto buffer = std::make_unique_for_overwrite<char[]>(piece);  // NOLINT(modernize-avoid-c-arrays)
  while (true) {
    const ssize_t count = uninterrupted([&] { return ::read(fd, buffer.get(), piece); });
    if (count < 0) {
      return io_error("cannot read " + std::string(what));
    }
    if (count == 0) {
      return {};
    }
    sink(std::string_view(buffer.get(), static_cast<std::size_t>(count)));
  }
}

// Most are files of sysfs and a few bytes long, so the room begins small.
Result<std::string> read_all(int fd, std::size_t max_bytes, std::string_view what) {
  std::string bytes;
  std::size_t read = 0;
  while (true) {
    if (read == bytes.size()) {
      bytes.resize(std::max(least_room, 2 * read));
    }
    const ssize_t count = uninterrupted([&] { return ::read(fd, bytes.data() + read, bytes.size() - read); });
    if (count < 0) {
      return io_error("cannot read " + std::string(what));
    }
    read += static_cast<std::size_t>(count);
    if (count == 0) {
      bytes.resize(read);
      return bytes;
    }
    if (read > max_bytes) {
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
