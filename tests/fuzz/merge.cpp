// SPDX-License-Identifier: Apache-2.0
// Two configs, a NUL between them: laid over each other they are a config or an error that points into one of them. An
// empty config changes nothing on either side, and a config laid over itself changes nothing where lists are sets.
#include "spec/merge.hpp"

#include <algorithm>
#include <string>
#include <string_view>

#include "fields/json.hpp"
#include "fuzz/notes.hpp"
#include "fuzz/require.hpp"

namespace {

using provision::fields::Value;
using provision::spec::Config;
using provision::spec::Parsed;

Value written(const Config& config) { return provision::fields::Engine<Config>::write(config); }

Parsed empty_config(const std::string& version) {
  return provision::spec::parse("empty", R"({"ignition": {"version": ")" + version + "\"}}");
}

// Lists that a merge makes longer, and headers that a merge deletes.
bool changes_under_itself(const Value& value) {
  const auto member_changes = [](const provision::fields::Member& m) {
    const std::string_view key = m.key;
    const bool grows = key == "append" || key == "options" || key == "mountOptions" || key == "openOptions";
    const auto deletes = [](const Value& header) { return header.find("value") == nullptr; };
    return (grows && !m.value.items.empty()) || changes_under_itself(m.value) ||
           (key == "httpHeaders" && std::any_of(m.value.items.begin(), m.value.items.end(), deletes));
  };
  return std::any_of(value.members.begin(), value.members.end(), member_changes) ||
         std::any_of(value.items.begin(), value.items.end(), changes_under_itself);
}

void check_merged(const Parsed& merged) {
  provision::test::check_notes(merged.sources, merged.notes);
  REQUIRE_ALWAYS(merged.config.has_value() || merged.notes.has_errors());
  if (merged.config) {
    const auto again = provision::spec::parse("written", write_json(written(*merged.config)));
    REQUIRE_ALWAYS(again.config.has_value());
    REQUIRE_ALWAYS(*again.config == *merged.config);
  }
}

void check_alone(const Parsed& parsed) {
  if (!parsed.config) {
    return;
  }
  const auto under = provision::spec::merge(empty_config("3.0.0"), parsed);
  REQUIRE_ALWAYS(under.config && *under.config == *parsed.config);
  const auto over = provision::spec::merge(parsed, empty_config("3.0.0"));
  REQUIRE_ALWAYS(over.config && *over.config == *parsed.config);
  const auto twice = provision::spec::merge(parsed, parsed);
  check_merged(twice);
  if (!changes_under_itself(written(*parsed.config))) {
    REQUIRE_ALWAYS(twice.config && *twice.config == *parsed.config);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  const std::string text(data, data + size);
  const std::size_t middle = std::min(text.find('\0'), text.size());
  const auto parent = provision::spec::parse("parent", text.substr(0, middle));
  const auto child = provision::spec::parse("child", middle == text.size() ? "" : text.substr(middle + 1));
  check_alone(parent);
  check_alone(child);
  check_merged(provision::spec::merge(parent, child));
  check_merged(provision::spec::replace(parent, child));
  return 0;
}
