// SPDX-License-Identifier: Apache-2.0
// What the host says of a machine that keeps it out.
#pragma once

#include <string>
#include <string_view>

namespace provision::providers {

// "this is a confidential machine (Intel TDX), and SMBIOS is …": the sentence of whoever does not take the host's word.
// `what` is in the singular.
std::string not_believed(std::string_view what, std::string_view technology);

}  // namespace provision::providers
