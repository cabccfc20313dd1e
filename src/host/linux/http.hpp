// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host/http.hpp"
#include "host/linux/curl.hpp"

namespace provision::host {

class LinuxHttp final : public Http {
 public:
  Result<HttpAnswer> get(const HttpRequest& request) override;
  Result<void> converse(const std::vector<HttpQuestion>& lanes, const HttpLead& lead) override;

 private:
  CurlStart start_;
};

}  // namespace provision::host
