// SPDX-License-Identifier: Apache-2.0
// provision plan CONFIG: what a first boot with this config would do to this machine. Nothing is changed.
#include <memory>

#include "cli/commands.hpp"
#include "cli/console.hpp"
#include "cli/documents.hpp"
#include "cli/notes.hpp"
#include "cli/screen.hpp"
#include "fields/json.hpp"
#include "host/linux/linux_host.hpp"
#include "stages/stage.hpp"

namespace provision::cli {
namespace {

constexpr std::size_t excerpt_width = 100;

struct PlanOptions {
  std::string config;
  std::string inventory;
  std::string root = "/";
  std::string format = "text";
  std::string ca_file;
  bool show_inventory = false;
};

void print_notes(const spec::Parsed& parsed) {
  NotesText text(parsed.sources, false);
  for (const auto& note : parsed.notes.all) {
    print_error(text.of(note));
  }
}

int fail(const Error& error, const fields::Document* document) {
  std::string text = "provision: " + to_string(error) + "\n";
  if (error.origin && error.origin->line != 0) {
    text = to_string(*error.origin) + ": error: " + to_string(error) + "\n";
    text += document != nullptr ? excerpt(*document, *error.origin, excerpt_width) : "";
  }
  print_error(text + "  hint: " + std::string(row(error.code).hint) + "\n");
  return row(error.code).exit_status;
}

Result<model::Inventory> read_inventory(const std::string& name) {
  fields::Document document(name, TRY(read_document(name)));
  TRY(fields::parse_json(document));
  fields::Notes notes;
  fields::Reader reader(document, 0, {fields::first_version, false}, notes);
  model::Inventory inventory;
  fields::Engine<model::Inventory>::read(document.root(), inventory, reader);
  if (!notes.all.empty()) {
    const fields::Note& note = notes.all.front();
    return Error(Code::usage, "the inventory cannot be read: " + to_string(note.origin) + ": " + note.text);
  }
  return inventory;
}

Result<model::Inventory> see_machine(const spec::Parsed& parsed, const std::string& root) {
  host::LinuxHost machine(root, "/run/provision/volatile");
  host::Host host = machine.host();
  model::Scope scope;
  scope.tables = true;
  scope.contents = true;
  scope.mounts = true;
  scope.files = true;
  scope.patience = std::chrono::milliseconds(0);
  return model::observe(host, parsed, scope);
}

std::string as_json(const std::vector<plan::Plan>& plans) {
  fields::Value list = fields::Value::array();
  for (const auto& plan : plans) {
    list.items.push_back(plan::to_value(plan));
  }
  return fields::write_json(list, fields::Layout::indented) + "\n";
}

int run_plan_command(const PlanOptions& options) {
  auto text = read_document(options.config, options.ca_file);
  if (!text) {
    return fail(text.error(), nullptr);
  }
  const spec::Parsed parsed = spec::parse(shown_name(options.config), *std::move(text));
  print_notes(parsed);
  if (!parsed.config) {
    return row(Code::bad_config).exit_status;
  }
  const fields::Document* document = &parsed.sources.documents.front();
  const auto inventory =
      options.inventory.empty() ? see_machine(parsed, options.root) : read_inventory(options.inventory);
  if (!inventory) {
    return fail(inventory.error(), document);
  }
  if (options.show_inventory) {
    print(fields::write_json(fields::Engine<model::Inventory>::write(*inventory), fields::Layout::indented) + "\n");
    return 0;
  }
  const auto plans = stages::plan_all(parsed, *inventory);
  if (!plans) {
    return fail(plans.error(), document);
  }
  print(options.format == "json" ? as_json(*plans) : plan::render(*plans, output_is_terminal()));
  return 0;
}

}  // namespace

Command add_plan(CLI::App& app) {
  CLI::App* parser = app.add_subcommand("plan", "Show what a first boot with a config would do; change nothing");
  auto options = std::make_shared<PlanOptions>();
  parser->add_option("config", options->config, "The config: a file, - for standard input, or an http(s) URL")
      ->required();
  parser->add_option("--inventory", options->inventory,
                     "Plan for the machine described in this file, not for this one");
  parser->add_option("--root", options->root, "The root of the machine to plan for")->capture_default_str();
  parser->add_option("--format", options->format, "text or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "json"}));
  parser->add_option("--ca-file", options->ca_file, "Trust the certificates in this PEM file for https");
  parser->add_flag("--show-inventory", options->show_inventory, "Print what is seen of this machine, and stop");
  return {parser, [options] { return run_plan_command(*options); }};
}

}  // namespace provision::cli
