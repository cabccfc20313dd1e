// SPDX-License-Identifier: Apache-2.0
// Encrypted volumes whose volume key is a secure key: one that CryptoExpress cards have made and wrapped by their
// master key, so that it is of use to nobody without them (storage.luks[].cex; zkey(1), zkey-cryptsetup(1)). The
// kernel's cipher for such keys is paes; the header has no other form than that of any volume.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "host/host.hpp"
#include "plan/operation.hpp"

namespace provision::plan {

inline constexpr std::string_view paes_cipher = "paes-xts-plain64";

// The cards' own, what makes keys of theirs, and the cipher.
inline constexpr std::array<std::string_view, 4> card_drivers{"zcrypt_cex4", "pkey", "pkey_cca", "paes_s390"};

// The key by which the image's initramfs opens such volumes (model::card_key_path); nothing: it has none.
Result<std::optional<Secret>> card_key(host::Files& own);

// The volume key for one that is made: the one that is kept, or else a new one of the cards that the operation names.
// It is kept with what zkey knows of it, each durable on return. Code::program_missing: by name and package, and
// Code::program_failed: nothing of what is on the device is gone.
Result<Secret> secure_key_for(host::Host& host, const MakeVolume& operation);

// Sees to it that the header says which key its volume key is in truth (a token), as zkey has it right after the
// making. `key` opens the volume. Nothing is done where it says so, or the volume has no secure key.
Result<void> ensure_pattern(host::Host& host, const MakeVolume& operation, const Secret& key);

}  // namespace provision::plan
