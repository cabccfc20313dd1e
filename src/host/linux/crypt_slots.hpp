// SPDX-License-Identifier: Apache-2.0
// Key slots and tokens of a LUKS header; the lock of the library is held.
#pragma once

#include <libcryptsetup.h>

namespace provision::host {

bool is_slot_used(crypt_device* device, int slot);
// Of LUKS2: a token of Clevis has a key slot that is in use.
bool is_bound(crypt_device* device);

}  // namespace provision::host
