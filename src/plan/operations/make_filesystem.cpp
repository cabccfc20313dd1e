// SPDX-License-Identifier: Apache-2.0
// MakeFilesystem: an empty file system on a device.
#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "plan/operation.hpp"
#include "plan/operations/make_filesystem.hpp"
#include "plan/operations/programs.hpp"

namespace provision::plan {
namespace {

using Arguments = std::vector<std::string>;

enum class IdForm : std::uint8_t { none, uuid, serial };

// One kind of file system: how its program is called, and what identifies it. Adding one is adding a row, and the label
// limit in spec/filesystems.cpp.
struct Format {
  std::string_view name;
  // None: there is nothing to run.
  std::string_view program;
  IdForm id;
  // The arguments behind the user's own and before the device: what comes last counts, so that the identity is the
  // plan's.
  Arguments (*arguments)(const MakeFilesystem& operation);
};

Arguments with_label(Arguments arguments, std::string_view option, const MakeFilesystem& operation) {
  if (!operation.label.empty()) {
    arguments.insert(arguments.end(), {std::string(option), operation.label});
  }
  return arguments;
}

// -F: the target is a partition or a whole disk, both meant (mke2fs would ask). -q: no progress bar.
Arguments ext4_arguments(const MakeFilesystem& operation) {
  return with_label({"-F", "-q", "-U", operation.id}, "-L", operation);
}

// -f: what was on the device was looked at, and wiped where it may be.
Arguments xfs_arguments(const MakeFilesystem& operation) {
  return with_label({"-f", "-q", "-m", "uuid=" + operation.id}, "-L", operation);
}

Arguments btrfs_arguments(const MakeFilesystem& operation) {
  return with_label({"-f", "-q", "-U", operation.id}, "-L", operation);
}

// -I: also on a whole disk. The serial is given without its dash.
Arguments vfat_arguments(const MakeFilesystem& operation) {
  return with_label({"-I", "-i", operation.id.substr(0, 4) + operation.id.substr(5)}, "-n", operation);
}

Arguments swap_arguments(const MakeFilesystem& operation) {
  return with_label({"-f", "-U", operation.id}, "-L", operation);
}

constexpr std::array formats{
    Format{"ext4", "mkfs.ext4", IdForm::uuid, &ext4_arguments},
    Format{"xfs", "mkfs.xfs", IdForm::uuid, &xfs_arguments},
    Format{"btrfs", "mkfs.btrfs", IdForm::uuid, &btrfs_arguments},
    Format{"vfat", "mkfs.vfat", IdForm::serial, &vfat_arguments},
    Format{"swap", "mkswap", IdForm::uuid, &swap_arguments},
    Format{no_filesystem, "", IdForm::none, nullptr},
};

const Format* format_of(std::string_view name) {
  for (const auto& format : formats) {
    if (format.name == name) {
      return &format;
    }
  }
  return nullptr;
}

IdForm id_form_of(std::string_view name) {
  const Format* format = format_of(name);
  return format == nullptr ? IdForm::uuid : format->id;
}

// As libblkid's vfat prober writes a serial.
std::string serial_text(std::string_view hex) {
  std::string text(hex.substr(0, 4));
  text += "-";
  text += hex.substr(4, 4);
  for (auto& c : text) {
    c = c >= 'a' && c <= 'f' ? static_cast<char>(c - 'a' + 'A') : c;
  }
  return text;
}

std::optional<std::string> serial_of(std::string_view given) {
  std::string hex = lower_ascii(given);
  if (hex.size() == 9 && hex[4] == '-') {
    hex.erase(4, 1);
  }
  const bool is_hex = hex.size() == 8 && hex.find_first_not_of("0123456789abcdef") == std::string::npos;
  return is_hex ? std::optional(serial_text(hex)) : std::nullopt;
}

host::Command command_of(const Format& format, const MakeFilesystem& operation, const std::string& node) {
  host::Command command;
  command.program = std::string(format.program);
  command.arguments = operation.options;
  for (auto& argument : format.arguments(operation)) {
    command.arguments.push_back(std::move(argument));
  }
  command.arguments.push_back(node);
  return command;
}

// Whether it is the one of this plan. A label that the config does not give may still be in the user's options.
bool is_made(const host::Signature& seen, const MakeFilesystem& operation) {
  if (operation.format == no_filesystem) {
    return seen.type.empty();
  }
  return seen.type == operation.format && seen.uuid == operation.id &&
         (operation.label.empty() || seen.label == shown_label(operation.label));
}

}  // namespace

bool is_known_format(std::string_view format) { return format_of(format) != nullptr; }

std::optional<std::string> filesystem_id(std::string_view format, std::string_view given) {
  switch (id_form_of(format)) {
    case IdForm::none:
      return std::string();
    case IdForm::serial:
      return serial_of(given);
    case IdForm::uuid:
      break;
  }
  const auto uuid = Uuid::parse(given);
  return uuid ? std::optional(uuid->text()) : std::nullopt;
}

std::string derived_id(std::string_view format, const Uuid& uuid) {
  switch (id_form_of(format)) {
    case IdForm::none:
      return {};
    case IdForm::serial:
      return serial_text(uuid.text());
    case IdForm::uuid:
      break;
  }
  return uuid.text();
}

std::string_view id_form(std::string_view format) {
  return id_form_of(format) == IdForm::serial ? "8 hex digits" : "32 hex digits in groups of 8-4-4-4-12";
}

std::string shown_label(std::string_view label) {
  const std::size_t end = label.find_last_not_of(" \t\n\v\f\r");
  return printable(label.substr(0, end == std::string_view::npos ? 0 : end + 1));
}

std::string label_fault(std::string_view format, std::string_view label) {
  // As mkfs.fat has it, which would fail when the old content is gone already.
  constexpr std::string_view refused = "*?.,;:/\\|+=<>[]\"";
  const bool fits = std::all_of(label.begin(), label.end(), [&](char c) {
    return c >= ' ' && c < '\x7f' && refused.find(c) == std::string_view::npos;
  });
  if (format != "vfat" || fits) {
    return {};
  }
  return "the label of a vfat has only ASCII characters, and none of " + std::string(refused);
}

Result<Observation> observe(host::Host& host, const MakeFilesystem& operation) {
  TRY(host.disks.await(operation.device, std::chrono::seconds(30)));
  const host::Signature seen = TRY(host.disks.probe(operation.device));
  Observation observation;
  observation.state = is_made(seen, operation) ? State::satisfied : seen.type.empty() ? State::absent : State::foreign;
  observation.fingerprint = model::fingerprint(seen);
  observation.found = model::describe(seen);
  return observation;
}

Result<void> apply(Work& work, const MakeFilesystem& operation) {
  const Format* format = format_of(operation.format);
  if (format == nullptr) {
    return Error(Code::unsupported, "a file system of kind " + operation.format + " cannot be made yet");
  }
  if (!format->program.empty()) {
    TRY(must_have_program(work.host, format->program));
  }
  const std::string node = TRY(work.host.disks.await(operation.device, std::chrono::seconds(30)));
  if (!TRY(work.host.disks.probe(operation.device)).type.empty()) {
    TRY(work.host.disks.wipe_signatures(operation.device));
  }
  if (format->arguments == nullptr) {
    return {};
  }
  const host::Command command = command_of(*format, operation, node);
  TRY(run_program(work.host, command));
  return work.host.disks.flush(operation.device);
}

void predict(model::Inventory& inventory, const MakeFilesystem& operation) {
  host::Signature made;
  if (operation.format != no_filesystem) {
    made = {operation.format, shown_label(operation.label), operation.id, false};
  }
  for (auto& disk : inventory.disks) {
    for (auto& view : disk.partitions) {
      if (disk.device == operation.device.disk && view.number == operation.device.number) {
        view.signature = made;
      }
    }
  }
  for (auto& view : inventory.devices) {
    if (view.device.path == operation.device.path) {
      view.signature = made;
      view.subvolumes.clear();
      return;
    }
  }
  inventory.devices.push_back({operation.device, made, {}});
}

std::string describe(const MakeFilesystem& operation) {
  if (operation.format == no_filesystem) {
    return "leave nothing on " + operation.device.path;
  }
  const std::string label = operation.label.empty() ? "" : " labelled \"" + printable(operation.label) + "\"";
  return "make " + operation.format + label + " on " + operation.device.path;
}

// mkfs writes the superblock, with the UUID, before all other blocks are known to be on the device. Wiping is durable.
Traits traits(const MakeFilesystem& operation) {
  return {.sync_path = {}, .observation_proves = operation.format == no_filesystem, .lasts = true};
}

}  // namespace provision::plan
