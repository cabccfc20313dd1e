// SPDX-License-Identifier: Apache-2.0
// Conversations: several lanes of questions at once, by libcurl's multi interface, on the caller's thread.
#include <algorithm>
#include <array>
#include <chrono>
#include <memory>

#include "base/text.hpp"
#include "host/linux/http.hpp"

namespace provision::host {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds most_wait{250};
constexpr std::size_t most_header_bytes = std::size_t{64} << 10U;

struct MultiFreed {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
using MultiHandle = std::unique_ptr<CURLM, MultiFreed>;

std::chrono::milliseconds since(Clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - start);
}

// What is under way, or waits for its time.
class Lane {
 public:
  explicit Lane(HttpNext next) { take(std::move(next)); }
  Lane(const Lane&) = delete;
  Lane& operator=(const Lane&) = delete;
  Lane(Lane&&) = delete;
  Lane& operator=(Lane&&) = delete;
  ~Lane() = default;

  void take(HttpNext next) {
    ready_ = Clock::now() + next.pause;
    question_ = std::move(next.question);
  }
  [[nodiscard]] bool has_ended() const { return !question_ && !curl_; }
  [[nodiscard]] bool is_due() const { return question_ && !curl_ && Clock::now() >= ready_; }
  [[nodiscard]] std::chrono::milliseconds wait() const {
    return question_ && !curl_ ? std::chrono::ceil<std::chrono::milliseconds>(ready_ - Clock::now()) : most_wait;
  }
  [[nodiscard]] CURL* handle() const { return curl_.get(); }

  // Null if libcurl cannot.
  CURL* begin() {
    reply_ = {};
    words_ = {};
    overflown_ = false;
    header_bytes_ = 0;
    curl_.reset(curl_easy_init());
    list_.reset();
    const bool listed = curl_ && list_headers();
    if (!listed || !set_options()) {
      curl_.reset();
    }
    return curl_.get();
  }

  void drop() { curl_.reset(); }

  Result<HttpReply> end(CURLcode code) {
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &reply_.status);
    curl_.reset();
    if (overflown_) {
      return Error(Code::bad_contents, "the answer is longer than " + std::to_string(question_->max_bytes) + " bytes");
    }
    if (code != CURLE_OK) {
      return Error(Code::network, reason_of(code, words_.data(), {}));
    }
    return std::move(reply_);
  }

 private:
  bool list_headers() {
    for (const auto& header : own_headers) {
      if (!append_header(list_, std::string(header.name) + ": " + std::string(header.value))) {
        return false;
      }
    }
    return std::all_of(question_->headers.begin(), question_->headers.end(),
                       [&](const auto& header) { return append_header(list_, header.first + ": " + header.second); });
  }

  bool set_options() {
    CurlOptions options(curl_.get());
    set_basics(options);
    set_trust(options, distro_bundle(), {});
    options.set(CURLOPT_URL, question_->url.c_str());
    options.set(CURLOPT_PROXY, "");
    options.set(CURLOPT_TIMEOUT_MS, static_cast<long>(question_->patience.count()));
    options.set(CURLOPT_HTTPHEADER, list_.get());
    options.set(CURLOPT_ERRORBUFFER, words_.data());
    options.set(CURLOPT_WRITEFUNCTION, &on_body);
    options.set(CURLOPT_WRITEDATA, this);
    options.set(CURLOPT_HEADERFUNCTION, &on_header);
    options.set(CURLOPT_HEADERDATA, this);
    options.set(CURLOPT_PRIVATE, this);
    if (question_->method == "POST") {
      options.set(CURLOPT_POSTFIELDSIZE, static_cast<long>(question_->body.size()));
      options.set(CURLOPT_POSTFIELDS, question_->body.c_str());
    } else if (question_->method != "GET") {
      options.set(CURLOPT_CUSTOMREQUEST, question_->method.c_str());
    }
    return options.failure() == CURLE_OK;
  }

  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* user) {
    auto& lane = *static_cast<Lane*>(user);
    if (size * count > lane.question_->max_bytes - lane.reply_.body.size()) {
      lane.overflown_ = true;
      return 0;
    }
    lane.reply_.body.append(bytes, size * count);
    return size * count;
  }

  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* user) {
    auto& lane = *static_cast<Lane*>(user);
    const std::string_view line = trim(std::string_view(bytes, size * count));
    lane.header_bytes_ += size * count;
    const std::size_t colon = line.find(':');
    if (colon != std::string_view::npos && lane.header_bytes_ <= most_header_bytes) {
      lane.reply_.headers.emplace_back(lower_ascii(line.substr(0, colon)), trim(line.substr(colon + 1)));
    }
    return size * count;
  }

  std::optional<HttpQuestion> question_;
  Clock::time_point ready_;
  HttpReply reply_;
  bool overflown_ = false;
  std::size_t header_bytes_ = 0;
  std::array<char, CURL_ERROR_SIZE> words_{};
  CurlList list_;
  CurlHandle curl_;
};

