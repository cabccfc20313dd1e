// SPDX-License-Identifier: Apache-2.0
// What all our uses of libcurl share: who owns its handles, whom we trust, what we say of ourselves.
#pragma once

#include <curl/curl.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>

namespace provision::host {

struct CurlFreed {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  void operator()(char* text) const { curl_free(text); }
};
using CurlHandle = std::unique_ptr<CURL, CurlFreed>;
using CurlList = std::unique_ptr<curl_slist, CurlFreed>;

// libcurl's own start, at the first use: starting OpenSSL up is most of what a stage without the network would cost.
// Counted by libcurl: each start has its end.
class CurlStart {
 public:
  CurlStart() = default;
  CurlStart(const CurlStart&) = delete;
  CurlStart& operator=(const CurlStart&) = delete;
  CurlStart(CurlStart&&) = delete;
  CurlStart& operator=(CurlStart&&) = delete;
  ~CurlStart();

  bool ensure();

 private:
  bool started_ = false;
};

// Collects the first failure of many curl_easy_setopt calls.
class CurlOptions {
 public:
  explicit CurlOptions(CURL* curl) : curl_(curl) {}

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

// The distro's bundle of certificate authorities; empty: there is none.
std::string distro_bundle();

// GET, http and https alone, our name, no redirects, no signals.
void set_basics(CurlOptions& options);
// The file `bundle` (empty: nobody), or, where it is not empty, the PEM text `authorities` alone. Both must live as
// long as the transfer.
void set_trust(CurlOptions& options, const std::string& bundle, const std::string& authorities);

// "Accept: …": the headers that we send by ourselves, as name and value.
struct OwnHeader {
  std::string_view name;
  std::string_view value;
};
inline constexpr std::array<OwnHeader, 2> own_headers{
    OwnHeader{"Accept", "application/vnd.coreos.ignition+json;version=3.6.0, */*;q=0.1"},
    OwnHeader{"Accept-Encoding", "identity"}};

// Appends; false where there is no memory.
bool append_header(CurlList& list, const std::string& line);

// What went wrong in words, with whom we trusted where that is the matter.
std::string reason_of(CURLcode result, std::string_view words, const std::string& trusted);

// A URL for messages: without user, password, query and fragment, any of which may be a secret.
std::string public_url(const std::string& url);

}  // namespace provision::host
