// SPDX-License-Identifier: Apache-2.0
// How commands that a person runs say what is wrong.
#pragma once

#include "base/error.hpp"
#include "fields/document.hpp"
#include "spec/parse.hpp"

namespace provision::cli {

// Notes on a config go to standard error.
void print_notes(const spec::Parsed& parsed);

// The error with the user's line, to standard error; the exit status that the error's code has.
int complain(const Error& error, const fields::Document* document);

}  // namespace provision::cli
