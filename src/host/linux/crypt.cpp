// SPDX-License-Identifier: Apache-2.0
#include "host/linux/crypt.hpp"

#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "base/text.hpp"
#include "host/linux/block_device.hpp"
#include "host/linux/crypt_slots.hpp"
#include "host/linux/descriptor.hpp"
#include "host/linux/device_mapper.hpp"
#include "host/linux/mappings.hpp"
#include "host/linux/process_start.hpp"

namespace provision::host {
namespace {

std::string text_of(const char* text) { return text == nullptr ? std::string() : std::string(text); }

bool has_key(crypt_device* device, const char* type) {
  for (int slot = 0; slot < crypt_keyslot_max(type); ++slot) {
    if (is_slot_used(device, slot)) {
      return true;
    }
  }
  return false;
}

std::uint32_t persistent_flags(crypt_device* device) {
  std::uint32_t flags = 0;
  return crypt_persistent_flags_get(device, CRYPT_FLAGS_ACTIVATION, &flags) == 0 ? flags : 0;
}

// KiB that the key slots want at most; they are tried one after the other.
std::uint32_t memory_of_slots(crypt_device* device) {
  std::uint32_t most = 0;
  for (int slot = 0; slot < crypt_keyslot_max(CRYPT_LUKS2); ++slot) {
    crypt_pbkdf_type kind{};
    if (is_slot_used(device, slot) && crypt_keyslot_get_pbkdf(device, slot, &kind) == 0) {
      most = std::max(most, kind.max_memory_kb);
    }
  }
  return most;
}

std::uint32_t kept_flags(const LuksOpen& options) {
  return (options.discards ? CRYPT_ACTIVATE_ALLOW_DISCARDS : 0U) |
         (options.same_cpu_crypt ? CRYPT_ACTIVATE_SAME_CPU_CRYPT : 0U) |
         (options.submit_from_crypt_cpus ? CRYPT_ACTIVATE_SUBMIT_FROM_CRYPT_CPUS : 0U) |
         (options.no_read_workqueue ? CRYPT_ACTIVATE_NO_READ_WORKQUEUE : 0U) |
         (options.no_write_workqueue ? CRYPT_ACTIVATE_NO_WRITE_WORKQUEUE : 0U);
}

// Before the mapping, so that one that is there was made with flags that are kept. Those that the header has stay.
Result<void> keep_flags(CryptDevice& device, const LuksOpen& options, const std::string& node) {
  const std::lock_guard lock(cryptsetup_lock());
  const std::uint32_t there = persistent_flags(device.get());
  const std::uint32_t wanted = there | kept_flags(options);
  const int result = wanted == there ? 0 : crypt_persistent_flags_set(device.get(), CRYPT_FLAGS_ACTIVATION, wanted);
  if (result != 0) {
    return device.error("cannot keep the options of the encrypted volume in the header on " + node, result);
  }
  return {};
}

// What a making that was cut left under the name is in the way.
Result<void> clear_name(const std::string& name) {
  const auto there = mapping_named(name);
  if (!there) {
    return {};
  }
  if (!there->hollow || there->uuid.empty()) {
    return Error(Code::conflict, "there is a mapping " + printable(name) + " already");
  }
  return remove_map(name);
}

Result<void> make_mapping(CryptDevice& device, const std::string& name, const LuksOpen& options,
                          const std::string& node, const Secret& volume_key) {
  const std::lock_guard lock(cryptsetup_lock());
  // device-mapper wants the device for itself alone.
  const std::lock_guard starting(starting_lock());
  TRY(clear_name(name));
  choose_udev_sync();
  static_cast<void>(crypt_volume_key_keyring(device.get(), options.no_keyring ? 0 : 1));
  const std::uint32_t flags = kept_flags(options) | (options.read_only ? CRYPT_ACTIVATE_READONLY : 0U);
  const std::string_view bytes = volume_key.view();
  const int result = crypt_activate_by_volume_key(device.get(), name.c_str(), bytes.data(), bytes.size(), flags);
  if (result < 0) {
    return device.error("cannot open the encrypted volume on " + node + " as " + name, result);
  }
  return ensure_node(name);
}

}  // namespace

Result<LuksHeader> LinuxCrypt::header(const DeviceRef& device) {
  const BlockDevice found = TRY(find_device(device));
  CryptDevice crypt = TRY(CryptDevice::at(found.node));
  const std::lock_guard lock(cryptsetup_lock());
  const int result = crypt_load(crypt.get(), CRYPT_LUKS, nullptr);
  if (result == -EINVAL) {
    return LuksHeader{};
  }
  if (result != 0) {
    return crypt.error("cannot read the header of the encrypted volume on " + found.node, result);
  }
  const char* const type = crypt_get_type(crypt.get());
  const bool second = text_of(type) == CRYPT_LUKS2;
  LuksHeader header;
  header.version = second ? 2 : 1;
  header.uuid = text_of(crypt_get_uuid(crypt.get()));
  header.label = second ? text_of(crypt_get_label(crypt.get())) : std::string();
  header.discards = second && (persistent_flags(crypt.get()) & CRYPT_ACTIVATE_ALLOW_DISCARDS) != 0;
  header.has_key = has_key(crypt.get(), type);
  header.bound = second && has_token(crypt.get(), "clevis");
  header.tpm2 = second && has_token(crypt.get(), "systemd-tpm2");
  header.recovery = second && has_token(crypt.get(), "systemd-recovery");
  header.paes = second && text_of(crypt_get_cipher(crypt.get())) == "paes";
  header.verified = second && has_token_without_slot(crypt.get(), "paes-verification-pattern");
  return header;
}

// False: no key slot is opened by the key.
Result<bool> LinuxCrypt::volume_key(CryptDevice& device, const LuksOpen& options, const std::string& node,
                                    const Secret& key, Secret& found) {
  const int slot =
      options.key_slot < 0 ? CRYPT_ANY_SLOT : static_cast<int>(std::min<std::int64_t>(options.key_slot, 32));
  const int bytes =
      slot == CRYPT_ANY_SLOT ? crypt_get_volume_key_size(device.get()) : crypt_keyslot_get_key_size(device.get(), slot);
  if (bytes <= 0 || !has_key(device.get(), CRYPT_LUKS2)) {
    return false;
  }
  found = TRY(Secret::sized(static_cast<std::size_t>(bytes)));
  std::size_t size = found.size();
  device.forget();
  int result = 0;
  {
    const auto share = budget_.take(memory_of_slots(device.get()));
    result =
        crypt_volume_key_get(device.get(), slot, found.data(), &size, key.empty() ? "" : key.view().data(), key.size());
  }
  // -ENOENT without a word is "no such slot"; a cipher that is not there has a word.
  if (result == -EPERM || (result == -ENOENT && device.complaints().empty())) {
    return false;
  }
  if (result < 0) {
    return device.error("cannot try the key of the encrypted volume on " + node, result);
  }
  // A slot may hold a key that is not the volume's.
  return crypt_volume_key_verify(device.get(), found.view().data(), size) >= 0;
}

Result<bool> LinuxCrypt::open(const DeviceRef& device, const std::string& name, const LuksOpen& options,
                              const Secret& key) {
  const BlockDevice found = TRY(find_device(device));
  if (!name.empty() && !is_mapping_name(name)) {
    return Error(Code::unsupported, "the name " + printable(name) +
                                        " is none for a mapping: it may have up to 127 "
                                        "letters, digits and characters of #+-.:=@_");
  }
  CryptDevice crypt = TRY(CryptDevice::at(found.node));
  {
    const std::lock_guard lock(cryptsetup_lock());
    if (const int result = crypt_load(crypt.get(), CRYPT_LUKS2, nullptr); result != 0) {
      return crypt.error("there is no whole LUKS2 header on " + found.node, result);
    }
  }
  Secret secret;
  if (!TRY(volume_key(crypt, options, found.node, key, secret))) {
    return false;
  }
  if (name.empty()) {
    return true;
  }
  if (options.persistent) {
    TRY(keep_flags(crypt, options, found.node));
  }
  TRY(make_mapping(crypt, name, options, found.node, secret));
  return true;
}

Result<std::optional<OpenVolume>> LinuxCrypt::opened(const std::string& name) {
  const auto there = mapping_named(name);
  if (!there) {
    return std::optional<OpenVolume>();
  }
  if (there->uuid.empty()) {
    return Error(Code::conflict, "/dev/mapper/" + printable(name) + " is there, and is no encrypted volume (LUKS)");
  }
  return there->hollow ? std::optional<OpenVolume>() : std::optional(OpenVolume{there->uuid, there->node});
}

Result<void> LinuxCrypt::close(const std::string& name) {
  CryptDevice crypt = TRY(CryptDevice::of_mapping(name));
  const std::lock_guard lock(cryptsetup_lock());
  const std::lock_guard starting(starting_lock());
  choose_udev_sync();
  if (const int result = crypt_deactivate_by_name(crypt.get(), name.c_str(), 0); result != 0) {
    return crypt.error("cannot close the encrypted volume " + printable(name), result);
  }
  return {};
}

Result<Secret> LinuxCrypt::new_key(std::size_t bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  Secret random = TRY(Secret::sized(bytes));
  std::size_t filled = 0;
  while (filled < bytes) {
    const ssize_t count = uninterrupted([&] { return ::getrandom(random.data() + filled, bytes - filled, 0); });
    if (count < 0) {
      return io_error("the kernel gives no random bytes");
    }
    filled += static_cast<std::size_t>(count);
  }
  Secret key = TRY(Secret::sized(2 * bytes));
  for (std::size_t i = 0; i < bytes; ++i) {
    const auto byte = static_cast<unsigned char>(random.data()[i]);
    key.data()[2 * i] = digits[byte >> 4U];
    key.data()[2 * i + 1] = digits[byte & 0xFU];
  }
  return key;
}

}  // namespace provision::host
