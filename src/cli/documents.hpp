// SPDX-License-Identifier: Apache-2.0
// Reading what a command is given: a file, standard input, or an http(s) URL.
#pragma once

#include <string>

#include "base/result.hpp"

namespace provision::cli {

// "-" is standard input. What cannot be opened is wrong usage.
Result<std::string> read_document(const std::string& name, const std::string& ca_file = {});

// The document's name in messages.
std::string shown_name(const std::string& name);

}  // namespace provision::cli
