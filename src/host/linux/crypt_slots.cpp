// SPDX-License-Identifier: Apache-2.0
#include "host/linux/crypt_slots.hpp"

#include "host/linux/block_device.hpp"
#include "host/linux/crypt.hpp"

namespace provision::host {
namespace {

std::string slots_of(const std::string& node) { return "the key slots of the encrypted volume on " + node; }

Result<void> load(CryptDevice& device, const std::string& node) {
  const std::lock_guard lock(cryptsetup_lock());
  if (const int result = crypt_load(device.get(), CRYPT_LUKS2, nullptr); result != 0) {
    return device.error("there is no whole LUKS2 header on " + node, result);
  }
  return {};
}

// What is random needs no slow deriving; as Clevis itself has it.
crypt_pbkdf_type quick() {
  crypt_pbkdf_type kind{};
  kind.type = CRYPT_KDF_PBKDF2;
  kind.hash = "sha256";
  kind.iterations = 1000;
  kind.flags = CRYPT_PBKDF_NO_BENCHMARK;
  return kind;
}

bool is_of_type(crypt_device* device, int token, std::string_view wanted) {
  const char* type = nullptr;
  const crypt_token_info status = crypt_token_status(device, token, &type);
  return status != CRYPT_TOKEN_INACTIVE && type != nullptr && std::string_view(type) == wanted;
}

}  // namespace

bool is_slot_used(crypt_device* device, int slot) {
  const crypt_keyslot_info status = crypt_keyslot_status(device, slot);
  return status == CRYPT_SLOT_ACTIVE || status == CRYPT_SLOT_ACTIVE_LAST;
}

bool has_token(crypt_device* device, std::string_view wanted) {
  for (int token = 0; token < crypt_token_max(CRYPT_LUKS2); ++token) {
    if (!is_of_type(device, token, wanted)) {
      continue;
    }
    for (int slot = 0; slot < crypt_keyslot_max(CRYPT_LUKS2); ++slot) {
      if (is_slot_used(device, slot) && crypt_token_is_assigned(device, token, slot) == 0) {
        return true;
      }
    }
  }
  return false;
}

bool has_token_without_slot(crypt_device* device, std::string_view wanted) {
  for (int token = 0; token < crypt_token_max(CRYPT_LUKS2); ++token) {
    if (is_of_type(device, token, wanted)) {
      return true;
    }
  }
  return false;
}

Result<LuksSlots> LinuxCrypt::slots(const DeviceRef& device) {
  const BlockDevice found = TRY(find_device(device));
  CryptDevice crypt = TRY(CryptDevice::at(found.node));
  TRY(load(crypt, found.node));
  const std::lock_guard lock(cryptsetup_lock());
  LuksSlots slots;
  for (int slot = 0; slot < crypt_keyslot_max(CRYPT_LUKS2); ++slot) {
    if (is_slot_used(crypt.get(), slot)) {
      slots.used.push_back(slot);
    }
  }
  for (int token = 0; token < crypt_token_max(CRYPT_LUKS2); ++token) {
    const char* json = nullptr;
    if (crypt_token_json_get(crypt.get(), token, &json) >= 0 && json != nullptr) {
      slots.tokens.emplace_back(json);
    }
  }
  return slots;
}

Result<int> LinuxCrypt::add_key(const DeviceRef& device, const Secret& key, const Secret& added) {
  const BlockDevice found = TRY(find_device(device));
  CryptDevice crypt = TRY(CryptDevice::at(found.node));
  TRY(load(crypt, found.node));
  Secret secret;
  if (!TRY(volume_key(crypt, {}, found.node, key, secret))) {
    return Error(Code::conflict, "the key opens none of " + slots_of(found.node));
  }
  int slot = 0;
  {
    const std::lock_guard lock(cryptsetup_lock());
    const crypt_pbkdf_type kind = quick();
    slot = crypt_set_pbkdf_type(crypt.get(), &kind);
    if (slot == 0) {
      slot = crypt_keyslot_add_by_volume_key(crypt.get(), CRYPT_ANY_SLOT, secret.view().data(), secret.size(),
                                             added.view().data(), added.size());
    }
  }
  if (slot < 0) {
    return crypt.error("cannot add to " + slots_of(found.node), slot);
  }
  TRY(make_header_durable(found.node));
  return slot;
}

Result<void> LinuxCrypt::add_token(const DeviceRef& device, const std::string& json) {
  const BlockDevice found = TRY(find_device(device));
  CryptDevice crypt = TRY(CryptDevice::at(found.node));
  TRY(load(crypt, found.node));
  int token = 0;
  {
    const std::lock_guard lock(cryptsetup_lock());
    token = crypt_token_json_set(crypt.get(), CRYPT_ANY_TOKEN, json.c_str());
  }
  if (token < 0) {
    return crypt.error("cannot add a token to " + slots_of(found.node), token);
  }
  return make_header_durable(found.node);
}

Result<void> LinuxCrypt::remove_slot(const DeviceRef& device, int slot) {
  const BlockDevice found = TRY(find_device(device));
  CryptDevice crypt = TRY(CryptDevice::at(found.node));
  TRY(load(crypt, found.node));
  int result = 0;
  {
    const std::lock_guard lock(cryptsetup_lock());
    if (crypt_keyslot_status(crypt.get(), slot) == CRYPT_SLOT_ACTIVE_LAST) {
      return Error(Code::conflict, "key slot " + std::to_string(slot) + " is the last of " + slots_of(found.node));
    }
    result = crypt_keyslot_destroy(crypt.get(), slot);
  }
  if (result != 0) {
    return crypt.error("cannot remove number " + std::to_string(slot) + " of " + slots_of(found.node), result);
  }
  return make_header_durable(found.node);
}

}  // namespace provision::host
