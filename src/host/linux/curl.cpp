// SPDX-License-Identifier: Apache-2.0
#include "host/linux/curl.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/text.hpp"

namespace provision::host {
namespace {

// Where distros keep their bundle: Debian and Arch, Fedora, openSUSE, old Fedora, Alpine and others. No path is
// compiled into the static libcurl, and that of a dynamic one is its distro's.
constexpr std::array<const char*, 5> ca_bundles{"/etc/ssl/certs/ca-certificates.crt",
                                                "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/ca-bundle.pem",
                                                "/etc/pki/tls/cacert.pem", "/etc/ssl/cert.pem"};

// Servers tell by the first word that the client wants a config (Ignition, internal/resource/http.go).
constexpr const char* user_agent = "Ignition/2.27.0 provision/" PROVISION_VERSION;

}  // namespace

CurlStart::~CurlStart() {
  if (started_) {
    curl_global_cleanup();
  }
}

bool CurlStart::ensure() {
  if (!started_) {
    started_ = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  }
  return started_;
}

std::string distro_bundle() {
  const auto* found =
      std::find_if(ca_bundles.begin(), ca_bundles.end(), [](const char* path) { return ::access(path, R_OK) == 0; });
  return found == ca_bundles.end() ? std::string() : std::string(*found);
}

void set_basics(CurlOptions& options) {
  options.set(CURLOPT_HTTPGET, 1L);
  options.set(CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
  options.set(CURLOPT_PROTOCOLS_STR, "http,https");
#else
  options.set(CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
  options.set(CURLOPT_USERAGENT, user_agent);
  // No SIGALRM for name resolution.
  options.set(CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
  // Otherwise the end of a transfer waits for the resolver's thread, ten seconds with a silent DNS server.
  options.set(CURLOPT_QUICK_EXIT, 1L);
#endif
}

void set_trust(CurlOptions& options, const std::string& bundle, const std::string& authorities) {
#if PROVISION_STATIC
  // In the dynamic build the distro's crypto policy (openssl.cnf) says it, and may say more; an explicit version would
  // override it.
  options.set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  options.set(CURLOPT_PROXY_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
#endif
  // A directory that is compiled into the distro's libcurl would be trusted beside the bundle.
  const char* nothing = nullptr;
  const char* file = bundle.empty() || !authorities.empty() ? nothing : bundle.c_str();
  options.set(CURLOPT_CAPATH, nothing);
  options.set(CURLOPT_PROXY_CAPATH, nothing);
  options.set(CURLOPT_CAINFO, file);
  options.set(CURLOPT_PROXY_CAINFO, file);
  if (!authorities.empty()) {
    curl_blob blob{const_cast<char*>(authorities.data()), authorities.size(), CURL_BLOB_NOCOPY};
    options.set(CURLOPT_CAINFO_BLOB, &blob);
    options.set(CURLOPT_PROXY_CAINFO_BLOB, &blob);
  }
}

bool append_header(CurlList& list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list.get(), line.c_str());
  if (longer == nullptr) {
    return false;
  }
  static_cast<void>(list.release());
  list.reset(longer);
  return true;
}

std::string reason_of(CURLcode result, std::string_view words, const std::string& trusted) {
  // libcurl takes bytes without a status line for an answer of HTTP/0.9, which nobody has spoken for decades.
  if (result == CURLE_UNSUPPORTED_PROTOCOL && words.find("HTTP/0.9") != std::string_view::npos) {
    return "what answers there does not speak HTTP";
  }
  std::string reason(words.empty() ? curl_easy_strerror(result) : words);
  if (result == CURLE_PEER_FAILED_VERIFICATION || result == CURLE_SSL_CACERT_BADFILE) {
    reason += trusted.empty() ? " (no CA bundle was found on this system)" : " (trusted: " + trusted + ")";
  }
  return printable(reason);
}

std::string public_url(const std::string& url) {
  const std::unique_ptr<CURLU, CurlFreed> parsed(curl_url());
  constexpr unsigned lenient = CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE;
  if (!parsed || curl_url_set(parsed.get(), CURLUPART_URL, url.c_str(), lenient) != CURLUE_OK) {
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
  const std::unique_ptr<char, CurlFreed> owned(text);
  return printable(owned.get());
}

}  // namespace provision::host
