// SPDX-License-Identifier: Apache-2.0
#include "host/linux/transfer.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
#include <random>
#include <utility>

#include "base/text.hpp"
#include "host/linux/proxy.hpp"

namespace provision::host {
namespace {

constexpr unsigned max_hops = 10;
// Of the page that comes with an error; beyond it the connection is not worth keeping.
constexpr std::uint64_t max_discarded = std::uint64_t{256} << 10U;

Instant present() { return std::chrono::steady_clock::now(); }

std::string seconds_of(std::chrono::milliseconds time) {
  const auto count = time.count();
  return count % 1000 == 0 ? std::to_string(count / 1000) + " s" : std::to_string(count) + " ms";
}

// A URL taken apart by libcurl; what is missing is empty.
class ParsedUrl {
 public:
  explicit ParsedUrl(const std::string& url) : parsed_(curl_url()) {
    good_ = parsed_ && curl_url_set(parsed_.get(), CURLUPART_URL, url.c_str(), CURLU_URLENCODE) == CURLUE_OK;
  }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] std::string part(CURLUPart part, unsigned flags = 0) const {
    char* text = nullptr;
    if (!good_ || curl_url_get(parsed_.get(), part, &text, flags) != CURLUE_OK) {
      return {};
    }
    const std::unique_ptr<char, CurlFreed> owned(text);
    return owned.get();
  }

 private:
  std::unique_ptr<CURLU, CurlFreed> parsed_;
  bool good_ = false;
};

bool is_retried(long status) { return status == 408 || status == 425 || status == 429 || status >= 500; }

bool is_redirect(long status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Failures that are not of the network, and that trying again cannot change.
bool is_final(CURLcode code) {
  constexpr std::array codes{
      CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT,         CURLE_NOT_BUILT_IN, CURLE_OUT_OF_MEMORY,
      CURLE_SSL_CACERT_BADFILE,   CURLE_BAD_FUNCTION_ARGUMENT, CURLE_SSL_CIPHER};
  return std::find(codes.begin(), codes.end(), code) != codes.end();
}

bool has_control_character(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return (byte < 0x20 && c != '\t') || byte == 0x7f;
  });
}

// Of the configured headers the last one of a name counts, in whatever case.
bool is_shadowed(const FetchRequest& request, std::size_t index) {
  const std::string name = lower_ascii(request.headers[index].first);
  for (std::size_t i = index + 1; i < request.headers.size(); ++i) {
    if (lower_ascii(request.headers[i].first) == name) {
      return true;
    }
  }
  return false;
}

bool names(const FetchRequest& request, std::string_view header) {
  return std::any_of(request.headers.begin(), request.headers.end(),
                     [&](const auto& own) { return lower_ascii(own.first) == lower_ascii(header); });
}

// "bytes 100-199/200": 100.
std::optional<std::uint64_t> first_byte(std::string_view content_range) {
  constexpr std::string_view unit = "bytes ";
  if (!content_range.starts_with(unit)) {
    return {};
  }
  content_range.remove_prefix(unit.size());
  std::uint64_t first = 0;
  const auto parsed = std::from_chars(content_range.data(), content_range.data() + content_range.size(), first);
  const bool good = parsed.ec == std::errc() && parsed.ptr != content_range.data() + content_range.size();
  return good && *parsed.ptr == '-' ? std::optional(first) : std::nullopt;
}

// Half of it to all of it, so that a fleet that lost its server does not come back in step.
std::chrono::milliseconds with_jitter(std::chrono::milliseconds pause) {
  thread_local std::minstd_rand random{std::random_device{}()};
  std::uniform_int_distribution<std::chrono::milliseconds::rep> pick(pause.count() / 2, pause.count());
  return std::chrono::milliseconds(pick(random));
}

}  // namespace

Transfer::Transfer(FetchRequest request, Sink& sink, std::shared_ptr<const FetchGround> ground, const Pace& pace)
    : request_(std::move(request)),
      intake_(request_, sink),
      ground_(std::move(ground)),
      pace_(pace),
      url_(request_.url) {
  progress_.url = public_url(request_.url);
}

FetchProgress Transfer::progress() const {
  const std::lock_guard lock(progress_mutex_);
  FetchProgress progress = progress_;
  const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(next_attempt_ - present());
  progress.next_attempt = std::max(left, std::chrono::milliseconds(0));
  return progress;
}

// --- An attempt begins

