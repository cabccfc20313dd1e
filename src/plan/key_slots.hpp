// SPDX-License-Identifier: Apache-2.0
// The key slots of a LUKS2 header, and which of them tokens open (LUKS2 On-Disk Format, section 3.5): a token names its
// key slots in "keyslots".
#pragma once

#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "host/host.hpp"

namespace provision::plan {

// Those in use that tokens of the type have; with an empty type all tokens count.
std::vector<int> slots_of_tokens(const host::LuksSlots& slots, std::string_view type);
// Whether the key opens just that slot.
Result<bool> opens_slot(host::Host& host, const host::DeviceRef& device, int slot, const Secret& key);
// What a cut has left of the adding of a slot and its token: one that no token has, that the volume's key does not
// open, and that was not there `before`; of a volume that this first boot makes, none was.
Result<void> remove_strays(host::Host& host, const host::DeviceRef& device, const Secret& key,
                           const std::vector<int>& before = {});
// Those that the key opens and that no token has; where it opens none, those that nobody opens: what a cut has left of
// this. The volume must be one that this first boot made, and they are not the last: some token must have one.
Result<void> remove_slots_of(host::Host& host, const host::DeviceRef& device, const Secret& key);

}  // namespace provision::plan
