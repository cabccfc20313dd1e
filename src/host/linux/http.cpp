// SPDX-License-Identifier: Apache-2.0
#include "host/linux/http.hpp"

#include <curl/curl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

#include "base/text.hpp"

namespace provision::host {
namespace {

struct Freed {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(char* text) const { curl_free(text); }
};

// Where distros keep their bundle: Debian and Arch, Fedora, openSUSE, old Fedora, Alpine and others. No path is
// compiled into the static libcurl, and that of a dynamic one is its distro's.
constexpr std::array<const char*, 5> ca_bundles{"/etc/ssl/certs/ca-certificates.crt",
                                                "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                                                "/etc/pki/tls/cacert.pem", "/etc/ssl/cert.pem"};

// Servers tell by the first word that the client wants a config (Ignition, internal/resource/http.go).
constexpr const char* user_agent = "Ignition/2.27.0 provision/" PROVISION_VERSION;
constexpr std::array<const char*, 2> headers{"Accept: application/vnd.coreos.ignition+json;version=3.4.0, */*;q=0.1",
                                             "Accept-Encoding: identity"};

constexpr long connect_patience_ms = 10'000;

struct Sink {
  std::string body;
  std::size_t max_bytes;
  bool overflown = false;
};

std::size_t take(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& sink = *static_cast<Sink*>(user);
  if (size * count > sink.max_bytes - sink.body.size()) {
    sink.overflown = true;
    return 0;
  }
  sink.body.append(bytes, size * count);
  return size * count;
}

std::string ca_bundle(const HttpRequest& request) {
  if (!request.ca_file.empty()) {
    return request.ca_file;
  }
  const auto* found =
      std::find_if(ca_bundles.begin(), ca_bundles.end(), [](const char* path) { return ::access(path, R_OK) == 0; });
  return found == ca_bundles.end() ? std::string() : std::string(*found);
}

// Collects the first failure of many curl_easy_setopt calls.
class Options {
 public:
  explicit Options(CURL* curl) : curl_(curl) {}

  template <class T>
  void set(CURLoption option, T value) {
    const CURLcode result = curl_easy_setopt(curl_, option, value);
    failure_ = failure_ != CURLE_OK ? failure_ : result;
  }
  [[nodiscard]] CURLcode failure() const { return failure_; }

 private:
  CURL* curl_;
  CURLcode failure_ = CURLE_OK;
};

void set_transfer(Options& options, const HttpRequest& request) {
  const auto patience = std::chrono::milliseconds(request.patience).count();
  options.set(CURLOPT_URL, request.url.c_str());
  options.set(CURLOPT_HTTPGET, 1L);
  options.set(CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
  options.set(CURLOPT_PROTOCOLS_STR, "http,https");
#else
  options.set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  options.set(CURLOPT_USERAGENT, user_agent);
  options.set(CURLOPT_TIMEOUT_MS, static_cast<long>(patience));
  options.set(CURLOPT_CONNECTTIMEOUT_MS, std::min(static_cast<long>(patience), connect_patience_ms));
  // No SIGALRM for name resolution.
  options.set(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
  // Otherwise the end of a transfer waits for the resolver's thread, ten seconds with a silent DNS server.
  options.set(CURLOPT_QUICK_EXIT, 1L);
#endif
}

void set_trust(Options& options, const std::string& bundle) {
#if PROVISION_STATIC
  // In the dynamic build the distro's crypto policy (openssl.cnf) says it, and may say more; an explicit version would
  // override it.
  options.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  options.set(CURLOPT_PROXY_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
#endif
  // A directory that is compiled into the distro's libcurl would be trusted beside the bundle.
  const char* nothing = nullptr;
  options.set(CURLOPT_CAPATH, nothing);
  options.set(CURLOPT_PROXY_CAPATH, nothing);
  options.set(CURLOPT_CAINFO, bundle.empty() ? nothing : bundle.c_str());
  options.set(CURLOPT_PROXY_CAINFO, bundle.empty() ? nothing : bundle.c_str());
}

Error network_error(const HttpRequest& request, std::string_view reason) {
  std::string sentence = "cannot fetch " + public_url(request.url) + ": " + printable(reason);
  return {Code::network, std::move(sentence)};
}

std::string reason_of(CURLcode result, std::string_view words, const std::string& bundle) {
  std::string reason(words.empty() ? curl_easy_strerror(result) : words);
  const bool distrusted = result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE;
  if (distrusted) {
    reason += bundle.empty() ? " (no CA bundle was found on this system)" : " (trusted: " + bundle + ")";
  }
  return reason;
}

}  // namespace

std::string public_url(const std::string& url) {
  const std::unique_ptr<CURLU, Freed> parsed(curl_url());
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), CURLU_NON_SUPPORT_SCHEME) != CURLUE_OK) {
    return "a malformed URL";
  }
  for (const CURLUPart part :
       {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS, CURLUPART_QUERY, CURLUPART_FRAGMENT}) {
    curl_url_set(parsed.get(), part, nullptr, 0);
  }
  char* text = nullptr;
  if (curl_url_get(parsed.get(), CURLUPART_URL, &text, 0) != CURLUE_OK) {
    return "a malformed URL";
  }
  const std::unique_ptr<char, Freed> owned(text);
  return printable(owned.get());
}

// Counted by libcurl: each init has its cleanup.
LinuxHttp::~LinuxHttp() {
  if (started_) {
    curl_global_cleanup();
  }
}

Result<HttpAnswer> LinuxHttp::get(const HttpRequest& request) {
  // Not before it is needed: starting OpenSSL up is most of what a stage without the network would cost.
  if (!started_) {
    started_ = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  }
  const std::unique_ptr<CURL, Freed> curl(curl_easy_init());
  if (!curl) {
    return Error(Code::network, "cannot use libcurl", ENOMEM);
  }
  curl_slist* list = nullptr;
  for (const char* header : headers) {
    list = curl_slist_append(list, header);
  }
  const std::unique_ptr<curl_slist, Freed> owned_list(list);
  const std::string bundle = ca_bundle(request);
  std::array<char, CURL_ERROR_SIZE> words{};
  Sink sink{{}, request.max_bytes};
  Options options(curl.get());
  set_transfer(options, request);
  set_trust(options, bundle);
  options.set(CURLOPT_HTTPHEADER, list);
  options.set(CURLOPT_ERRORBUFFER, words.data());
  options.set(CURLOPT_WRITEFUNCTION, &take);
  options.set(CURLOPT_WRITEDATA, &sink);
  if (options.failure() != CURLE_OK) {
    return network_error(request, curl_easy_strerror(options.failure()));
  }
  const CURLcode result = curl_easy_perform(curl.get());
  if (sink.overflown) {
    return network_error(request, "the answer is longer than " + std::to_string(request.max_bytes) + " bytes");
  }
  if (result != CURLE_OK) {
    return network_error(request, reason_of(result, words.data(), bundle));
  }
  HttpAnswer answer;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  answer.body = std::move(sink.body);
  return answer;
}

}  // namespace provision::host
