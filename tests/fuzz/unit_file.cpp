// SPDX-License-Identifier: Apache-2.0
// Any bytes are a unit file or an error that names one of its lines; the sections it has stand in it.
#include "spec/unit_file.hpp"

#include <algorithm>
#include <string>

#include "fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string contents(data, data + size);
  const auto read = provision::spec::read_unit_file(contents);
  if (read) {
    for (const auto& section : read->sections) {
      REQUIRE_ALWAYS(contents.find("[" + section + "]") != std::string::npos);
    }
    return 0;
  }
  constexpr std::string_view mark = " line ";
  const std::string& what = read.error().what;
  const std::size_t at = what.rfind(mark);
  REQUIRE_ALWAYS(at != std::string::npos);
  const auto line = std::strtol(what.c_str() + at + mark.size(), nullptr, 10);
  REQUIRE_ALWAYS(line >= 1 && line <= 1 + std::count(contents.begin(), contents.end(), '\n'));
  return 0;
}
