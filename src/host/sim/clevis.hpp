// SPDX-License-Identifier: Apache-2.0
// clevis(1) without the cryptography: what it encrypts says how it was bound, and whoever has it can decrypt it.
#pragma once

#include <string>

#include "host/processes.hpp"

namespace provision::host::sim {

// "encrypt PIN CONFIG" and "decrypt": from the command's secret input to its answer.
Result<Exit> run_clevis(const Command& command);

// The token of a volume that was bound before: for the passphrase of that key slot.
std::string clevis_token(const std::string& passphrase, int slot);

}  // namespace provision::host::sim
