// SPDX-License-Identifier: Apache-2.0
// Any bytes are a URL or not, and a source or not; a scheme is in lower case.
#include "spec/url.hpp"

#include <array>
#include <string>

#include "base/text.hpp"
#include "fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto url = provision::spec::parse_url(text);
  if (url) {
    REQUIRE_ALWAYS(url->scheme == provision::lower_ascii(url->scheme));
    static_cast<void>(provision::spec::query_value(url->query, "versionId"));
  } else {
    REQUIRE_ALWAYS(!url.error().what.empty());
  }
  bool refused = true;
  for (const std::uint8_t minor : std::array<std::uint8_t, 3>{0, 3, 6}) {
    const bool fault = provision::spec::source_fault(text, {3, minor}).has_value();
    // No later version refuses what an earlier one takes.
    REQUIRE_ALWAYS(refused || !fault);
    refused = fault;
    REQUIRE_ALWAYS(url.has_value() || fault);
  }
  return 0;
}
