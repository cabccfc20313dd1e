// SPDX-License-Identifier: Apache-2.0
// What the spec has and no operation can do yet. Pure.
#pragma once

#include <optional>

#include "base/error.hpp"
#include "spec/parse.hpp"

namespace provision::plan {

// The first thing of the config, in the order of the text, that this version cannot carry out, or nobody could:
// Code::unsupported or Code::bad_config at the user's own line. It is asked before anything is written, so that no
// machine is left half made. `parsed` has a config.
std::optional<Error> unsupported(const spec::Parsed& parsed);

}  // namespace provision::plan
