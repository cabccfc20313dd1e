// SPDX-License-Identifier: Apache-2.0
#include "host/linux/fetcher.hpp"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <algorithm>
#include <condition_variable>
#include <csignal>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <thread>

#include "base/assert.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {
namespace {

// All together: also to one server, which the latency of small files asks for.
constexpr std::size_t max_transfers = 16;
constexpr auto longest_sleep = std::chrono::milliseconds(10'000);
constexpr std::size_t max_bundle_bytes = std::size_t{16} << 20U;

struct MultiFreed {
  void operator()(CURLM* multi) const { curl_multi_cleanup(multi); }
};
struct ShareFreed {
  void operator()(CURLSH* share) const { curl_share_cleanup(share); }
};

struct BioFreed {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
struct CertificateFreed {
  void operator()(X509* certificate) const { X509_free(certificate); }
};

// libcurl passes over what it cannot read; we do not.
bool holds_certificates(const std::string& pem) {
  const std::unique_ptr<BIO, BioFreed> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  std::size_t count = 0;
  while (true) {
    const std::unique_ptr<X509, CertificateFreed> certificate(PEM_read_bio_X509(bio.get(), nullptr, nullptr, nullptr));
    if (!certificate) {
      break;
    }
    ++count;
  }
  const bool at_end = ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE;
  ERR_clear_error();
  return count > 0 && at_end;
}

Result<std::string> read_bundle(const std::string& path) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file.valid()) {
    return io_error("cannot open " + path);
  }
  return read_all(file.get(), max_bundle_bytes, path);
}

Result<std::shared_ptr<const FetchGround>> ground_of(const FetchSettings& settings) {
  auto ground = std::make_shared<FetchGround>();
  ground->settings = settings;
  ground->bundle = distro_bundle();
  for (const auto& authority : settings.authorities) {
    if (!holds_certificates(authority)) {
      return Error(Code::bad_contents, "a certificate authority of the config is not a PEM file of certificates");
    }
    ground->authorities += authority + "\n";
  }
  if (!ground->authorities.empty() && !ground->bundle.empty()) {
    ground->authorities += TRY(read_bundle(ground->bundle));
  }
  return std::shared_ptr<const FetchGround>(std::move(ground));
}

// The thread gets no signal: the program's handlers run elsewhere.
class SignalsHeldBack {
 public:
  SignalsHeldBack() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  SignalsHeldBack(const SignalsHeldBack&) = delete;
  SignalsHeldBack& operator=(const SignalsHeldBack&) = delete;
  SignalsHeldBack(SignalsHeldBack&&) = delete;
  SignalsHeldBack& operator=(SignalsHeldBack&&) = delete;
  ~SignalsHeldBack() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace

class LinuxFetcher::Engine {
 public:
  explicit Engine(const Pace& pace) : pace_(pace), ground_(*ground_of({})) {}
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;
  Engine(Engine&&) = delete;
  Engine& operator=(Engine&&) = delete;
  ~Engine();

  Result<void> configure(const FetchSettings& settings);
  Ticket start(const FetchRequest& request, Sink& sink);
  Result<Fetched> wait(Ticket ticket);
  void cancel(Ticket ticket);
  std::vector<FetchProgress> progress();

 private:
  using Shared = std::shared_ptr<Transfer>;

  bool ensure_started();
  void run();
  bool take_in();
  void begin_ready(Instant now);
  bool begin_one(Instant now);
  void collect_ended();
  void collect_expired();
  void collect_cancelled();
  void place(const Shared& transfer);
  std::chrono::milliseconds sleep_time(Instant now) const;

  const Pace pace_;
  CurlStart start_;
  std::unique_ptr<CURLSH, ShareFreed> share_;
  std::unique_ptr<CURLM, MultiFreed> multi_;

  std::mutex mutex_;
  std::condition_variable settled_;
  std::shared_ptr<const FetchGround> ground_;
  std::map<Ticket, Shared> transfers_;
  std::map<const Transfer*, Result<Fetched>> results_;
  std::vector<Shared> incoming_;
  std::set<const Transfer*> cancelled_;
  Ticket last_ticket_ = 0;
  bool stopping_ = false;

