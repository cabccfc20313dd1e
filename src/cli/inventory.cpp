// SPDX-License-Identifier: Apache-2.0
// provision inventory [CONFIG]: what is seen of a machine, as JSON, for `provision plan --inventory`.
#include "cli/inventory.hpp"

#include <fcntl.h>

#include <algorithm>
#include <memory>

#include "cli/commands.hpp"
#include "cli/complaint.hpp"
#include "cli/console.hpp"
#include "cli/documents.hpp"
#include "cli/target.hpp"
#include "fields/json.hpp"
#include "host/linux/block_device.hpp"
#include "host/linux/disks.hpp"

namespace provision::cli {
namespace {

using fields::Value;

struct InventoryOptions {
  std::string config;
  std::string root = "/";
  std::string ca_file;
  TargetOptions target;
};

Result<model::Inventory> parse_inventory(const std::string& name, std::string text) {
  fields::Document document(name, std::move(text));
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

// A config that names these disks and file systems and asks for nothing.
std::string naming_config(const std::vector<std::string>& disks, const std::vector<std::string>& devices) {
  Value root = Value::object();
  Value ignition = Value::object();
  ignition.add("version", Value::of("3.4.0"));
  root.add("ignition", std::move(ignition));
  Value storage = Value::object();
  Value disk_list = Value::array();
  for (const auto& device : disks) {
    Value disk = Value::object();
    disk.add("device", Value::of(device));
    disk_list.items.push_back(std::move(disk));
  }
  storage.add("disks", std::move(disk_list));
  Value device_list = Value::array();
  for (const auto& device : devices) {
    Value filesystem = Value::object();
    filesystem.add("device", Value::of(device));
    filesystem.add("format", Value::of("none"));
    device_list.items.push_back(std::move(filesystem));
  }
  storage.add("filesystems", std::move(device_list));
  root.add("storage", std::move(storage));
  return fields::write_json(root);
}

struct Names {
  std::vector<std::string> disks;
  std::vector<std::string> partitions;
};

// The machine's disks that can be opened, and their partitions.
Result<Names> names_of_machine() {
  Names names;
  for (const auto& disk : TRY(host::whole_disks())) {
    if (!host::open_device(disk.node, O_RDONLY)) {
      continue;
    }
    names.disks.push_back(disk.node);
    for (const auto& partition : TRY(host::partitions_of(disk))) {
      names.partitions.push_back(partition.device.node);
    }
  }
  return names;
}

// By the names that a config would use.
Result<Names> names_of_images(const TargetOptions& options) {
  Names names;
  ImageHost::Settings settings;
  settings.images = TRY(parse_images(options.images));
  settings.sector_size = options.sector_size;
  const auto images = TRY(ImageHost::open(settings));
  for (const auto& image : images->disks().images()) {
    const std::string& disk = image.spec.name;
    names.disks.push_back(disk);
    for (const auto& partition : TRY(images->disks().kernel_partitions({disk, {}, 0}))) {
      const bool digit = disk.back() >= '0' && disk.back() <= '9';
      names.partitions.push_back(disk + (digit ? "p" : "") + std::to_string(partition.number));
    }
  }
  return names;
}

Result<spec::Parsed> config_naming(const Names& names) {
  spec::Parsed parsed = spec::parse("inventory", naming_config(names.disks, names.partitions));
  if (!parsed.config) {
    return spec::error_of(parsed);
  }
  return parsed;
}

int show(const Result<model::Inventory>& inventory, const fields::Document* document) {
  if (!inventory) {
    return complain(inventory.error(), document);
  }
  const std::string text =
      fields::write_json(fields::Engine<model::Inventory>::write(*inventory), fields::Layout::indented) + "\n";
  // What cannot be read back would be worth nothing where it is to be used.
  const auto again = parse_inventory("the inventory", text);
  if (!again || *again != *inventory) {
    return complain(Error(Code::internal, "the inventory does not survive being written and read"), nullptr);
  }
  print(text);
  return 0;
}

// Both in one: the names, and what is seen at them.
int show_images(const InventoryOptions& options, const spec::Parsed* config) {
  if (config != nullptr) {
    return show(see_images(options.target, *config), &config->sources.documents.front());
  }
  const auto names = names_of_images(options.target);
  if (!names) {
    return complain(names.error(), nullptr);
  }
  const auto naming = config_naming(*names);
  return naming ? show(see_images(options.target, *naming), nullptr) : complain(naming.error(), nullptr);
}

// With what a selector can say of each disk, for whoever is going to write one.
Result<model::Inventory> see_whole_machine(const std::string& root, const spec::Parsed& naming) {
  model::Inventory inventory = TRY(see_machine(root, naming));
  host::LinuxDisks disks;
  inventory.whole_disks = TRY(disks.whole_disks({}));
  return inventory;
}

int show_machine(const InventoryOptions& options, const spec::Parsed* config) {
  if (config != nullptr) {
    return show(see_machine(options.root, *config), &config->sources.documents.front());
  }
  const auto names = names_of_machine();
  if (!names) {
    return complain(names.error(), nullptr);
  }
  const auto naming = config_naming(*names);
  return naming ? show(see_whole_machine(options.root, *naming), nullptr) : complain(naming.error(), nullptr);
}

int run_inventory_command(const InventoryOptions& options) {
  std::optional<spec::Parsed> config;
  if (!options.config.empty()) {
    int status = 1;
    auto given = read_config(options.config, options.ca_file, status);
    if (!given) {
      return status;
    }
    config = std::move(given->config);
  }
  const spec::Parsed* given = config ? &*config : nullptr;
  if (options.target.images.empty()) {
    return show_machine(options, given);
  }
  const auto status = run_apart(options.target, [&] { return show_images(options, given); });
  return status ? *status : complain(status.error(), nullptr);
}

}  // namespace

Result<model::Inventory> read_inventory(const std::string& name) {
  return parse_inventory(shown_name(name), TRY(read_document(name)));
}

Command add_inventory(ArgumentParser& program) {
  ArgumentParser parser =
      program.add_subcommand("inventory", "Print what is seen of a machine, for `plan --inventory`");
  auto options = std::make_shared<InventoryOptions>();
  parser.add_option("config", options->config, "Look at what this config names; without one, at all disks");
  parser.add_option("--root", options->root, "The root of the machine to look at").show_default();
  parser.add_option("--ca-file", options->ca_file, "Trust the certificates in this PEM file for https");
  add_target_options(parser, options->target);
  parser.footer(target_footer() + "\nExit status: 0 printed, 1 an error, 2 wrong usage.");
  return {parser, [options] { return run_inventory_command(*options); }};
}

}  // namespace provision::cli