CURL* Transfer::begin(Instant now, CURLSH* share) {
  if (!begun_) {
    begun_ = now;
  }
  handle_.reset(curl_easy_init());
  words_.fill('\0');
  phase_ = Phase::connecting;
  phase_since_ = now;
  head_accepted_ = false;
  discarded_ = 0;
  new_etag_.clear();
  content_range_.clear();
  resumed_at_ = may_resume() ? intake_.wire_bytes() : 0;
  if (hops_ == 0) {
    const std::lock_guard lock(progress_mutex_);
    ++progress_.attempts;
  }
  if (auto set = set_options(share); !set) {
    settle(std::move(set).error());
    return nullptr;
  }
  return handle_.get();
}

bool Transfer::may_resume() const { return intake_.wire_bytes() > 0 && !etag_.empty(); }

Result<CurlList> Transfer::header_list() const {
  const auto no_memory = [this] { return network_error("no memory"); };
  CurlList list;
  const bool own = hops_ == 0;
  for (std::size_t i = 0; own && i < request_.headers.size(); ++i) {
    const auto& [name, value] = request_.headers[i];
    if (name.empty() || has_control_character(name) || has_control_character(value) ||
        name.find_first_of(": ;") != std::string::npos) {
      return network_error("one of its HTTP headers has a character that no header may have");
    }
    // libcurl's way to send a header without a value.
    const std::string line = value.empty() ? name + ";" : name + ": " + value;
    if (!is_shadowed(request_, i) && !append_header(list, line)) {
      return no_memory();
    }
  }
  for (const auto& header : own_headers) {
    const bool replaced = own && names(request_, header.name);
    if (!replaced && !append_header(list, std::string(header.name) + ": " + std::string(header.value))) {
      return no_memory();
    }
  }
  if (resumed_at_ > 0 && !(append_header(list, "Range: bytes=" + std::to_string(resumed_at_) + "-") &&
                           append_header(list, "If-Range: " + etag_))) {
    return no_memory();
  }
  return list;
}

std::string Transfer::proxy() const {
  const ParsedUrl url(url_);
  std::string host = url.part(CURLUPART_HOST);
  if (host.starts_with('[') && host.ends_with(']')) {
    host = host.substr(1, host.size() - 2);
  }
  const std::string scheme = url.part(CURLUPART_SCHEME);
  const std::string port = url.part(CURLUPART_PORT, CURLU_DEFAULT_PORT);
  unsigned number = 0;
  std::from_chars(port.data(), port.data() + port.size(), number);
  return proxy_for(ground_->settings, {scheme, host, number});
}

Result<void> Transfer::set_options(CURLSH* share) {
  const ParsedUrl url(url_);
  if (!handle_ || !url.good()) {
    return network_error(handle_ ? "the URL is malformed" : "no memory");
  }
  headers_ = TRY(header_list());
  CurlOptions options(handle_.get());
  set_basics(options);
  set_trust(options, ground_->bundle, ground_->authorities);
  options.set(CURLOPT_URL, url.part(CURLUPART_URL).c_str());
  options.set(CURLOPT_SHARE, share);
  options.set(CURLOPT_PRIVATE, static_cast<void*>(this));
  options.set(CURLOPT_HTTPHEADER, headers_.get());
  options.set(CURLOPT_ERRORBUFFER, words_.data());
  // The environment has no say: the config has.
  options.set(CURLOPT_PROXY, proxy().c_str());
  options.set(CURLOPT_NOPROXY, "");
  options.set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  options.set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(pace_.connect_patience.count()));
  options.set(CURLOPT_TCP_KEEPALIVE, 1L);
  // Rather wait for a stream of the one HTTP/2 connection than open another. Only where TLS tells at once which it is:
  // without, libcurl would wait for the first answer.
  const bool has_http2 = (curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2) != 0;
  options.set(CURLOPT_PIPEWAIT, has_http2 && url.part(CURLUPART_SCHEME) == "https" ? 1L : 0L);
  options.set(CURLOPT_BUFFERSIZE, 131072L);
  options.set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
  options.set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  options.set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
  options.set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  options.set(CURLOPT_PREREQFUNCTION, &Transfer::on_request);
  options.set(CURLOPT_PREREQDATA, static_cast<void*>(this));
  if (options.failure() != CURLE_OK) {
    return network_error(curl_easy_strerror(options.failure()));
  }
  return {};
}

// --- While it runs

