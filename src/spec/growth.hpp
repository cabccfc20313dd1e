// SPDX-License-Identifier: Apache-2.0
// File systems that grow: whether the config has those that it names.
#pragma once

#include "spec/parse.hpp"

namespace provision::spec {

// Of a config that is whole, with all that it refers to: errors at file systems that it does not have, or that cannot
// grow. A document that still refers to others may get them from those, and has no errors here.
fields::Notes growth_notes(const Parsed& parsed);

}  // namespace provision::spec
