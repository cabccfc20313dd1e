// SPDX-License-Identifier: Apache-2.0
#include "host/linux/http.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "base/text.hpp"

namespace provision::host {
namespace {

constexpr long connect_patience_ms = 10'000;

struct Body {
  std::string bytes;
  std::size_t max_bytes;
  bool overflown = false;
};

std::size_t take(char* bytes, std::size_t size, std::size_t count, void* user) {
  auto& body = *static_cast<Body*>(user);
  if (size * count > body.max_bytes - body.bytes.size()) {
    body.overflown = true;
    return 0;
  }
  body.bytes.append(bytes, size * count);
  return size * count;
}

void set_transfer(CurlOptions& options, const HttpRequest& request) {
  const auto patience = std::chrono::milliseconds(request.patience).count();
  options.set(CURLOPT_URL, request.url.c_str());
  options.set(CURLOPT_TIMEOUT_MS, static_cast<long>(patience));
  options.set(CURLOPT_CONNECTTIMEOUT_MS, std::min(static_cast<long>(patience), connect_patience_ms));
}

Error network_error(const HttpRequest& request, std::string_view reason) {
  std::string sentence = "cannot fetch " + public_url(request.url) + ": " + printable(reason);
  return {Code::network, std::move(sentence)};
}

bool append_own_headers(CurlList& list) {
  return std::all_of(own_headers.begin(), own_headers.end(), [&](const OwnHeader& header) {
    return append_header(list, std::string(header.name) + ": " + std::string(header.value));
  });
}

}  // namespace

Result<HttpAnswer> LinuxHttp::get(const HttpRequest& request) {
  const CurlHandle curl(start_.ensure() ? curl_easy_init() : nullptr);
  CurlList list;
  if (!curl || !append_own_headers(list)) {
    return Error(Code::network, "cannot use libcurl", ENOMEM);
  }
  const std::string bundle = request.ca_file.empty() ? distro_bundle() : request.ca_file;
  std::array<char, CURL_ERROR_SIZE> words{};
  Body body{{}, request.max_bytes};
  CurlOptions options(curl.get());
  set_basics(options);
  set_transfer(options, request);
  set_trust(options, bundle, {});
  options.set(CURLOPT_HTTPHEADER, list.get());
  options.set(CURLOPT_ERRORBUFFER, words.data());
  options.set(CURLOPT_WRITEFUNCTION, &take);
  options.set(CURLOPT_WRITEDATA, &body);
  if (options.failure() != CURLE_OK) {
    return network_error(request, curl_easy_strerror(options.failure()));
  }
  const CURLcode result = curl_easy_perform(curl.get());
  if (body.overflown) {
    return network_error(request, "the answer is longer than " + std::to_string(request.max_bytes) + " bytes");
  }
  if (result != CURLE_OK) {
    return network_error(request, reason_of(result, words.data(), bundle));
  }
  HttpAnswer answer;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &answer.status);
  answer.body = std::move(body.bytes);
  return answer;
}

}  // namespace provision::host
