// SPDX-License-Identifier: Apache-2.0
// The options of a volume in the config are arguments of the program cryptsetup (spec: storage.luks.options and
// .openOptions). The library has no such arguments, so they are read here, as cryptsetup 2.6 reads them: in their
// order, the last one counts, "--name value", "--name=value" and the one-letter forms. Pure.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/crypt.hpp"

namespace provision::plan {

// Arguments of `cryptsetup luksFormat`. Code::bad_config: a value is missing or none that it can have;
// Code::unsupported: an argument that is not known here.
Result<host::LuksFormat> luks_format_options(const std::vector<std::string>& options);

// The same of `cryptsetup luksOpen`.
Result<host::LuksOpen> luks_open_options(const std::vector<std::string>& options);

}  // namespace provision::plan
