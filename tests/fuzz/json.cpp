// SPDX-License-Identifier: Apache-2.0
// Any bytes are read or refused with a place; what was read is written and read again without a change. nlohmann's
// reader takes and refuses the same.
#include "fields/json.hpp"

#include <nlohmann/json.hpp>

#include <string>

#include "fuzz/require.hpp"

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

// Whether nlohmann's reader takes the text, and how deep it goes. A number that no double holds is text to us.
struct Peer : nlohmann::json_sax<nlohmann::json> {
  int depth = 0;
  int deepest = 0;
  bool too_large = false;

  bool enter() {
    deepest = std::max(deepest, ++depth);
    return true;
  }
  bool leave() {
    --depth;
    return true;
  }
  bool null() override { return true; }
  bool boolean(bool /*value*/) override { return true; }
  bool number_integer(number_integer_t /*value*/) override { return true; }
  bool number_unsigned(number_unsigned_t /*value*/) override { return true; }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override { return true; }
  bool string(string_t& /*value*/) override { return true; }
  bool binary(binary_t& /*value*/) override { return true; }
  bool start_object(std::size_t /*count*/) override { return enter(); }
  bool key(string_t& /*value*/) override { return true; }
  bool end_object() override { return leave(); }
  bool start_array(std::size_t /*count*/) override { return enter(); }
  bool end_array() override { return leave(); }
  bool parse_error(std::size_t /*at*/, const std::string& /*token*/,
                   const nlohmann::detail::exception& error) override {
    too_large = dynamic_cast<const nlohmann::detail::out_of_range*>(&error) != nullptr;
    return false;
  }
};

void check_against_peer(const std::string& text, bool taken) {
  Peer peer;
  const bool peer_takes = nlohmann::json::sax_parse(text, &peer);
  if (taken) {
    REQUIRE_ALWAYS(peer_takes || peer.too_large);
  } else if (peer_takes && text.find('\0') == std::string::npos) {  // its end of the text
    REQUIRE_ALWAYS(text.starts_with("\xEF\xBB\xBF") || peer.deepest > provision::fields::max_depth);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  Document document("input", std::string(data, data + size));
  const auto read = provision::fields::parse_json(document);
  check_against_peer(document.text(), read.has_value());
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
