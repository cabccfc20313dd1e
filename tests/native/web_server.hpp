// SPDX-License-Identifier: Apache-2.0
// A server on the loopback that answers as a test says, connection by connection.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "host/linux/descriptor.hpp"

namespace provision::test {

struct Asked {
  // With the query.
  std::string path;
  // The whole head of the request.
  std::string head;
  // The how manyth request for this path, from 1.
  int count = 0;
  // Which connection, from 1.
  int connection = 0;
  [[nodiscard]] bool has(std::string_view line) const { return head.find(line) != std::string::npos; }
};

struct Reply {
  enum class Then : std::uint8_t { keep, close, hold };
  // As they go over the wire.
  std::string bytes;
  // hold: nothing more comes until the server ends.
  Then then = Then::keep;
};

Reply reply(const std::string& status, const std::string& body, const std::string& headers = {});

class WebServer {
 public:
  // Called by many threads, one at a time unless it waits.
  using Handler = std::function<Reply(const Asked&)>;

  explicit WebServer(Handler handler, bool ipv6 = false);
  WebServer(const WebServer&) = delete;
  WebServer& operator=(const WebServer&) = delete;
  WebServer(WebServer&&) = delete;
  WebServer& operator=(WebServer&&) = delete;
  ~WebServer();

  [[nodiscard]] std::string url(const std::string& path) const { return base_ + path; }
  [[nodiscard]] std::vector<Asked> asked();
  [[nodiscard]] std::vector<Asked> asked(const std::string& path);
  [[nodiscard]] int connections();

 private:
  void serve();
  void talk(int peer, int number);

  Handler handler_;
  host::Descriptor socket_;
  std::array<int, 2> stop_{};
  std::string base_;
  std::mutex mutex_;
  std::vector<Asked> asked_;
  int connections_ = 0;
  // One a connection; only the acceptor adds to them.
  std::vector<std::thread> threads_;
  std::thread acceptor_;
};

}  // namespace provision::test
