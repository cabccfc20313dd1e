// SPDX-License-Identifier: Apache-2.0
// Fetching over HTTP(S), by libcurl.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/result.hpp"

namespace provision::host {

struct HttpRequest {
  std::string url;
  // A PEM bundle to trust instead of the distro's; empty: the distro's, wherever this distro keeps it.
  std::string ca_file;
  std::size_t max_bytes = std::size_t{16} << 20U;
  std::chrono::seconds patience{30};
};

struct HttpAnswer {
  long status = 0;
  std::string body;
};

// One request of a conversation. No proxy, no redirects.
struct HttpQuestion {
  std::string url;
  // "GET", "PUT" without a body, "POST".
  std::string method = "GET";
  std::string body{};
  // Their values may be secrets.
  std::vector<std::pair<std::string, std::string>> headers{};
  std::size_t max_bytes = std::size_t{16} << 20U;
  // For the whole answer.
  std::chrono::milliseconds patience{10'000};
};

struct HttpReply {
  long status = 0;
  std::string body;
  // Names in lower case.
  std::vector<std::pair<std::string, std::string>> headers{};
};

// How a lane of a conversation goes on: with a question after a pause, or not at all.
struct HttpNext {
  std::optional<HttpQuestion> question;
  std::chrono::milliseconds pause{0};
};

// Who leads a conversation: called on the caller's thread, one call at a time.
struct HttpLead {
  // What came of the lane's last question; Code::network where no answer came, or it was cut, Code::bad_contents where
  // it was too long.
  std::function<HttpNext(std::size_t lane, const Result<HttpReply>& reply)> answered;
  // Asked at least twice a second, with the time since the beginning: true ends all lanes.
  std::function<bool(std::chrono::milliseconds elapsed)> is_over;
};

class Http {
 public:
  Http() = default;
  Http(const Http&) = delete;
  Http& operator=(const Http&) = delete;
  Http(Http&&) = delete;
  Http& operator=(Http&&) = delete;
  virtual ~Http() = default;

  // Code::network when no answer came or the body was cut; any HTTP status is an answer.
  virtual Result<HttpAnswer> get(const HttpRequest& request) = 0;
  // Several lanes at once, each question by question, until all have ended or the lead says so.
  virtual Result<void> converse(const std::vector<HttpQuestion>& lanes, const HttpLead& lead) = 0;
};

}  // namespace provision::host
