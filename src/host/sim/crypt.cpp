// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cerrno>

#include "base/uuid.hpp"
#include "host/sim/cryptenroll.hpp"
#include "host/sim/seams.hpp"
#include "host/sim/zkey.hpp"

namespace provision::host::sim {
namespace {

std::string mapping(const std::string& name) { return "/dev/mapper/" + name; }

// What the header keeps of them.
void keep(Luks& header, const LuksOpen& options) {
  LuksOpen& flags = header.flags;
  flags.discards = flags.discards || options.discards;
  flags.same_cpu_crypt = flags.same_cpu_crypt || options.same_cpu_crypt;
  flags.submit_from_crypt_cpus = flags.submit_from_crypt_cpus || options.submit_from_crypt_cpus;
  flags.no_read_workqueue = flags.no_read_workqueue || options.no_read_workqueue;
  flags.no_write_workqueue = flags.no_write_workqueue || options.no_write_workqueue;
  header.header.discards = flags.discards;
}

// The header's new copy counts whole or not at all: where the power goes midway, chance says which.
template <class T, class Whole>
Result<T> change_header(World& world, std::string_view name, const DeviceRef& device, Result<T> lie, Whole change) {
  const auto whole = [&]() -> Result<T> {
    auto changed = change();
    if (const auto found = existing(world, device); changed && found) {
      world.touch(found->node);
    }
    return changed;
  };
  const auto half = [&] {
    if (world.random().below(2) == 1) {
      static_cast<void>(whole());
    }
  };
  const std::string target = target_of(world, device);
  Answers<T> answers{Error(Code::io, "simulated failure of " + std::string(name) + " " + target, EIO), std::move(lie)};
  return mutate<T>(world, name, target, std::move(answers), whole, half);
}

void keep_options(World& world, const Device& device, const LuksOpen& options) {
  Luks* const header = world.luks(device);
  INVARIANT(header != nullptr);
  const LuksOpen before = header->flags;
  keep(*header, options);
  if (before != header->flags) {
    world.touch(device.node);
  }
}

}  // namespace

Result<LuksHeader> SimCrypt::header(const DeviceRef& device) {
  const Device found = TRY(existing(world_, device));
  const Luks* const held = world_.luks(found);
  return held == nullptr ? LuksHeader{} : held->header;
}

Result<void> SimCrypt::format(const DeviceRef& device, const LuksFormat& format, const Secret& key) {
  return format_with(device, format, key, Secret());
}

Result<void> SimCrypt::format_with(const DeviceRef& device, const LuksFormat& format, const Secret& key,
                                   const Secret& volume_key) {
  const auto ready = [&]() -> Result<Device> {
    Device found = TRY(unused(world_, device));
    if (!format.uuid.empty() && !Uuid::parse(format.uuid)) {
      return Error(Code::io, "'" + format.uuid + "' is no UUID", EINVAL);
    }
    if (!world_.has_room(found, format)) {
      return Error(Code::io, found.node + " is too small for a LUKS header", EINVAL);
    }
    return found;
  };
  const auto made = [&] {
    const auto uuid = Uuid::parse(format.uuid);
    Luks header;
    header.header = {2,
                     uuid ? uuid->text() : Uuid::derive({"volume", std::to_string(world_.random().next())}).text(),
                     format.label,
                     false,
                     true,
                     false,
                     false,
                     false};
    header.format = format;
    header.format.key_slot = std::max<std::int64_t>(format.key_slot, 0);
    header.keys[static_cast<int>(header.format.key_slot)] = std::string(key.view());
    header.volume_key = std::string(volume_key.view());
    header.header.paes = format.cipher.starts_with("paes-");
    return header;
  };
  const auto whole = [&]() -> Result<void> {
    const Device found = TRY(ready());
    world_.encrypt(found, made());
    world_.touch(found.node);
    return {};
  };
  const auto half = [&] {
    if (const auto found = ready()) {
      world_.encrypt_midway(*found, made());
      world_.touch(found->node);
    }
  };
  return mutate(world_, "format_volume", target_of(world_, device), whole, half);
}

Result<bool> SimCrypt::opens(const DeviceRef& device, const LuksOpen& options, const Secret& key) {
  const Device found = TRY(existing(world_, device));
  const Luks* const held = world_.luks(found);
  if (held == nullptr) {
    return Error(Code::io, found.node + " is no LUKS volume", EINVAL);
  }
  return std::any_of(held->keys.begin(), held->keys.end(), [&](const auto& slot) {
    return (options.key_slot < 0 || options.key_slot == slot.first) && key.is(slot.second);
  });
}

// In libcryptsetup's order: the name, the key, the device.
Result<std::optional<Device>> SimCrypt::to_open(const DeviceRef& device, const std::string& name,
                                                const LuksOpen& options, const Secret& key) {
  if (world_.find(mapping(name))) {
    return Error(Code::conflict, mapping(name) + " is there already", EEXIST);
  }
  if (!TRY(opens(device, options, key))) {
    return std::optional<Device>();
  }
  const Luks* const header = TRY(header_of(device));
  if (header->header.paes && !is_usable(world_, header->volume_key)) {
    return Error(Code::io, "device-mapper: reload ioctl on " + name + " failed", EINVAL);
  }
  return std::optional(TRY(unused(world_, device)));
}

Result<bool> SimCrypt::open(const DeviceRef& device, const std::string& name, const LuksOpen& options,
                            const Secret& key) {
  if (name.empty()) {
    return opens(device, options, key);
  }
  const auto whole = [&]() -> Result<bool> {
    const auto found = TRY(to_open(device, name, options, key));
    if (found) {
      if (options.persistent) {
        keep_options(world_, *found, options);
      }
      world_.open_volume(*found, name);
    }
    return found.has_value();
  };
  const auto half = [&] {
    const auto found = to_open(device, name, options, key);
    if (options.persistent && found && *found && world_.random().below(2) == 1) {
      keep_options(world_, **found, options);
    }
  };
  const std::string target = target_of(world_, device);
  Answers<bool> answers{Error(Code::io, "simulated failure of open_volume " + target, EIO), true};
  return mutate<bool>(world_, "open_volume", target, std::move(answers), whole, half);
}

Result<std::optional<OpenVolume>> SimCrypt::opened(const std::string& name) {
  if (const Volume* const volume = world_.open_volume(name)) {
    return std::optional(OpenVolume{volume->uuid, volume->node});
  }
  if (world_.find(mapping(name))) {
    return Error(Code::conflict, mapping(name) + " is no LUKS volume");
  }
  return std::optional<OpenVolume>();
}

Result<void> SimCrypt::close(const std::string& name) {
  const DeviceRef ref{mapping(name), "", 0};
  const auto whole = [&]() -> Result<void> {
    if (world_.open_volume(name) == nullptr) {
      return Error(Code::device_missing, "no volume is open as " + ref.path, ENODEV);
    }
    TRY(unused(world_, ref));
    world_.close_volume(name);
    return {};
  };
  return mutate(world_, "close_volume", target_of(world_, ref), whole, [] {});
}

Result<Luks*> SimCrypt::header_of(const DeviceRef& device) {
  const Device found = TRY(existing(world_, device));
  Luks* const held = world_.luks(found);
  if (held == nullptr) {
    return Error(Code::io, found.node + " is no LUKS volume", EINVAL);
  }
  return held;
}

Result<LuksSlots> SimCrypt::slots(const DeviceRef& device) {
  const Luks* const held = TRY(header_of(device));
  LuksSlots slots;
  for (const auto& [slot, key] : held->keys) {
    slots.used.push_back(slot);
  }
  slots.tokens = held->tokens;
  return slots;
}

Result<int> SimCrypt::add_key(const DeviceRef& device, const Secret& key, const Secret& added) {
  const auto whole = [&]() -> Result<int> {
    Luks* const held = TRY(header_of(device));
    if (!TRY(opens(device, {}, key))) {
      return Error(Code::conflict, "the key opens no key slot", EPERM);
    }
    int slot = 0;
    while (held->keys.contains(slot)) {
      ++slot;
    }
    held->keys[slot] = std::string(added.view());
    return slot;
  };
  return change_header<int>(world_, "add_key", device, 1, whole);
}

Result<void> SimCrypt::add_token(const DeviceRef& device, const std::string& json) {
  const auto whole = [&]() -> Result<void> {
    Luks* const held = TRY(header_of(device));
    const int slot = slot_of_token(json);
    if (!held->keys.contains(slot)) {
      return Error(Code::io, "the token names no key slot that is in use: " + json, EINVAL);
    }
    held->tokens.push_back(json);
    note_tokens(*held);
    return {};
  };
  return change_header<void>(world_, "add_token", device, {}, whole);
}

Result<void> SimCrypt::remove_slot(const DeviceRef& device, int slot) {
  const auto whole = [&]() -> Result<void> {
    Luks* const held = TRY(header_of(device));
    if (!held->keys.contains(slot)) {
      return Error(Code::io, "key slot " + std::to_string(slot) + " is not in use", ENOENT);
    }
    if (held->keys.size() == 1) {
      return Error(Code::conflict, "key slot " + std::to_string(slot) + " is the last");
    }
    held->keys.erase(slot);
    note_tokens(*held);
    return {};
  };
  return change_header<void>(world_, "remove_slot", device, {}, whole);
}

// Numbers of the world's own, so that the faults come out the same whether or not keys are made.
Result<Secret> SimCrypt::new_key(std::size_t bytes) {
  const std::size_t digits = 2 * bytes;
  constexpr std::string_view hex = "0123456789abcdef";
  Secret key = TRY(Secret::sized(digits));
  for (std::size_t i = 0; i < digits; ++i) {
    key.data()[i] = hex[world_.key_random().below(hex.size())];  // NOLINT(*-pointer-arithmetic): its only interface
  }
  return key;
}

}  // namespace provision::host::sim
