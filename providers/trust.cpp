// SPDX-License-Identifier: Apache-2.0
#include "providers/trust.hpp"

namespace provision::providers {

std::string not_believed(std::string_view what, std::string_view technology) {
  return "this is a confidential machine (" + std::string(technology) + "), and " + std::string(what) +
         " is the word of its host, which is believed only where provision.confidential=no is on the kernel command "
         "line";
}

}  // namespace provision::providers
