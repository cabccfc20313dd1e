// SPDX-License-Identifier: Apache-2.0
// Fetching over HTTP(S), by libcurl.
#pragma once

#include <chrono>
#include <string>

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
};

}  // namespace provision::host
