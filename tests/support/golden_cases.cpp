// SPDX-License-Identifier: Apache-2.0
#include "support/golden_cases.hpp"

#include <algorithm>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "fields/json.hpp"

namespace provision::test {
namespace fs = std::filesystem;
namespace {

model::Inventory read_inventory(const fs::path& path) {
  fields::Document document(path.filename(), read_file(path));
  const auto parsed = fields::parse_json(document);
  fields::Notes notes;
  fields::Reader reader(document, 0, {fields::first_version, false}, notes);
  model::Inventory inventory;
  fields::Engine<model::Inventory>::read(document.root(), inventory, reader);
  if (!parsed || !notes.all.empty()) {
    throw std::runtime_error(path.string() + " is no inventory");
  }
  return inventory;
}

}  // namespace

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

std::vector<GoldenCase> golden_cases() {
  std::vector<GoldenCase> cases;
  for (const auto& entry : fs::directory_iterator(GOLDEN_DIRECTORY)) {
    const fs::path& folder = entry.path();
    cases.push_back({folder, folder.filename(), spec::parse("config.json", read_file(folder / "config.json")),
                     read_inventory(folder / "inventory.json"), read_file(folder / "plan.txt")});
  }
  std::sort(cases.begin(), cases.end(), [](const GoldenCase& a, const GoldenCase& b) { return a.name < b.name; });
  return cases;
}

std::string golden_text(const Error& error) {
  return "error " + std::string(row(error.code).name) + " at " + (error.origin ? to_string(*error.origin) : "?") +
         ": " + to_string(error) + "\n";
}

std::string golden_text(const std::vector<plan::Plan>& plans) {
  std::string text = plan::render(plans, false);
  for (const auto& plan : plans) {
    for (const auto& step : plan.steps) {
      if (const auto* table = std::get_if<plan::WriteTable>(&step.operation)) {
        text += "\n" + step.id + "\n" +
                fields::write_json(fields::Engine<host::Table>::write(table->table), fields::Layout::indented) + "\n";
      }
    }
  }
  return text;
}

}  // namespace provision::test
