// SPDX-License-Identifier: Apache-2.0
// ignition.config.merge and .replace: the configs that a config refers to, and those that they refer to. Whoever calls
// brings the bytes; what is done with them is decided here, the same way each time, so that kept bytes give the same
// config again.
#pragma once

#include <functional>
#include <string>

#include "base/result.hpp"
#include "spec/parse.hpp"

namespace provision::spec {

// One config that is wanted now. `place` is the user's line that asks for it, `around` what holds for fetching it: the
// timeouts, authorities and proxies of all that was laid together so far.
struct Wanted {
  const Reference& reference;
  const Origin& place;
  const Ignition& around;
};

struct Brought {
  // By which messages call it.
  std::string name;
  std::string bytes;
};

using Bring = std::function<Result<Brought>(const Wanted&)>;

// What a config becomes with all that it refers to. `around`: the settings of configs that lie below it. References are
// followed depth first and in their order, each laid over what was there before it; `replace` comes before `merge` and
// leaves nothing of what asked for it. The result refers to nothing any more. An error has the user's line, in
// whichever of the documents it stands. What was noted of a document that is no config, or of a merge that gives none,
// is added to `notes`.
Result<Parsed> resolve(Parsed config, const Ignition& around, const Bring& bring, fields::Notes& notes);

}  // namespace provision::spec