int Transfer::on_request(void* user, char* /*ip*/, char* /*local*/, int /*port*/, int /*local_port*/) {
  auto& transfer = *static_cast<Transfer*>(user);
  transfer.phase_ = Phase::asked;
  transfer.phase_since_ = present();
  return CURL_PREREQFUNC_OK;
}

std::size_t Transfer::on_header(char* bytes, std::size_t size, std::size_t count, void* user) {
  static_cast<Transfer*>(user)->header(std::string_view(bytes, size * count));
  return size * count;
}

void Transfer::header(std::string_view line) {
  line = trim(line);
  if (line.starts_with("HTTP/")) {
    new_etag_.clear();
    content_range_.clear();
    return;
  }
  if (line.empty() && status() >= 200) {
    phase_ = Phase::answered;
    phase_since_ = present();
    return;
  }
  const std::size_t colon = line.find(':');
  const std::string name = lower_ascii(line.substr(0, colon));
  const std::string_view value = colon == std::string_view::npos ? "" : trim(line.substr(colon + 1));
  if (name == "etag" && value.starts_with('"')) {
    new_etag_ = value;
  } else if (name == "content-range") {
    content_range_ = value;
  }
}

long Transfer::status() const {
  long status = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RESPONSE_CODE, &status);
  return status;
}

