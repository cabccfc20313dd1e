// SPDX-License-Identifier: Apache-2.0
#include "base/assert.hpp"

#include <unistd.h>

#include <cstdlib>
#include <string>

namespace provision::detail {

void invariant_broken(const char* expression, const char* file, int line) {
  const std::string text =
      std::string("provision: broken invariant: ") + expression + " at " + file + ":" + std::to_string(line) + "\n";
  // The process ends here whatever write() says.
  [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text.data(), text.size());
  std::abort();
}

}  // namespace provision::detail
