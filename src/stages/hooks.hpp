// SPDX-License-Identifier: Apache-2.0
// The stages that do other things than carry out a plan.
#pragma once

#include "stages/stage.hpp"

namespace provision::stages {

// Finds the config without the network, checks it, keeps it, and begins the journal (or sees that it is the same
// config).
Result<void> fetch_offline(Context& context, run::StageReport& report);
// The same with the network, if fetch-offline could not do without.
Result<void> fetch(Context& context, run::StageReport& report);
// Unmounts what the mount stage mounted, inner ones first; also as far as it came, where it failed.
Result<void> unmount(Context& context, run::StageReport& report);
// Removes the stamp, durably, when every stage before is recorded done.
Result<void> complete(Context& context, run::StageReport& report);
// The stamp is gone, and the power went before all that comes after it was done: that is done now.
Result<void> finish_completion(Context& context);

// After complete: who logs in at a console of this boot is told of it, where the target reads such notes. A failure is
// told of, and no more: the machine is provisioned.
void tell_of_completion(Context& context);

// Tells the platform, where it wants to know and can be reached, that the first boot is done or why it stopped
// (`failure`, without secrets). What comes of it is told, and no more.
void tell_platform(Context& context, const std::string& failure);

// Makes one directory and what is above it.
Result<void> make_own_directory(host::Files& own, const std::string& path);

}  // namespace provision::stages
