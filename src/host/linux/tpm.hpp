// SPDX-License-Identifier: Apache-2.0
// One command to a TPM 2.0, in its own bytes (TCG, "Trusted Platform Module Library", parts 2 and 3).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace provision::host {

// TPM2_PCR_Event with the empty password: the TPM hashes the event and extends the PCR in every bank that it has. At
// most 1024 bytes.
std::string pcr_event_command(std::uint32_t pcr, std::string_view event);

// Sends that command to a TPM (/dev/tpmrm0, or a socket to one) and sees that it succeeded. Code::tpm_failed.
Result<void> extend_pcr(int tpm, std::uint32_t pcr, std::string_view event);

}  // namespace provision::host
