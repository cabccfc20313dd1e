// SPDX-License-Identifier: Apache-2.0
// The root file system, where the image says that its files must outlive a config that makes it anew.
#pragma once

#include <string>

#include "base/result.hpp"
#include "run/journal.hpp"
#include "stages/stage.hpp"

namespace provision::stages {

// The name of the root file system that must be kept, as the kernel command line has it: "LABEL=ROOT" of
// "root=LABEL=ROOT provision.root=keep"; empty: none must be. Code::unsupported where that is said and no root is
// named, or something else is said.
Result<std::string> root_to_keep(host::Firmware& firmware);

// Before anything of a new plan is carried out: a root whose files are to be kept has some. Code::conflict if it has
// none, as where an earlier attempt of which nobody has a record any more was cut.
Result<void> check_saving(host::Host& host, const plan::Plan& plan);

// Sets up the stage that finds the root mounted: one that had files has them. Code::conflict if it is empty.
Result<void> check_root(Context& context, const spec::Parsed& config, const run::Journal& journal, bool begun);

}  // namespace provision::stages
