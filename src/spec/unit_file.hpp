// SPDX-License-Identifier: Apache-2.0
// Unit files, read as strictly as the spec's validator reads them, which is less strict than systemd in some ways.
#pragma once

#include <set>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace provision::spec {

struct UnitFile {
  // The sections that have at least one option.
  std::set<std::string, std::less<>> sections;
};

// The error (Code::bad_config) names the line of the contents, and quotes nothing of them: they may hold a secret.
Result<UnitFile> read_unit_file(std::string_view contents);

}  // namespace provision::spec