  // The thread's own: waiting for their turn, or for the end of a pause; and under way.
  std::deque<Shared> waiting_;
  std::vector<Shared> active_;
  std::thread thread_;
};

LinuxFetcher::Engine::~Engine() {
  if (!thread_.joinable()) {
    return;
  }
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  curl_multi_wakeup(multi_.get());
  thread_.join();
}

Result<void> LinuxFetcher::Engine::configure(const FetchSettings& settings) {
  auto ground = TRY(ground_of(settings));
  const std::lock_guard lock(mutex_);
  ground_ = std::move(ground);
  return {};
}

// With the mutex held.
bool LinuxFetcher::Engine::ensure_started() {
  if (thread_.joinable()) {
    return true;
  }
  if (!start_.ensure()) {
    return false;
  }
  share_.reset(curl_share_init());
  multi_.reset(curl_multi_init());
  if (!share_ || !multi_) {
    return false;
  }
  // All handles are used from one thread: no locks.
  curl_share_setopt(share_.get(), CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS, static_cast<long>(2 * max_transfers));
  const SignalsHeldBack held;
  thread_ = std::thread([this] { run(); });
  return true;
}

Ticket LinuxFetcher::Engine::start(const FetchRequest& request, Sink& sink) {
  const std::lock_guard lock(mutex_);
  const Ticket ticket = ++last_ticket_;
  auto transfer = std::make_shared<Transfer>(request, sink, ground_, pace_);
  transfers_[ticket] = transfer;
  if (!ensure_started()) {
    results_.emplace(transfer.get(), Error(Code::network, "cannot use libcurl", ENOMEM));
    return ticket;
  }
  incoming_.push_back(std::move(transfer));
  curl_multi_wakeup(multi_.get());
  return ticket;
}

Result<Fetched> LinuxFetcher::Engine::wait(Ticket ticket) {
  std::unique_lock lock(mutex_);
  const auto found = transfers_.find(ticket);
  INVARIANT(found != transfers_.end());
  const Shared transfer = found->second;
  settled_.wait(lock, [&] { return results_.contains(transfer.get()); });
  Result<Fetched> result = std::move(results_.at(transfer.get()));
  results_.erase(transfer.get());
  transfers_.erase(ticket);
  return result;
}

void LinuxFetcher::Engine::cancel(Ticket ticket) {
  {
    const std::lock_guard lock(mutex_);
    const auto found = transfers_.find(ticket);
    INVARIANT(found != transfers_.end());
    if (!results_.contains(found->second.get())) {
      cancelled_.insert(found->second.get());
      curl_multi_wakeup(multi_.get());
    }
  }
  static_cast<void>(wait(ticket));
}

std::vector<FetchProgress> LinuxFetcher::Engine::progress() {
  const std::lock_guard lock(mutex_);
  std::vector<FetchProgress> all;
  for (const auto& [ticket, transfer] : transfers_) {
    if (!results_.contains(transfer.get())) {
      all.push_back(transfer->progress());
    }
  }
  return all;
}

void LinuxFetcher::Engine::run() {
  while (take_in()) {
    collect_cancelled();
    begin_ready(std::chrono::steady_clock::now());
    int running = 0;
    curl_multi_perform(multi_.get(), &running);
    collect_ended();
    collect_expired();
    const auto sleep = sleep_time(std::chrono::steady_clock::now());
    curl_multi_poll(multi_.get(), nullptr, 0, static_cast<int>(sleep.count()), nullptr);
  }
  for (const auto& transfer : active_) {
    curl_multi_remove_handle(multi_.get(), transfer->handle());
    transfer->abandon();
  }
}

// False: the end.
bool LinuxFetcher::Engine::take_in() {
  const std::lock_guard lock(mutex_);
  waiting_.insert(waiting_.end(), incoming_.begin(), incoming_.end());
  incoming_.clear();
  return !stopping_;
}

void LinuxFetcher::Engine::begin_ready(Instant now) {
  while (active_.size() < max_transfers && begin_one(now)) {
  }
}

bool LinuxFetcher::Engine::begin_one(Instant now) {
  const auto found = std::find_if(waiting_.begin(), waiting_.end(),
                                  [&](const Shared& transfer) { return transfer->ready_at() <= now; });
  if (found == waiting_.end()) {
    return false;
  }
  const Shared transfer = *found;
  waiting_.erase(found);
  CURL* handle = transfer->begin(now, share_.get());
  if (handle == nullptr) {
    place(transfer);
    return true;
  }
  active_.push_back(transfer);
  if (curl_multi_add_handle(multi_.get(), handle) != CURLM_OK) {
    active_.pop_back();
    transfer->abandon();
    place(transfer);
  }
  return true;
}

// Where a transfer belongs that is not under way: to those that wait, or to those that are done.
void LinuxFetcher::Engine::place(const Shared& transfer) {
  if (!transfer->result()) {
    // The next hop at once; a next attempt at its time, behind the others.
    transfer->ready_at() == Instant{} ? waiting_.push_front(transfer) : waiting_.push_back(transfer);
    return;
  }
  const std::lock_guard lock(mutex_);
  results_.emplace(transfer.get(), *std::move(transfer->result()));
  settled_.notify_all();
}

void LinuxFetcher::Engine::collect_ended() {
  int left = 0;
  while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &left)) {
    CURL* handle = message->easy_handle;
    const CURLcode code = message->data.result;
    const auto found = std::find_if(active_.begin(), active_.end(),
                                    [&](const Shared& transfer) { return transfer->handle() == handle; });
    INVARIANT(found != active_.end());
    const Shared transfer = *found;
    active_.erase(found);
    curl_multi_remove_handle(multi_.get(), handle);
    transfer->ended(code, std::chrono::steady_clock::now());
    place(transfer);
  }
}

