// SPDX-License-Identifier: Apache-2.0
// Any bytes give a config or an error that points into them; a config that was read is written and read again without a
// change, and nlohmann's reader takes what ours takes.
#include <nlohmann/json.hpp>

#include <string>

#include "fields/json.hpp"
#include "fuzz/notes.hpp"
#include "fuzz/require.hpp"
#include "spec/parse.hpp"

using provision::spec::Config;
using provision::spec::parse;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(data, data + size);
  const auto parsed = parse("input", text);
  provision::test::check_notes(parsed.sources, parsed.notes);
  REQUIRE_ALWAYS(parsed.config.has_value() == !parsed.notes.has_errors());
  if (!parsed.config) {
    REQUIRE_ALWAYS(!provision::spec::error_of(parsed).what.empty());
    return 0;
  }
  const auto written = provision::fields::write_json(provision::fields::Engine<Config>::write(*parsed.config));
  REQUIRE_ALWAYS(nlohmann::json::accept(written));
  const auto again = parse("written", written);
  REQUIRE_ALWAYS(again.config.has_value());
  REQUIRE_ALWAYS(*again.config == *parsed.config);
  REQUIRE_ALWAYS(provision::spec::meaning(*again.config) == provision::spec::meaning(*parsed.config));
  return 0;
}
