// SPDX-License-Identifier: Apache-2.0
// zkey(1) and zkey-cryptsetup(1) without the cryptography: secure keys that the machine's CryptoExpress cards have
// made, and can use as long as one of them is online.
#pragma once

#include <string>
#include <string_view>

#include "host/processes.hpp"
#include "host/sim/world.hpp"

namespace provision::host::sim {

// "generate --name NAME --key-type CCA-AESCIPHER --xts --description TEXT --apqns DOMAINS": the two files of a new key
// in the initramfs' /etc/zkey/repository, which has to be there, and has none of that name. `torn`: of them there is
// the first, or neither.
Exit run_zkey(World& world, const Command& command, bool torn);
// "setvp NODE --key-file /dev/stdin": the key is the secret input. The header's change is whole.
Exit run_zkey_cryptsetup(World& world, const Command& command);

// The secure key of a volume that was made before, and the token of a header with that volume key.
std::string secure_key_of_before(std::string_view uuid);
std::string pattern_token(std::string_view volume_key);

// Whether a token says which key the volume key is.
bool has_pattern(const Luks& header);
// Whether a volume with that volume key can be opened on this machine now.
bool is_usable(const World& world, std::string_view volume_key);

}  // namespace provision::host::sim
