// SPDX-License-Identifier: Apache-2.0
// Fetching by libcurl's multi interface, on one thread of its own: one pool of connections, names and TLS sessions for
// the process. Nothing is started before the first transfer.
#pragma once

#include <memory>

#include "host/fetcher.hpp"
#include "host/linux/transfer.hpp"

namespace provision::host {

class LinuxFetcher final : public Fetcher {
 public:
  explicit LinuxFetcher(const Pace& pace = {});
  LinuxFetcher(const LinuxFetcher&) = delete;
  LinuxFetcher& operator=(const LinuxFetcher&) = delete;
  LinuxFetcher(LinuxFetcher&&) = delete;
  LinuxFetcher& operator=(LinuxFetcher&&) = delete;
  ~LinuxFetcher() override;

  Result<void> configure(const FetchSettings& settings) override;
  Ticket start(const FetchRequest& request, Sink& sink) override;
  Result<Fetched> wait(Ticket ticket) override;
  void cancel(Ticket ticket) override;
  std::vector<FetchProgress> progress() override;

 private:
  class Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace provision::host
