// SPDX-License-Identifier: Apache-2.0
// Fetching: many transfers at once, by one asynchronous engine on a thread of its own. Bytes go into a sink as they
// come, decompressed and with the hash checked on the way; nothing is kept in memory.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/digest.hpp"
#include "base/result.hpp"

namespace provision::host {

// Where a transfer's bytes go. Called from the fetcher's thread, never by two transfers at once. An error stops the
// transfer and becomes its result.
class Sink {
 public:
  Sink() = default;
  Sink(const Sink&) = delete;
  Sink& operator=(const Sink&) = delete;
  Sink(Sink&&) = delete;
  Sink& operator=(Sink&&) = delete;
  virtual ~Sink() = default;

  virtual Result<void> write(std::string_view bytes) = 0;
  // The transfer begins anew: what was written is void.
  virtual Result<void> restart() = 0;
};

struct FetchRequest {
  // http, https.
  std::string url;
  // Sent to the URL's own host only: dropped on every redirect. Their values may be secrets.
  std::vector<std::pair<std::string, std::string>> headers;
  // "", or "gzip" (spec: resource.compression).
  std::string compression;
  // Of the bytes after decompression (spec: resource.verification).
  std::optional<Digest> expected;
  // Of the bytes after decompression.
  std::uint64_t max_bytes = std::uint64_t{1} << 40U;
};

struct Fetched {
  std::uint64_t bytes = 0;
  // Of what the sink got: by the function of what was expected, SHA-256 where nothing was.
  Digest digest;
};

// What a config says for all its transfers (spec: ignition.timeouts, .security, .proxy).
struct FetchSettings {
  // How long to wait for the answer's headers in one attempt.
  std::chrono::seconds headers_patience{10};
  // How long all attempts of one transfer may take; 0: no end.
  std::chrono::seconds total_patience{0};
  // PEM texts of certificate authorities that are trusted beside the distro's.
  std::vector<std::string> authorities;
  std::string http_proxy;
  std::string https_proxy;
  std::vector<std::string> no_proxy;
};

// For a console line: how much has come, of how much (0: unknown), what an attempt failed with last, and how long it is
// until the next one (0: one is under way).
struct FetchProgress {
  std::string url;
  std::uint64_t bytes = 0;
  std::uint64_t of = 0;
  unsigned attempts = 0;
  std::string last_failure;
  std::chrono::milliseconds next_attempt{0};
};

using Ticket = std::uint64_t;

class Fetcher {
 public:
  Fetcher() = default;
  Fetcher(const Fetcher&) = delete;
  Fetcher& operator=(const Fetcher&) = delete;
  Fetcher(Fetcher&&) = delete;
  Fetcher& operator=(Fetcher&&) = delete;
  virtual ~Fetcher() = default;

  // For transfers that begin afterwards.
  virtual Result<void> configure(const FetchSettings& settings) = 0;
  // Begins, or queues, and returns at once. The sink lives until wait() has returned.
  virtual Ticket start(const FetchRequest& request, Sink& sink) = 0;
  // Waits for the end. Code::network: no answer within the patience, or a status that trying again does not change
  // (403, 404, …); Code::bad_contents: the bytes are not those of the hash, or not of the compression. Then what the
  // sink got is worthless. Each ticket is waited for once.
  virtual Result<Fetched> wait(Ticket ticket) = 0;
  // Ends a transfer that nobody will wait for. When it returns, the sink is not called any more.
  virtual void cancel(Ticket ticket) = 0;
  // Transfers under way.
  virtual std::vector<FetchProgress> progress() = 0;
};

}  // namespace provision::host
