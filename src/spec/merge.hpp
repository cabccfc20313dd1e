// SPDX-License-Identifier: Apache-2.0
// One config out of several: a base and what lies over it. docs/ARCHITECTURE.md, "Merging", has the rules. Nothing is
// fetched here.
#pragma once

#include "spec/parse.hpp"

namespace provision::spec {

// Lays `child` over `parent`. Each was read and checked by its own version; the result has the newer one, and is
// checked by that. It has the documents of both, the parent's first, so that a record's document tells its layer, and
// the notes of both, then what is new in the result. No config if either has none, or if the result has errors.
Parsed merge(Parsed parent, Parsed child);

// What `ignition.config.replace` asks for: `by` alone counts. The replaced documents stay in the sources, in front, and
// the place that asked for it in `replaced`.
Parsed replace(Parsed parent, Parsed by);

}  // namespace provision::spec
