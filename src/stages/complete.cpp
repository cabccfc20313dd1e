// SPDX-License-Identifier: Apache-2.0
// unmount and complete: the end of a first boot.
#include <algorithm>

#include "base/path.hpp"
#include "run/journal.hpp"
#include "stages/hooks.hpp"
#include "stages/sources.hpp"

namespace provision::stages {
namespace {

// The next boot is no first boot only if the stamp is not there, so its absence is seen and not only asked for.
Result<void> remove_for_good(Context& context, const std::string& path) {
  TRY(context.host.own.remove(path));
  if (TRY(context.host.own.look(path))) {
    return Error(Code::not_satisfied, "nothing failed, yet " + path + " is still there");
  }
  TRY_WHILE(context.host.own.sync(path::parent(path)), "making the removal durable");
  return {};
}

// It may hold secrets, and has done its work; never before the stamp is gone for good, or a power cut in between would
// leave a first boot without its config.
Result<void> remove_installed_config(Context& context) {
  const std::string config = installed_config_path(context.stamp);
  if (!TRY(context.host.own.look(config))) {
    return {};
  }
  TRY_WHILE(remove_for_good(context, config), "removing the config " + config);
  return {};
}

Result<void> remove_stamp(Context& context) {
  if (context.stamp.empty()) {
    return {};
  }
  TRY_WHILE(remove_for_good(context, context.stamp), "removing the first-boot stamp " + context.stamp);
  return remove_installed_config(context);
}

}  // namespace

Result<void> unmount(Context& context, run::StageReport& /*report*/) {
  const run::Journal journal = TRY(run::Journal::open(context.host.state));
  const run::StageHistory* mounted = journal.stage("mount");
  if (mounted == nullptr || !mounted->plan) {
    return {};
  }
  auto steps = mounted->plan->steps;
  std::reverse(steps.begin(), steps.end());
  for (const auto& step : steps) {
    const auto& operation = std::get<plan::Mount>(step.operation);
    const plan::Observation seen = TRY(plan::observe(context.host, operation));
    if (seen.state == plan::State::satisfied) {
      const std::string target = path::join(context.host.target_path, operation.path);
      TRY_WHILE(context.host.mounts.unmount(target), "unmounting " + target);
    }
  }
  return {};
}

Result<void> complete(Context& context, run::StageReport& /*report*/) {
  run::Journal journal = TRY(run::Journal::open(context.host.state));
  if (journal.complete()) {
    return remove_stamp(context);
  }
  TRY(remove_stamp(context));
  return journal.completed();
}

}  // namespace provision::stages
