// SPDX-License-Identifier: Apache-2.0
// provision schema VERSION, provision reference: what the tables say of configs, for editors and for people.
#include <fmt/format.h>

#include <memory>

#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "fields/json.hpp"
#include "spec/parse.hpp"

namespace provision::cli {
namespace {

fields::Shape shape() { return fields::Engine<spec::Config>::shape(); }

int print_schema(const std::string& version) {
  const auto dialect = spec::dialect_of(version);
  if (!dialect) {
    std::string known;
    for (const auto& one : spec::config_versions()) {
      known += " " + one;
    }
    print_error("provision: no spec version \"" + printable(version) + "\"; there are" + known + "\n");
    return row(Code::usage).exit_status;
  }
  const fields::Value schema = fields::json_schema(shape(), *dialect, "urn:provision:config:" + version,
                                                   "A config of spec " + version, {{"ignition.version", version}});
  print(fields::write_json(schema, fields::Layout::indented) + "\n");
  return 0;
}

int print_versions() {
  for (const auto& version : spec::config_versions()) {
    print(version + "\n");
  }
  return 0;
}

std::string number(fields::Version version) { return fmt::format("{}.{}", version.major, version.minor); }

// The versions that have the field, and whether it must be there.
std::string when(const fields::ReferenceRow& row) {
  std::string text = row.extension ? "`+provision.1`" : number(row.since);
  text += row.until == fields::no_end ? "" : " to before " + number(row.until);
  return text + (row.required ? ", required" : "");
}

std::string table_row(const fields::ReferenceRow& row) {
  std::string meaning(row.doc);
  meaning += row.unit.empty() ? "" : " In " + std::string(row.unit) + ".";
  meaning += row.secret ? " *May be a secret: no message shows it.*" : "";
  return fmt::format("| `{}` | {} | {} | {} |\n", row.path, row.type, when(row), meaning);
}

int print_reference() {
  std::string text =
      "# Config reference\n\n"
      "Every field of a config. This page is made of the tables that read configs: `provision reference` prints it, "
      "and\n"
      "a test keeps it so. `[]` is an element of a list. \"Since\" is the first spec version that has the field. A "
      "value of\n"
      "`null` counts as absent, and what is absent has the meaning that the field's row says.\n";
  std::string section;
  for (const auto& row : fields::reference(shape())) {
    const std::string top = row.path.substr(0, row.path.find_first_of(".["));
    if (top != section) {
      section = top;
      text += fmt::format("\n## {}\n\n| field | type | since | meaning |\n|---|---|---|---|\n", section);
    }
    text += table_row(row);
  }
  print(text);
  return 0;
}

}  // namespace

Command add_schema(ArgumentParser& program) {
  ArgumentParser parser = program.add_subcommand("schema", "Print the JSON Schema of a spec version");
  auto version = std::make_shared<std::string>();
  parser.add_option("version", *version, "The version as a config says it, such as 3.4.0 or 3.6.0+provision.1");
  auto list = std::make_shared<bool>(false);
  parser.add_flag("--list", *list, "The versions there are, one a line").excludes("version");
  return {parser, [version, list] { return *list ? print_versions() : print_schema(*version); }};
}

Command add_reference(ArgumentParser& program) {
  ArgumentParser parser = program.add_subcommand("reference", "Print the reference of all config fields, as Markdown");
  return {parser, [] { return print_reference(); }};
}

}  // namespace provision::cli
