// SPDX-License-Identifier: Apache-2.0
// What a config refers to by name: whether it is there is known of a whole config only.
#pragma once

#include <string_view>

#include "spec/parse.hpp"

namespace provision::spec {

// Whether it may get something from another document.
bool refers_to_others(const Config& config);

// The file system that the config has on the device, by just this name; null if it has none.
const Filesystem* filesystem_on(const Config& config, std::string_view device);

// Of a config that is whole, with all documents that it refers to: disk selectors and file systems that are named and
// not there, which are errors. A document that still refers to others may get them from those.
fields::Notes reference_notes(const Parsed& parsed);
// The same beside the other notes; no config any more, if one of them is an error.
void add_reference_notes(Parsed& parsed);

}  // namespace provision::spec