void LinuxFetcher::Engine::collect_expired() {
  const Instant now = std::chrono::steady_clock::now();
  std::vector<Shared> late;
  const auto is_late = [&](const Shared& transfer) { return transfer->is_expired(now); };
  std::copy_if(active_.begin(), active_.end(), std::back_inserter(late), is_late);
  std::copy_if(waiting_.begin(), waiting_.end(), std::back_inserter(late), is_late);
  std::erase_if(active_, is_late);
  std::erase_if(waiting_, is_late);
  for (const auto& transfer : late) {
    if (transfer->handle() != nullptr) {
      curl_multi_remove_handle(multi_.get(), transfer->handle());
    }
    transfer->expire(now);
    place(transfer);
  }
}

void LinuxFetcher::Engine::collect_cancelled() {
  const std::lock_guard lock(mutex_);
  const auto collect = [&](auto& transfers) {
    std::erase_if(transfers, [&](const Shared& transfer) {
      if (!cancelled_.contains(transfer.get())) {
        return false;
      }
      if (transfer->handle() != nullptr) {
        curl_multi_remove_handle(multi_.get(), transfer->handle());
        transfer->abandon();
      }
      results_.emplace(transfer.get(), Error(Code::network, "nobody waited for the transfer any more"));
      return true;
    });
  };
  if (!cancelled_.empty()) {
    collect(active_);
    collect(waiting_);
    cancelled_.clear();
    settled_.notify_all();
  }
}

std::chrono::milliseconds LinuxFetcher::Engine::sleep_time(Instant now) const {
  Instant next = now + longest_sleep;
  for (const auto& transfer : active_) {
    next = std::min(next, transfer->deadline().value_or(next));
  }
  for (const auto& transfer : waiting_) {
    next = std::min(next, transfer->deadline().value_or(next));
    if (active_.size() < max_transfers) {
      next = std::min(next, transfer->ready_at());
    }
  }
  // Rounded up: waking a little early would only mean to ask again.
  return std::max(std::chrono::ceil<std::chrono::milliseconds>(next - now), std::chrono::milliseconds(0));
}

LinuxFetcher::LinuxFetcher(const Pace& pace) : engine_(std::make_unique<Engine>(pace)) {}
LinuxFetcher::~LinuxFetcher() = default;
Result<void> LinuxFetcher::configure(const FetchSettings& settings) { return engine_->configure(settings); }
Ticket LinuxFetcher::start(const FetchRequest& request, Sink& sink) { return engine_->start(request, sink); }
Result<Fetched> LinuxFetcher::wait(Ticket ticket) { return engine_->wait(ticket); }
void LinuxFetcher::cancel(Ticket ticket) { engine_->cancel(ticket); }
std::vector<FetchProgress> LinuxFetcher::progress() { return engine_->progress(); }

}  // namespace provision::host
