// SPDX-License-Identifier: Apache-2.0
// The platforms, one function each, defined in the file of that name.
#pragma once

#include "providers/provider.hpp"

namespace provision::providers {

Result<Outcome> fetch_metal(host::Host& host);
Result<Outcome> fetch_qemu(host::Host& host);

}  // namespace provision::providers
