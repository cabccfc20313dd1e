// SPDX-License-Identifier: Apache-2.0
// Any bytes are read or refused with a place; what was read is written and read again without a change.
#include "fields/json.hpp"

#include <string>

#include "require.hpp"

using provision::fields::Document;
using provision::fields::Layout;

namespace {

void check_spans(const provision::fields::Value& value, std::size_t begin, std::size_t end) {
  REQUIRE_ALWAYS(begin <= value.at && value.at < value.end && value.end <= end);
  for (const auto& item : value.items) {
    check_spans(item, value.at, value.end);
  }
  for (const auto& member : value.members) {
    REQUIRE_ALWAYS(value.at < member.key_at && member.key_at < member.value.at);
    check_spans(member.value, value.at, value.end);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Document document("input", std::string(data, data + size));
  const auto read = provision::fields::parse_json(document);
  if (!read) {
    REQUIRE_ALWAYS(!read.error().what.empty());
    return 0;
  }
  check_spans(document.root(), 0, size);
  for (const Layout layout : {Layout::compact, Layout::indented}) {
    const std::string written = provision::fields::write_json(document.root(), layout);
    Document again("written", written);
    REQUIRE_ALWAYS(provision::fields::parse_json(again).has_value());
    REQUIRE_ALWAYS(provision::fields::write_json(again.root(), layout) == written);
  }
  return 0;
}
