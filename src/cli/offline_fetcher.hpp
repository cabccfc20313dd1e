// SPDX-License-Identifier: Apache-2.0
// A fetcher for whoever wants nothing fetched: each transfer fails, with words for the user.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/fetcher.hpp"

namespace provision::cli {

inline constexpr std::string_view offline_words = "it is fetched over the network, which --offline does not allow";

class OfflineFetcher final : public host::Fetcher {
 public:
  Result<void> configure(const host::FetchSettings& /*settings*/) override { return {}; }
  host::Ticket start(const host::FetchRequest& /*request*/, host::Sink& /*sink*/) override { return 0; }
  Result<host::Fetched> wait(host::Ticket /*ticket*/) override {
    return Error(Code::usage, std::string(offline_words));
  }
  void cancel(host::Ticket /*ticket*/) override {}
  std::vector<host::FetchProgress> progress() override { return {}; }
};

}  // namespace provision::cli
