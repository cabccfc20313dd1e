// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host/http.hpp"

namespace provision::host {

class LinuxHttp final : public Http {
 public:
  LinuxHttp() = default;
  LinuxHttp(const LinuxHttp&) = delete;
  LinuxHttp& operator=(const LinuxHttp&) = delete;
  LinuxHttp(LinuxHttp&&) = delete;
  LinuxHttp& operator=(LinuxHttp&&) = delete;
  ~LinuxHttp() override;

  Result<HttpAnswer> get(const HttpRequest& request) override;

 private:
  bool started_ = false;
};

// A URL for messages: without user, password, query and fragment, any of which may be a secret.
std::string public_url(const std::string& url);

}  // namespace provision::host
