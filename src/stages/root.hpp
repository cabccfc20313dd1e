// SPDX-License-Identifier: Apache-2.0
// The root file system, where the image says that its files must outlive a config that makes it anew.
#pragma once

#include <string>
#include <vector>

#include "base/result.hpp"
#include "run/journal.hpp"
#include "stages/stage.hpp"

namespace provision::stages {

// The name of the root file system that must be kept, as the kernel command line has it: "LABEL=ROOT" of
// "root=LABEL=ROOT provision.root=keep"; empty: none must be. Code::unsupported where that is said and no root is
// named, or something else is said.
Result<std::string> root_to_keep(host::Firmware& firmware);

// Of the other file systems that must be kept ("provision.keep=ENTRY[,ENTRY...]") one text each, OLD[:NEW...]: names as
// above, or "esp", the vfat on any EFI system partition. What OLD holds goes to each new file system that NEW names, or
// that OLD names where there is no NEW. Code::unsupported where something is no such name.
Result<std::vector<std::string>> others_to_keep(host::Firmware& firmware);

// The file system that has the journal and the stamp, which is one of those that can be kept. Without a mount: the
// journal is in memory, the stamp is a disk GUID, or it alone tells whether this is a first boot. `stamp` as in
// Context.
Result<model::JournalPlace> journal_place(host::Host& host, const FirstBoot& first_boot, const std::string& stamp);

// Before anything of a new plan is carried out: a file system whose files are to be kept has some, and they fit into
// the new one. Code::conflict if it has none, as where an earlier attempt of which nobody has a record any more was
// cut.
Result<void> check_saving(host::Host& host, const plan::Plan& plan);

// Sets up the stage that finds the root mounted: one that had files has them. Code::conflict if it is empty.
Result<void> check_root(Context& context, const spec::Parsed& config, const run::Journal& journal, bool begun);

}  // namespace provision::stages
