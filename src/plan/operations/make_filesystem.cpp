// SPDX-License-Identifier: Apache-2.0
// MakeFilesystem: an empty file system on a device.
#include <array>

#include "base/text.hpp"
#include "plan/operation.hpp"

namespace provision::plan {
namespace {

using Arguments = std::vector<std::string>;

// One kind of file system: how its program is called. Adding one is adding a row.
struct Format {
  std::string_view name;
  std::string_view program;
  Arguments (*arguments)(const MakeFilesystem& operation);
};

// -F: the target is a partition or a whole disk, both meant (mke2fs would ask). -q: no progress bar.
Arguments ext4_arguments(const MakeFilesystem& operation) {
  Arguments arguments{"-F", "-q", "-U", operation.uuid.text()};
  if (!operation.label.empty()) {
    arguments.insert(arguments.end(), {"-L", operation.label});
  }
  return arguments;
}

constexpr std::array formats{Format{"ext4", "mkfs.ext4", &ext4_arguments}};

const Format* format_of(std::string_view name) {
  for (const auto& format : formats) {
    if (format.name == name) {
      return &format;
    }
  }
  return nullptr;
}

// The last lines of the program's own words, on one line.
std::string last_words(const std::string& output) {
  const std::string_view words = trim(output);
  constexpr std::size_t most = 400;
  std::string shown = printable(words.size() > most ? words.substr(words.size() - most) : words);
  return shown.empty() ? "it said nothing" : shown;
}

}  // namespace

Result<Observation> observe(host::Host& host, const MakeFilesystem& operation) {
  TRY(host.disks.await(operation.device, std::chrono::seconds(30)));
  const host::Signature seen = TRY(host.disks.probe(operation.device));
  const bool ours =
      seen.type == operation.format && seen.uuid == operation.uuid.text() && seen.label == operation.label;
  Observation observation;
  observation.state = ours ? State::satisfied : seen.type.empty() ? State::absent : State::foreign;
  observation.fingerprint = model::fingerprint(seen);
  observation.found = model::describe(seen);
  return observation;
}

Result<void> apply(Work& work, const MakeFilesystem& operation) {
  const Format* format = format_of(operation.format);
  if (format == nullptr) {
    return Error(Code::unsupported, "a file system of kind " + operation.format + " cannot be made yet");
  }
  const std::string node = TRY(work.host.disks.await(operation.device, std::chrono::seconds(30)));
  if (!TRY(work.host.disks.probe(operation.device)).type.empty()) {
    TRY(work.host.disks.wipe_signatures(operation.device));
  }
  host::Command command;
  command.program = std::string(format->program);
  command.arguments = format->arguments(operation);
  command.arguments.insert(command.arguments.end(), operation.options.begin(), operation.options.end());
  command.arguments.push_back(node);
  const host::Exit exit = TRY(work.host.processes.run(command));
  if (exit.status != 0) {
    return Error(Code::program_failed, command.program + " ended with status " + std::to_string(exit.status) + ": " +
                                           last_words(exit.output));
  }
  return work.host.disks.flush(operation.device);
}

void predict(model::Inventory& inventory, const MakeFilesystem& operation) {
  const host::Signature made{operation.format, operation.label, operation.uuid.text(), false};
  for (auto& view : inventory.devices) {
    if (view.device.path == operation.device.path) {
      view.signature = made;
      return;
    }
  }
  inventory.devices.push_back({operation.device, made, {}});
}

std::string describe(const MakeFilesystem& operation) {
  const std::string label = operation.label.empty() ? "" : " labelled \"" + printable(operation.label) + "\"";
  return "make " + operation.format + label + " on " + operation.device.path;
}

// mke2fs writes the superblock, with the UUID, before all other blocks are known to be on the device.
Traits traits(const MakeFilesystem& /*operation*/) {
  return {.sync_path = {}, .observation_proves = false, .lasts = true};
}

}  // namespace provision::plan
