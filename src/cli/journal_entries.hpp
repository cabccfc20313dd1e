// SPDX-License-Identifier: Apache-2.0
// Entries of the system journal by which distributions tell who logs in what provisioned the machine. Their ids and
// fields are those that Ignition's entries have, so that what reads them finds ours.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "plan/plan.hpp"
#include "stages/documents.hpp"
#include "stages/stage.hpp"

namespace provision::cli {

struct JournalEntry {
  std::string message;
  std::vector<std::pair<std::string, std::string>> fields;
  bool operator==(const JournalEntry&) const = default;
};

// One for each config; none for what stands for there being no config.
std::vector<JournalEntry> entries_of(const stages::Documents& documents);
// One for each file of a user's keys.
std::vector<JournalEntry> entries_of(const plan::Plan& files);

// Sends those of a stage that has just ended well. That it cannot is nothing that a boot should stop for.
void tell_journal(host::Host& host, const stages::Stage& stage);

}  // namespace provision::cli