Result<void> Transfer::accept_head() {
  head_accepted_ = true;
  if (status() == 206) {
    if (resumed_at_ == 0 || first_byte(content_range_) != resumed_at_) {
      etag_.clear();
      return Error(Code::network, "the server sent another part than was asked for");
    }
  } else {
    TRY(intake_.restart());
    etag_ = new_etag_;
  }
  curl_off_t length = -1;
  curl_easy_getinfo(handle_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
  const std::lock_guard lock(progress_mutex_);
  progress_.bytes = intake_.wire_bytes();
  progress_.of = length > 0 ? intake_.wire_bytes() + static_cast<std::uint64_t>(length) : 0;
  return {};
}

std::size_t Transfer::on_body(char* bytes, std::size_t size, std::size_t count, void* user) {
  return static_cast<Transfer*>(user)->body(std::string_view(bytes, size * count));
}

// Anything but the size stops the transfer.
std::size_t Transfer::body(std::string_view bytes) {
  const long code = status();
  phase_since_ = present();
  if (code != 200 && code != 206) {
    discarded_ += bytes.size();
    return discarded_ > max_discarded ? 0 : bytes.size();
  }
  Result<void> taken = head_accepted_ ? Result<void>() : accept_head();
  if (taken) {
    taken = intake_.add(bytes);
  }
  if (!taken) {
    stopped_ = std::move(taken).error();
    return 0;
  }
  const std::lock_guard lock(progress_mutex_);
  progress_.bytes = intake_.wire_bytes();
  return bytes.size();
}

// --- Patience

std::optional<Instant> Transfer::total_end() const {
  const auto patience = ground_->settings.total_patience;
  return begun_ && patience.count() > 0 ? std::optional(*begun_ + patience) : std::nullopt;
}

std::optional<Instant> Transfer::deadline() const {
  std::optional<Instant> end = total_end();
  const auto sooner = [&](Instant instant) { end = end ? std::min(*end, instant) : instant; };
  if (handle_ && phase_ == Phase::asked && ground_->settings.headers_patience.count() > 0) {
    sooner(phase_since_ + ground_->settings.headers_patience);
  }
  if (handle_ && phase_ == Phase::answered) {
    sooner(phase_since_ + pace_.stall_patience);
  }
  return end;
}

bool Transfer::is_expired(Instant now) const {
  const auto end = deadline();
  return end && *end <= now;
}

void Transfer::expire(Instant now) {
  const Phase phase = phase_;
  handle_.reset();
  if (const auto end = total_end(); end && *end <= now) {
    const std::string last = progress().last_failure;
    settle(network_error("it was not there within " + seconds_of(ground_->settings.total_patience) +
                         (last.empty() ? "" : "; the last attempt: " + last)));
  } else if (phase == Phase::asked) {
    again("no answer within " + seconds_of(ground_->settings.headers_patience), false, now);
  } else {
    again("nothing more came for " + seconds_of(pace_.stall_patience), true, now);
  }
}

void Transfer::abandon() {
  handle_.reset();
  settle(network_error("given up"));
}

// --- An attempt ends

void Transfer::ended(CURLcode code, Instant now) {
  if (stopped_) {
    const Error error = *std::exchange(stopped_, std::nullopt);
    error.code == Code::network ? again(error.what, true, now) : settle(wrong(error));
    return;
  }
  const bool unread_page = code == CURLE_WRITE_ERROR && discarded_ > max_discarded;
  if (code == CURLE_OK || unread_page) {
    answered(now);
    return;
  }
  const std::string trusted =
      ground_->bundle + (ground_->authorities.empty() ? "" : " and the config's own certificate authorities");
  failed(code, reason_of(code, words_.data(), trusted), now);
}

void Transfer::answered(Instant now) {
  const long code = status();
  char* target = nullptr;
  curl_easy_getinfo(handle_.get(), CURLINFO_REDIRECT_URL, &target);
  curl_off_t wait_seconds = 0;
  curl_easy_getinfo(handle_.get(), CURLINFO_RETRY_AFTER, &wait_seconds);
  if (code == 200 || code == 204 || code == 206) {
    complete(now);
  } else if (is_redirect(code) && target != nullptr) {
    hop(target);
  } else if (is_retried(code)) {
    const auto believed = std::min<curl_off_t>(wait_seconds, pace_.longest_retry_after.count() / 1000);
    again("the server answered " + std::to_string(code), false, now, std::chrono::seconds(believed));
  } else if (code == 416 && resumed_at_ > 0) {
    etag_.clear();
    again("the server cannot go on where it stopped", true, now);
  } else {
    settle(network_error("the server answered " + std::to_string(code)));
  }
}

void Transfer::complete(Instant now) {
  if (!head_accepted_) {
    if (auto accepted = accept_head(); !accepted) {
      accepted.error().code == Code::network ? again(accepted.error().what, true, now)
                                             : settle(wrong(accepted.error()));
      return;
    }
  }
  Result<Fetched> fetched = intake_.finish();
  settle(fetched ? std::move(fetched) : wrong(fetched.error()));
}

void Transfer::hop(std::string target) {
  const ParsedUrl from(url_);
  const ParsedUrl to(target);
  const std::string scheme = to.part(CURLUPART_SCHEME);
  if (!to.good() || (scheme != "http" && scheme != "https")) {
    settle(network_error("the server redirects to something that is not http or https"));
  } else if (from.part(CURLUPART_SCHEME) == "https" && scheme == "http") {
    settle(network_error("the server redirects from https to http, to " + public_url(target)));
  } else if (++hops_ > max_hops) {
    settle(
        network_error("more than " + std::to_string(max_hops) + " redirects, the last one to " + public_url(target)));
  } else {
    url_ = std::move(target);
    ready_at_ = {};
    handle_.reset();
  }
}

void Transfer::failed(CURLcode code, const std::string& words, Instant now) {
  if (is_final(code)) {
    settle(network_error(words));
    return;
  }
  const bool distrusted = code == CURLE_PEER_FAILED_VERIFICATION;
  again(words, distrusted || phase_ == Phase::answered, now);
}

void Transfer::again(const std::string& words, bool fruitless, Instant now, std::chrono::milliseconds at_least) {
  const bool further = intake_.wire_bytes() > furthest_;
  furthest_ = std::max(furthest_, intake_.wire_bytes());
  pauses_ = further ? 0 : pauses_;
  fruitless_ = further ? 0 : fruitless_ + (fruitless ? 1 : 0);
  if (fruitless_ >= pace_.fruitless) {
    settle(network_error(words + ", " + std::to_string(fruitless_) + " times"));
    return;
  }
  const auto doubled = pace_.first_pause * (1U << std::min(pauses_, 10U));
  ++pauses_;
  ready_at_ = now + std::max(at_least, with_jitter(std::min(doubled, pace_.longest_pause)));
  {
    const std::lock_guard lock(progress_mutex_);
    progress_.last_failure = words;
    next_attempt_ = ready_at_;
  }
  url_ = request_.url;
  hops_ = 0;
  handle_.reset();
}

void Transfer::settle(Result<Fetched> result) {
  handle_.reset();
  result_ = std::move(result);
}

// The sink's own errors stay as they are.
Error Transfer::wrong(const Error& error) const {
  if (error.code != Code::bad_contents) {
    return error;
  }
  return {Code::bad_contents, "what came from " + public_url(request_.url) + " is wrong: " + error.what};
}

Error Transfer::network_error(const std::string& reason) const {
  std::string sentence = "cannot fetch " + public_url(request_.url);
  if (hops_ > 0 && url_ != request_.url) {
    sentence += " (redirected to " + public_url(url_) + ")";
  }
  return {Code::network, sentence + ": " + reason};
}

}  // namespace provision::host
