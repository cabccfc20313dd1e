// SPDX-License-Identifier: Apache-2.0
// provision plan CONFIG: what a first boot with this config would do. Nothing is changed.
#include <memory>

#include "base/selector_path.hpp"
#include "base/text.hpp"
#include "cli/commands.hpp"
#include "cli/complaint.hpp"
#include "cli/console.hpp"
#include "cli/documents.hpp"
#include "cli/inventory.hpp"
#include "cli/notes.hpp"
#include "cli/target.hpp"
#include "fields/json.hpp"
#include "host/linux/files.hpp"
#include "model/selectors.hpp"
#include "plan/device_tree.hpp"
#include "plan/disk_changes.hpp"
#include "stages/stage.hpp"

namespace provision::cli {
namespace {

constexpr int nothing_to_do = 0;
constexpr int failed = 1;
constexpr int changes_to_make = 2;

// Raised when something in the JSON form changes its meaning or goes.
constexpr std::int64_t json_version = 1;

struct PlanOptions {
  std::string config;
  std::string inventory;
  std::string root = "/";
  std::string format = "text";
  std::string ca_file;
  TargetOptions target;
};

int failure(const Error& error, const spec::Parsed* parsed) {
  const int status = complain(error, parsed != nullptr ? document_of(*parsed, error) : nullptr);
  return status == changes_to_make ? failed : status;
}

fields::Value step_value(const plan::Step& step) {
  fields::Value made = fields::Engine<plan::Step>::write(step);
  made.add("sentence", fields::Value::of(plan::describe(step.operation)));
  made.add("loses", fields::Value::of(plan::loses(step)));
  return made;
}

using Selected = std::vector<model::SelectedDisk>;

fields::Value selector_value(const model::SelectedDisk& one) {
  fields::Value made = fields::Value::object();
  made.add("name", fields::Value::of(one.selector));
  made.add("node", fields::Value::of(one.disk.node));
  made.add("model", fields::Value::of(one.disk.model));
  made.add("serial", fields::Value::of(one.disk.facts.serial));
  made.add("wwn", fields::Value::of(one.disk.facts.wwn));
  made.add("transport", fields::Value::of(one.disk.transport));
  return made;
}

fields::Value selectors_value(const Selected& selected) {
  fields::Value list = fields::Value::array();
  for (const auto& one : selected) {
    list.items.push_back(selector_value(one));
  }
  return list;
}

std::string selectors_text(const Selected& selected) {
  std::string text;
  for (const auto& one : selected) {
    text += selector_path(printable(one.selector)) + " is " + model::describe(one.disk) + "\n";
  }
  return text.empty() ? text : text + "\n";
}

std::string as_json(const spec::Parsed& parsed, const model::Inventory& inventory, const Selected& selected,
                    const std::vector<plan::Plan>& plans) {
  fields::Value made = fields::Value::object();
  made.add("version", fields::Value::of(json_version));
  made.add("engine", fields::Value::of("provision " PROVISION_VERSION));
  made.add("config", fields::Value::of(spec::meaning(*parsed.config).text()));
  made.add("changes", fields::Value::of(plan::changes_anything(plans)));
  made.add("selectors", selectors_value(selected));
  fields::Value disks = fields::Value::array();
  for (const auto& change : plan::disk_changes(inventory, plans)) {
    disks.items.push_back(plan::to_value(change));
  }
  made.add("disks", std::move(disks));
  made.add("devices", plan::to_value(plan::device_tree(*parsed.config, inventory, plans)));
  fields::Value stages = fields::Value::array();
  for (const auto& plan : plans) {
    fields::Value stage = fields::Value::object();
    stage.add("stage", fields::Value::of(plan.stage));
    fields::Value steps = fields::Value::array();
    for (const auto& step : plan.steps) {
      steps.items.push_back(step_value(step));
    }
    stage.add("steps", std::move(steps));
    stages.items.push_back(std::move(stage));
  }
  made.add("stages", std::move(stages));
  return fields::write_json(made, fields::Layout::indented) + "\n";
}

std::string as_text(const spec::Parsed& parsed, const model::Inventory& inventory, const Selected& selected,
                    const std::vector<plan::Plan>& plans) {
  const bool colour = output_shows_colour();
  const std::string tables = plan::render(plan::disk_changes(inventory, plans), colour);
  std::string text = selectors_text(selected) + tables;
  text += tables.empty() ? "" : "\n";
  const std::string devices = plan::render(plan::device_tree(*parsed.config, inventory, plans), colour);
  text += devices.empty() ? "" : devices + "\n";
  // What is only mounted for the time of the boot is no change.
  return text + plan::render(plan::changes_anything(plans) ? plans : std::vector<plan::Plan>{}, colour);
}

int show(const PlanOptions& options, const spec::Parsed& parsed, const Result<model::Inventory>& inventory) {
  if (!inventory) {
    return failure(inventory.error(), &parsed);
  }
  auto plans = stages::plan_all(parsed, *inventory);
  if (!plans) {
    return failure(plans.error(), &parsed);
  }
  if (!options.target.images.empty() && !options.target.root.given()) {
    // No root, nowhere to write: the config asks for nothing there, or check_root_choice() would have said so.
    std::erase_if(*plans, [](const plan::Plan& plan) { return plan.stage == "files"; });
  }
  const auto selected = model::select_disks(parsed, inventory->whole_disks);
  if (!selected) {
    return failure(selected.error(), &parsed);
  }
  print(options.format == "json" ? as_json(parsed, *inventory, *selected, *plans)
                                 : as_text(parsed, *inventory, *selected, *plans));
  return plan::changes_anything(*plans) ? changes_to_make : nothing_to_do;
}

int plan_images(const PlanOptions& options, const spec::Parsed& parsed) {
  if (const auto choice = check_root_choice(*parsed.config, options.target.root); !choice) {
    return failure(choice.error(), &parsed);
  }
  const auto status =
      run_apart(options.target, [&] { return show(options, parsed, see_images(options.target, parsed)); });
  return status ? *status : failure(status.error(), nullptr);
}

// The one that the stages fetch-offline and fetch have found in this boot: for a person at the emergency prompt.
int plan_of_this_boot(const PlanOptions& options) {
  host::LinuxFiles own("/");
  const auto config = stages::load_config(own);
  if (!config) {
    return failure(config.error(), nullptr);
  }
  return show(options, *config, see_machine(options.root, *config));
}

int run_plan_command(const PlanOptions& options) {
  if (options.config.empty()) {
    return plan_of_this_boot(options);
  }
  int status = failed;
  const auto given = read_config(options.config, options.ca_file, status);
  if (!given) {
    return status == changes_to_make ? failed : status;
  }
  const spec::Parsed& parsed = given->config;
  if (!options.target.images.empty()) {
    return plan_images(options, parsed);
  }
  return show(options, parsed,
              options.inventory.empty() ? see_machine(options.root, parsed) : read_inventory(options.inventory));
}

}  // namespace

Command add_plan(ArgumentParser& program) {
  ArgumentParser parser =
      program.add_subcommand("plan", "Show what a first boot with a config would do; change nothing");
  auto options = std::make_shared<PlanOptions>();
  parser.add_option("config", options->config,
                    "The config: a file, - for standard input, or an http(s) URL; none: that of this first boot");
  parser.add_option("--inventory", options->inventory,
                    "Plan for the machine described in this file (`provision inventory`)");
  parser.add_option("--root", options->root, "The root of the machine to plan for").show_default();
  parser.add_option("--format", options->format, "text or json").show_default().one_of({"text", "json"});
  parser.add_option("--ca-file", options->ca_file, "Trust the certificates in this PEM file for https");
  add_target_options(parser, options->target);
  parser.get_option("--image").excludes("--inventory");
  parser.footer(target_footer() + "\nExit status: 0 nothing to do, 2 there are changes to make, 1 an error.");
  return {parser, [options] { return run_plan_command(*options); }, failed};
}

}  // namespace provision::cli
