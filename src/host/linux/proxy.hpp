// SPDX-License-Identifier: Apache-2.0
// Which proxy a URL is fetched through, by the config's ignition.proxy.
#pragma once

#include <string>
#include <string_view>

#include "host/fetcher.hpp"

namespace provision::host {

// Where a URL leads, as far as a proxy is concerned. `host` without brackets.
struct ProxyTarget {
  std::string_view scheme;
  std::string_view host;
  unsigned port = 0;
};

// Empty: none. http_proxy serves https too where there is no https_proxy, as the spec's text has it. The machine itself
// is never asked through a proxy. no_proxy's entries are those of Go's httpproxy: an address, a network ("10.0.0.0/8"),
// a domain with all below it ("example.com"), only what is below it (".example.com", "*.example.com"), or "*"; address
// and domain with a port or without.
std::string proxy_for(const FetchSettings& settings, const ProxyTarget& target);

}  // namespace provision::host
