// SPDX-License-Identifier: Apache-2.0
#include "cli/documents.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "fields/json.hpp"
#include "host/linux/linux_host.hpp"

namespace provision::cli {
namespace {

constexpr std::size_t first_read = std::size_t{64} << 10U;

// All there is to read. The file's size is only where to begin: a pipe has none, and a file may grow.
Result<std::string> read_all(int descriptor, const std::string& name) {
  struct stat status {};
  const bool sized = ::fstat(descriptor, &status) == 0 && S_ISREG(status.st_mode) && status.st_size > 0;
  std::string text(sized ? static_cast<std::size_t>(status.st_size) + 1 : first_read, '\0');
  std::size_t filled = 0;
  while (true) {
    const ssize_t count = ::read(descriptor, text.data() + filled, text.size() - filled);
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return Error(Code::usage, "cannot read " + name, errno);
    }
    if (count == 0) {
      text.resize(filled);
      return text;
    }
    filled += static_cast<std::size_t>(count);
    if (filled > fields::max_document_bytes) {
      return Error(Code::usage, name + " is larger than 1 GiB");
    }
    if (filled == text.size()) {
      text.resize(2 * text.size());
    }
  }
}

Result<std::string> fetch(const std::string& url, const std::string& ca_file) {
  host::LinuxHttp http;
  host::HttpRequest request;
  request.url = url;
  request.ca_file = ca_file;
  host::HttpAnswer answer = TRY(http.get(request));
  if (answer.status != 200) {
    return Error(Code::config_unavailable, "the server answered " + std::to_string(answer.status) + " for the config");
  }
  return std::move(answer.body);
}

}  // namespace

std::string shown_name(const std::string& name) { return name == "-" ? "standard input" : printable(name); }

Result<std::string> read_document(const std::string& name, const std::string& ca_file) {
  if (name == "-") {
    return read_all(STDIN_FILENO, shown_name(name));
  }
  if (name.starts_with("http://") || name.starts_with("https://")) {
    return fetch(name, ca_file);
  }
  const int descriptor = ::open(name.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY);
  if (descriptor < 0) {
    return Error(Code::usage, "cannot open " + shown_name(name), errno);
  }
  auto text = read_all(descriptor, shown_name(name));
  ::close(descriptor);
  return text;
}

}  // namespace provision::cli
