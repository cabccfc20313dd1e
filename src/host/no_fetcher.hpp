// SPDX-License-Identifier: Apache-2.0
// A host that fetches nothing.
#pragma once

#include "host/fetcher.hpp"

namespace provision::host {

class NoFetcher final : public Fetcher {
 public:
  Result<void> configure(const FetchSettings& /*settings*/) override { return {}; }
  Ticket start(const FetchRequest& /*request*/, Sink& /*sink*/) override { return 0; }
  Result<Fetched> wait(Ticket /*ticket*/) override { return Error(Code::network, "nothing can be fetched here"); }
  void cancel(Ticket /*ticket*/) override {}
  std::vector<FetchProgress> progress() override { return {}; }
};

}  // namespace provision::host
