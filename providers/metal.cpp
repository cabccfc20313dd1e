// SPDX-License-Identifier: Apache-2.0
// Bare metal has no user-data of its own.
#include "providers/list.hpp"

namespace provision::providers {

Result<Outcome> fetch_metal(const Asking& /*asking*/) {
  return Outcome(None{"bare metal has no user-data of its own"});
}

}  // namespace provision::providers
