// SPDX-License-Identifier: Apache-2.0
// Owners of the directories on the way to what a config puts somewhere, in the words of the spec.
#pragma once

#include "spec/config.hpp"

namespace provision::spec {

// Adds a directory for each one on the way to a file, a directory or a link of this document that lies at or below the
// `path` of one of `provision.parentDirectories` and that the document does not name itself; of several such paths the
// nearest counts. Takes those entries out: what is left means to every reader what a person would have written.
void spell_out_parent_directories(Config& config);

}  // namespace provision::spec
