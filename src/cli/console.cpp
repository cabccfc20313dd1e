// SPDX-License-Identifier: Apache-2.0
#include "cli/console.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <sstream>

namespace provision::cli {
namespace {

constexpr int console_patience_ms = 2000;

// Writes all of it; a console that takes nothing for a while is given up. Terminals want CR LF.
bool write_all(int descriptor, std::string_view text, int patience_ms) {
  while (!text.empty()) {
    pollfd waiting{descriptor, POLLOUT, 0};
    if (::poll(&waiting, 1, patience_ms) <= 0) {
      return false;
    }
    const ssize_t count = ::write(descriptor, text.data(), text.size());
    if (count < 0 && errno != EAGAIN && errno != EINTR) {
      return false;
    }
    text.remove_prefix(count > 0 ? static_cast<std::size_t>(count) : 0);
  }
  return true;
}

std::string with_carriage_returns(const std::string& text) {
  std::string converted;
  for (const char c : text) {
    converted += c == '\n' ? std::string("\r\n") : std::string(1, c);
  }
  return converted;
}

std::vector<std::string> console_names() {
  std::ifstream active("/sys/class/tty/console/active");
  std::vector<std::string> names;
  std::string name;
  while (active >> name) {
    names.push_back(name);
  }
  return names;
}

bool write_to_console(const std::string& name, const std::string& text, int patience_ms) {
  const int descriptor = ::open(("/dev/" + name).c_str(), O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
  const bool taken = descriptor >= 0 && write_all(descriptor, text, patience_ms);
  if (descriptor >= 0) {
    ::close(descriptor);
  }
  return taken;
}

// The service manager says which socket of journald it gave us (systemd.exec(5), $JOURNAL_STREAM).
bool output_is_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  struct stat status {};
  return stream != nullptr && ::fstat(STDOUT_FILENO, &status) == 0 &&
         stream == std::to_string(status.st_dev) + ":" + std::to_string(status.st_ino);
}

// "KEY", the value's length as 64 bits little-endian, the value: the form that may hold line breaks.
void add_field(std::string& datagram, const std::string& key, const std::string& value) {
  datagram += key + "\n";
  for (unsigned shift = 0; shift < 64; shift += 8) {
    datagram += static_cast<char>(std::uint64_t{value.size()} >> shift & 0xFFU);
  }
  datagram += value + "\n";
}

}  // namespace

void print(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

void print_error(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

bool output_is_terminal() { return ::isatty(STDOUT_FILENO) == 1; }

bool write_to_consoles(const std::string& text) {
  const std::string converted = "\r\n" + with_carriage_returns(text);
  bool taken = false;
  for (const auto& name : console_names()) {
    taken = write_to_console(name, converted, console_patience_ms) || taken;
  }
  return taken;
}

void print_to_console(const std::string& lines) {
  print(lines);
  if (output_is_journal()) {
    static_cast<void>(write_to_console("console", with_carriage_returns(lines), console_patience_ms));
  }
}

void write_to_further_consoles(const std::string& line) {
  auto names = console_names();
  if (!names.empty()) {
    // /dev/console is the last one (kernel: Documentation/admin-guide/serial-console.rst).
    names.pop_back();
  }
  for (const auto& name : names) {
    static_cast<void>(write_to_console(name, line.substr(0, line.find('\n')) + "\r\n", 0));
  }
}

bool write_to_journal(const std::string& message, const std::vector<std::pair<std::string, std::string>>& fields) {
  std::string datagram;
  add_field(datagram, "MESSAGE", message);
  add_field(datagram, "SYSLOG_IDENTIFIER", "provision");
  for (const auto& [key, value] : fields) {
    add_field(datagram, key, value);
  }
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  constexpr std::string_view path = "/run/systemd/journal/socket";
  std::memcpy(address.sun_path, path.data(), path.size());
  const int descriptor = ::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (descriptor < 0) {
    return false;
  }
  // The socket interface takes every address family by the one base type.
  const auto* base = reinterpret_cast<const sockaddr*>(&address);
  const ssize_t sent = ::sendto(descriptor, datagram.data(), datagram.size(), MSG_NOSIGNAL, base, sizeof(address));
  ::close(descriptor);
  return sent == static_cast<ssize_t>(datagram.size());
}

}  // namespace provision::cli