class Conversation {
 public:
  Conversation(CURLM* multi, const std::vector<HttpQuestion>& lanes, const HttpLead& lead)
      : multi_(multi), lead_(lead) {
    for (const auto& question : lanes) {
      lanes_.push_back(std::make_unique<Lane>(HttpNext{question, {}}));
    }
  }
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;
  Conversation(Conversation&&) = delete;
  Conversation& operator=(Conversation&&) = delete;
  ~Conversation() {
    for (const auto& lane : lanes_) {
      if (lane->handle() != nullptr) {
        curl_multi_remove_handle(multi_, lane->handle());
      }
    }
  }

  Result<void> run() {
    const auto start = Clock::now();
    while (!lead_.is_over(since(start))) {
      begin_due();
      int running = 0;
      if (curl_multi_perform(multi_, &running) != CURLM_OK) {
        return Error(Code::network, "cannot use libcurl");
      }
      take_answers();
      if (std::all_of(lanes_.begin(), lanes_.end(), [](const auto& lane) { return lane->has_ended(); })) {
        break;
      }
      curl_multi_poll(multi_, nullptr, 0, static_cast<int>(wait().count()), nullptr);
    }
    return {};
  }

 private:
  void begin_due() {
    for (std::size_t i = 0; i < lanes_.size(); ++i) {
      if (!lanes_[i]->is_due()) {
        continue;
      }
      CURL* const curl = lanes_[i]->begin();
      if (curl == nullptr || curl_multi_add_handle(multi_, curl) != CURLM_OK) {
        lanes_[i]->drop();
        lanes_[i]->take(lead_.answered(i, Error(Code::network, "cannot use libcurl", ENOMEM)));
      }
    }
  }

  void take_answers() {
    int left = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) {
        continue;
      }
      const CURLcode code = message->data.result;
      CURL* const curl = message->easy_handle;
      const auto lane =
          std::find_if(lanes_.begin(), lanes_.end(), [&](const auto& one) { return one->handle() == curl; });
      curl_multi_remove_handle(multi_, curl);
      const Result<HttpReply> reply = (*lane)->end(code);
      (*lane)->take(lead_.answered(static_cast<std::size_t>(lane - lanes_.begin()), reply));
    }
  }

  [[nodiscard]] std::chrono::milliseconds wait() const {
    std::chrono::milliseconds least = most_wait;
    for (const auto& lane : lanes_) {
      least = std::min(least, lane->wait());
    }
    return std::max(least, std::chrono::milliseconds(0));
  }

  CURLM* multi_;
  const HttpLead& lead_;
  std::vector<std::unique_ptr<Lane>> lanes_;
};

}  // namespace

Result<void> LinuxHttp::converse(const std::vector<HttpQuestion>& lanes, const HttpLead& lead) {
  const MultiHandle multi(start_.ensure() ? curl_multi_init() : nullptr);
  if (!multi) {
    return Error(Code::network, "cannot use libcurl", ENOMEM);
  }
  return Conversation(multi.get(), lanes, lead).run();
}

}  // namespace provision::host
