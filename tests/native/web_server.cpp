// SPDX-License-Identifier: Apache-2.0
#include "web_server.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>

namespace provision::test {
namespace {

void send_all(int peer, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t count = ::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (count <= 0) {
      return;
    }
    bytes.remove_prefix(static_cast<std::size_t>(count));
  }
}

host::Descriptor listen_on(bool ipv6, int& port) {
  host::Descriptor made(::socket(ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in6 six{};
  six.sin6_family = AF_INET6;
  six.sin6_addr = in6addr_loopback;
  sockaddr_in four{};
  four.sin_family = AF_INET;
  four.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* address = ipv6 ? reinterpret_cast<sockaddr*>(&six) : reinterpret_cast<sockaddr*>(&four);
  socklen_t length = ipv6 ? sizeof six : sizeof four;
  if (::bind(made.get(), address, length) != 0 || ::listen(made.get(), 64) != 0 ||
      ::getsockname(made.get(), address, &length) != 0) {
    return {};
  }
  port = ntohs(ipv6 ? six.sin6_port : four.sin_port);
  return made;
}

}  // namespace

Reply reply(const std::string& status, const std::string& body, const std::string& headers) {
  return {
      "HTTP/1.1 " + status + "\r\n" + headers + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body,
      Reply::Then::keep};
}

WebServer::WebServer(Handler handler, bool ipv6) : handler_(std::move(handler)) {
  int port = 0;
  socket_ = listen_on(ipv6, port);
  REQUIRE(socket_.valid());
  REQUIRE(::pipe2(stop_.data(), O_CLOEXEC) == 0);
  base_ = (ipv6 ? "http://[::1]:" : "http://127.0.0.1:") + std::to_string(port);
  acceptor_ = std::thread([this] { serve(); });
}

WebServer::~WebServer() {
  ::close(stop_[1]);
  acceptor_.join();
  for (auto& thread : threads_) {
    thread.join();
  }
  ::close(stop_[0]);
}

std::vector<Asked> WebServer::asked() {
  const std::lock_guard lock(mutex_);
  return asked_;
}

std::vector<Asked> WebServer::asked(const std::string& path) {
  std::vector<Asked> all = asked();
  std::erase_if(all, [&](const Asked& one) { return one.path != path; });
  return all;
}

int WebServer::connections() {
  const std::lock_guard lock(mutex_);
  return connections_;
}

void WebServer::serve() {
  while (true) {
    std::array<pollfd, 2> events{pollfd{socket_.get(), POLLIN, 0}, pollfd{stop_[0], POLLIN, 0}};
    ::poll(events.data(), events.size(), -1);
    if (events[1].revents != 0) {
      return;
    }
    const int peer = ::accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC);
    const std::lock_guard lock(mutex_);
    threads_.emplace_back([this, peer, number = ++connections_] { talk(peer, number); });
  }
}

void WebServer::talk(int peer, int number) {
  const host::Descriptor owned(peer);
  std::string buffer;
  while (true) {
    std::array<pollfd, 2> events{pollfd{peer, POLLIN, 0}, pollfd{stop_[0], POLLIN, 0}};
    ::poll(events.data(), events.size(), -1);
    std::array<char, 4096> part{};
    const ssize_t count = events[1].revents != 0 ? 0 : ::recv(peer, part.data(), part.size(), 0);
    if (count <= 0) {
      return;
    }
    buffer.append(part.data(), static_cast<std::size_t>(count));
    const std::size_t end = buffer.find("\r\n\r\n");
    if (end == std::string::npos) {
      continue;
    }
    Asked asked{{}, buffer.substr(0, end + 2), 1, number};
    buffer.erase(0, end + 4);
    const std::size_t begin = asked.head.find(' ') + 1;
    asked.path = asked.head.substr(begin, asked.head.find(' ', begin) - begin);
    {
      const std::lock_guard lock(mutex_);
      asked.count += static_cast<int>(
          std::count_if(asked_.begin(), asked_.end(), [&](const Asked& old) { return old.path == asked.path; }));
      asked_.push_back(asked);
    }
    const Reply made = handler_(asked);
    send_all(peer, made.bytes);
    if (made.then == Reply::Then::close) {
      return;
    }
    if (made.then == Reply::Then::hold) {
      pollfd stop{stop_[0], POLLIN, 0};
      ::poll(&stop, 1, -1);
    }
  }
}

}  // namespace provision::test
