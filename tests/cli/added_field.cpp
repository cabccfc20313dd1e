// SPDX-License-Identifier: Apache-2.0
// Built by added_field.py in a copy of the source in which a disk has one more field, "nickname" (from spec 3.3 on, an
// absolute path): prints what became of it, one line for each thing that a field has.
#include <algorithm>
#include <cstdio>

#include "fields/json.hpp"
#include "spec/parse.hpp"

using namespace provision;
using Config = spec::Config;

namespace {

spec::Parsed parse(const std::string& nickname, const std::string& version = "3.3.0") {
  return spec::parse("c", R"({"ignition": {"version": ")" + version +
                              R"("}, "storage": {"disks": [{"device": "/dev/a")" + nickname + "}]}}");
}

std::string nickname_of(const Config& config) { return config.storage.disks[0].nickname.value_or("(none)"); }

std::string first_note(const spec::Parsed& parsed) {
  if (parsed.notes.all.empty()) {
    return "(none)";
  }
  const fields::Note& note = parsed.notes.all.front();
  return to_string(note.origin) + " " + std::string(name_of(note.severity)) + " " + note.origin.path;
}

void say(const std::string& line) { std::puts(line.c_str()); }

}  // namespace

int main() {
  const auto parsed = parse(R"(, "nickname": "/n")");
  say("read " + nickname_of(*parsed.config));
  say("written " + fields::write_json(fields::Engine<Config>::write(*parsed.config)));
  say("checked " + first_note(parse(R"(, "nickname": "n")")));
  say("of its type " + first_note(parse(R"(, "nickname": 1)")));
  say("before its version " + first_note(parse(R"(, "nickname": "/n")", "3.2.0")));
  Config merged = *parse(R"(, "nickname": "/parent")").config;
  fields::Engine<Config>::merge(merged, *parsed.config);
  say("merged " + nickname_of(merged));
  fields::Engine<Config>::merge(merged, *parse("").config);
  say("kept " + nickname_of(merged));
  const auto shape = fields::Engine<Config>::shape();
  const auto schema = [&](fields::Version version) {
    const std::string text = fields::write_json(fields::json_schema(shape, {version, false}, "urn:x", "x"));
    return text.find("\"nickname\"") != std::string::npos ? std::string("yes") : std::string("no");
  };
  say("in the schema " + schema({3, 3}) + ", before " + schema({3, 2}));
  for (const auto& row : fields::reference(shape)) {
    if (row.path == "storage.disks[].nickname") {
      say("in the reference " + row.type + ": " + std::string(row.doc));
    }
  }
}
