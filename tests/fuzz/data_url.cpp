// SPDX-License-Identifier: Apache-2.0
// Any bytes are decoded or refused; what is decoded is shorter than the URL.
#include "spec/data_url.hpp"

#include <string>

#include "fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string url(data, data + size);
  const auto decoded = provision::spec::decode_data_url(url);
  if (decoded) {
    REQUIRE_ALWAYS(decoded->size() < url.size());
    return 0;
  }
  REQUIRE_ALWAYS(!decoded.error().what.empty());
  return 0;
}
