// SPDX-License-Identifier: Apache-2.0
#include "spec/inline_bytes.hpp"

#include "base/digest.hpp"
#include "base/gzip.hpp"
#include "base/text.hpp"
#include "spec/data_url.hpp"

namespace provision::spec {
namespace {

Result<std::string> unpacked(const std::string& packed, std::uint64_t max_bytes) {
  auto bytes = gunzip(packed, max_bytes);
  if (!bytes) {
    return Error(Code::bad_config, "the contents cannot be unpacked: " + bytes.error().what);
  }
  return bytes;
}

}  // namespace

bool is_inline(const Resource& resource) {
  const std::string source = resource.source.value_or("");
  return source.empty() || lower_ascii(source.substr(0, 5)) == "data:";
}

Result<std::string> inline_bytes(const Resource& resource, std::uint64_t max_bytes) {
  const std::string source = resource.source.value_or("");
  std::string bytes = source.empty() ? std::string{} : TRY(decode_data_url(source));
  if (!source.empty() && !resource.compression.value_or("").empty()) {
    bytes = TRY(unpacked(bytes, max_bytes));
  }
  const auto expected = Digest::parse(resource.verification.hash.value_or(""));
  if (expected && digest_of(expected->function(), bytes) != *expected) {
    return Error(Code::bad_config, "the contents have the hash " + digest_of(expected->function(), bytes).brief() +
                                       "…, the config says " + expected->brief() + "…");
  }
  return bytes;
}

}  // namespace provision::spec
