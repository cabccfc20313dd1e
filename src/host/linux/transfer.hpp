// SPDX-License-Identifier: Apache-2.0
// One transfer from its first attempt to its end: redirects, pauses, what is tried again and what is not.
//
// Tried again, for as long as the config's patience lasts: no connection, no name, 408, 425, 429 and every 5xx, headers
// that do not come, a body that stops or ends too early. What came of a body is kept where the server lets us go on
// behind it (a strong ETag and If-Range, RFC 9110 sections 13.1.5 and 14.2). Not tried again: any other status. Tried a
// limited number of times: certificates that are not trusted, and bodies that always end at the same place.
#pragma once

#include <array>
#include <chrono>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>

#include "host/fetcher.hpp"
#include "host/intake.hpp"
#include "host/linux/curl.hpp"

namespace provision::host {

// How long things may take that no config says. Tests are in a hurry.
struct Pace {
  std::chrono::milliseconds first_pause{200};
  std::chrono::milliseconds longest_pause{5'000};
  std::chrono::milliseconds connect_patience{30'000};
  std::chrono::milliseconds stall_patience{30'000};
  // Retry-After is believed up to here.
  std::chrono::milliseconds longest_retry_after{300'000};
  // Attempts that were answered and brought nothing new.
  unsigned fruitless = 10;
};

// The settings, with the trusted authorities made ready.
struct FetchGround {
  FetchSettings settings;
  std::string bundle;
  // PEM text of the distro's bundle and of the config's authorities; empty: the bundle's file alone.
  std::string authorities;
};

using Instant = std::chrono::steady_clock::time_point;

class Transfer {
 public:
  Transfer(FetchRequest request, Sink& sink, std::shared_ptr<const FetchGround> ground, const Pace& pace);
  Transfer(const Transfer&) = delete;
  Transfer& operator=(const Transfer&) = delete;
  Transfer(Transfer&&) = delete;
  Transfer& operator=(Transfer&&) = delete;
  ~Transfer() = default;

  // --- The fetcher's thread only

  // A handle for the next attempt or hop, to be given to the multi handle; null: it has ended already.
  CURL* begin(Instant now, CURLSH* share);
  [[nodiscard]] CURL* handle() const { return handle_.get(); }
  // libcurl says that the attempt has ended; the handle is no longer with the multi handle.
  void ended(CURLcode code, Instant now);
  // When expired() must be asked next.
  [[nodiscard]] std::optional<Instant> deadline() const;
  // Ends the attempt if something took too long: the same as ended().
  [[nodiscard]] bool is_expired(Instant now) const;
  void expire(Instant now);
  // When the next attempt may begin.
  [[nodiscard]] Instant ready_at() const { return ready_at_; }
  [[nodiscard]] std::optional<Result<Fetched>>& result() { return result_; }
  void abandon();

  // --- Any thread

  [[nodiscard]] FetchProgress progress() const;

 private:
  enum class Phase : std::uint8_t { connecting, asked, answered };

  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* user);
  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* user);
  static int on_request(void* user, char* ip, char* local, int port, int local_port);

  std::size_t body(std::string_view bytes);
  void header(std::string_view line);
  // The head of a good answer is complete: is the body what was asked for?
  Result<void> accept_head();
  [[nodiscard]] long status() const;
  Result<void> set_options(CURLSH* share);
  Result<CurlList> header_list() const;
  [[nodiscard]] std::string proxy() const;
  [[nodiscard]] bool may_resume() const;

  void answered(Instant now);
  void complete(Instant now);
  void hop(std::string target);
  void failed(CURLcode code, const std::string& words, Instant now);
  void again(const std::string& words, bool fruitless, Instant now, std::chrono::milliseconds at_least = {});
  void settle(Result<Fetched> result);
  [[nodiscard]] std::optional<Instant> total_end() const;
  [[nodiscard]] Error wrong(const Error& error) const;
  [[nodiscard]] Error network_error(const std::string& reason) const;

  const FetchRequest request_;
  Intake intake_;
  const std::shared_ptr<const FetchGround> ground_;
  const Pace pace_;

  // Over all attempts.
  std::optional<Result<Fetched>> result_;
  std::optional<Instant> begun_;
  Instant ready_at_{};
  unsigned pauses_ = 0;
  unsigned fruitless_ = 0;
  std::uint64_t furthest_ = 0;
  // A strong entity tag, with its quotes.
  std::string etag_;

  // Of this attempt.
  std::string url_;
  unsigned hops_ = 0;
  std::uint64_t resumed_at_ = 0;

  // Of this request.
  CurlHandle handle_;
  CurlList headers_;
  std::array<char, CURL_ERROR_SIZE> words_{};
  Phase phase_ = Phase::connecting;
  Instant phase_since_{};
  bool head_accepted_ = false;
  std::uint64_t discarded_ = 0;
  std::string new_etag_;
  std::string content_range_;
  // What the sink, the unpacking or a wrong answer ended it with.
  std::optional<Error> stopped_;

  mutable std::mutex progress_mutex_;
  FetchProgress progress_;
  Instant next_attempt_{};
};

}  // namespace provision::host
