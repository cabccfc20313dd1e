// SPDX-License-Identifier: Apache-2.0
// What opens encrypted volumes besides their keys: the checks of a config that is whole.
#pragma once

#include "spec/parse.hpp"

namespace provision::spec {

// Of a config that is whole, with all that it refers to: enrollments for a volume that it does not have, or that Clevis
// opens. A document that still refers to others may get its volumes from those, and has no errors here.
fields::Notes enrollment_notes(const Parsed& parsed);

}  // namespace provision::spec
