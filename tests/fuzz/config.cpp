// SPDX-License-Identifier: Apache-2.0
// Any bytes give a config or an error that points into them, and the same bytes give the same meaning.
#include <string>

#include "require.hpp"
#include "spec/parse.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto parsed = provision::spec::parse("input", text);
  if (!parsed.config) {
    REQUIRE_ALWAYS(!provision::spec::error_of(parsed).what.empty());
    return 0;
  }
  const auto again = provision::spec::parse("input", text);
  REQUIRE_ALWAYS(again.config.has_value());
  REQUIRE_ALWAYS(provision::spec::meaning(*parsed.config) == provision::spec::meaning(*again.config));
  return 0;
}
