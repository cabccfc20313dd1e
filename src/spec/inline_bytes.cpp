// SPDX-License-Identifier: Apache-2.0
#include "spec/inline_bytes.hpp"

#include "base/digest.hpp"
#include "base/gzip.hpp"
#include "base/text.hpp"
#include "spec/data_url.hpp"

namespace provision::spec {
namespace {

// What a data: URL may unpack to. It is held in memory as a whole; a config that needs more fetches it.
constexpr std::uint64_t max_unpacked_bytes = std::uint64_t{1} << 30U;

Result<std::string> unpacked(const std::string& packed) {
  auto bytes = gunzip(packed, max_unpacked_bytes);
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

Result<std::string> inline_bytes(const Resource& resource) {
  const std::string source = resource.source.value_or("");
  std::string bytes = source.empty() ? std::string{} : TRY(decode_data_url(source));
  if (!source.empty() && !resource.compression.value_or("").empty()) {
    bytes = TRY(unpacked(bytes));
  }
  const auto expected = Digest::parse(resource.verification.hash.value_or(""));
  if (expected && digest_of(expected->function(), bytes) != *expected) {
    return Error(Code::bad_config, "the contents have the hash " + digest_of(expected->function(), bytes).brief() +
                                       "…, the config says " + expected->brief() + "…");
  }
  return bytes;
}

}  // namespace provision::spec
