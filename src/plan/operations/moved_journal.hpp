// SPDX-License-Identifier: Apache-2.0
// The journal, where the file system that has it is made anew: memory holds it meanwhile, at the same path, and then
// the new file system does. Which of them it is, a file in memory says, for the stages of this boot: the path of the
// journal stays what it was, so that nobody who is told it needs to know.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "host/host.hpp"
#include "model/inventory.hpp"
#include "plan/operations/kept_root.hpp"

namespace provision::plan {

// There as soon as the journal has left the file system that it was in; lives as long as the boot.
inline constexpr std::string_view moved_journal_path = "/run/provision/journal-moved";

// Whether it has, in this boot.
Result<bool> has_journal_moved(host::Host& host);

// Whether memory holds it now.
Result<bool> is_journal_in_memory(host::Host& host);

// Whether a reboot now would lose what no disk has: the journal, or files that memory keeps (kept_root.hpp).
Result<bool> is_memory_needed(host::Host& host);

// Whether that file system is there, and is what is mounted at the journal's place.
Result<bool> is_journal_on(host::Host& host, const model::JournalPlace& journal, const RootFilesystem& filesystem);

// Takes the journal's directory into memory, and unmounts its file system. Nothing in that changes: a power cut leaves
// what was recorded until now. Nobody may write the journal meanwhile.
Result<void> take_journal(host::Host& host, const model::JournalPlace& journal);

// Writes the directory that memory holds, durably, into the new file system that is mounted at `root`. Nothing to do
// where memory holds none.
Result<void> write_journal(host::Host& host, const model::JournalPlace& journal, std::string_view root);

// Mounts that file system, which has the journal by now, in the place of the old one; memory forgets its own. Nobody
// may write the journal meanwhile.
Result<void> return_journal(host::Host& host, const model::JournalPlace& journal, const RootFilesystem& filesystem);

// Before anything is read at the journal's path: what an attempt of this boot was stopped in is ended, and what was
// mounted or unmounted there since by others (systemd does, when a device comes or goes) is as it was.
Result<void> settle_journal(host::Host& host);

}  // namespace provision::plan
