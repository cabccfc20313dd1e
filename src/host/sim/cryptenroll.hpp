// SPDX-License-Identifier: Apache-2.0
// systemd-cryptenroll(1) and cryptsetup(8) with a TPM, without the cryptography: the TPM opens what was enrolled on
// this machine, with the PIN that was given then.
#pragma once

#include <string>
#include <string_view>

#include "host/processes.hpp"
#include "host/sim/world.hpp"

namespace provision::host::sim {

// "--unlock-key-file=/dev/stdin --tpm2-device=auto --tpm2-pcrs=7 [--tpm2-with-pin=yes] NODE": the key is the secret
// input, the PIN the variable NEWPIN. `torn`: the power goes between the key slot and its token.
Exit run_cryptenroll(World& world, const Command& command, bool torn);
// "open … --token-only … NODE NAME", or with --test-passphrase and no name; the PIN is the secret input.
Exit run_cryptsetup(World& world, const Command& command);

// The token of a volume that was enrolled before, for a slot that the TPM opens by `pin`; empty: without one.
std::string tpm2_token(int slot, std::string_view pin);
std::string recovery_token(int slot);

// The number in "keyslots" of a token with one key slot; -1: it names none.
int slot_of_token(std::string_view json);
// What a header says of its tokens.
void note_tokens(Luks& header);

}  // namespace provision::host::sim
