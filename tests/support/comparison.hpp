// SPDX-License-Identifier: Apache-2.0
// What was predicted of a machine, compared with what is seen on it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "model/inventory.hpp"
#include "plan/operation.hpp"

namespace provision::test {

// What is needed to compare names of one thing.
struct Names {
  // The target, as those who use devices name its mount points.
  std::string target_path;
  // The kernel's node of a device, by whichever name.
  std::function<std::string(const std::string&)> node;
};

// Each difference as a line ("files /etc/motd mode: predicted 420, seen 384"); none where all that is predicted is
// seen, and nothing else is. `done` is what has been carried out so far.
//
// Predictions do not speak of these, and so they are not compared:
// - the digest of what is fetched and whose hash the config does not give, and of the result file, which has the date;
// - the text of a crypttab that the config has itself, whose digest is predicted;
// - the digest that a file would have if it was appended to once more;
// - what a file system holds that was mounted, until a step puts something there;
// - what a database of accounts says that a file of the config has replaced;
// - devices that were not there before and that no step made: what is on a partition that is found again;
// - modes and owners on file systems that keep none.
std::vector<std::string> differences(const model::Inventory& predicted, const model::Inventory& seen,
                                     const std::vector<plan::Operation>& done, const Names& names);

// What `seen` has of the things that `claim` names, for a claim that does not speak of all that is seen: an inventory
// that was written by hand. A file system without a UUID in it may have any.
model::Inventory claimed_part(const model::Inventory& claim, model::Inventory seen);

}  // namespace provision::test
