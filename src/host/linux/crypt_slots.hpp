// SPDX-License-Identifier: Apache-2.0
// Key slots and tokens of a LUKS header; the lock of the library is held.
#pragma once

#include <libcryptsetup.h>

#include <string_view>

namespace provision::host {

bool is_slot_used(crypt_device* device, int slot);
// Of LUKS2: a token of the type has a key slot that is in use.
bool has_token(crypt_device* device, std::string_view wanted);
// The same of a type whose tokens name no key slot.
bool has_token_without_slot(crypt_device* device, std::string_view wanted);

}  // namespace provision::host
