// SPDX-License-Identifier: Apache-2.0
// How commands that a person runs say what is wrong.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "fields/document.hpp"
#include "spec/parse.hpp"
#include "stages/wanted.hpp"

namespace provision::cli {

// Notes on a config go to standard error.
void print_notes(const spec::Parsed& parsed);

// The config of a command's argument, with all that it refers to; its notes are printed. Nothing: what is wrong has
// been said, and `status` is the exit status for it.
std::optional<stages::Given> read_config(const std::string& name, const std::string& ca_file, int& status);
// The same, with what it refers to fetched by `fetcher`.
std::optional<stages::Given> read_config(const std::string& name, const std::string& ca_file, int& status,
                                         host::Fetcher& fetcher);

// The document that an error points into; null if there is none.
const fields::Document* document_of(const spec::Parsed& parsed, const Error& error);

// The error with the user's line, to standard error; the exit status that the error's code has.
int complain(const Error& error, const fields::Document* document);

}  // namespace provision::cli
