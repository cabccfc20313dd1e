// SPDX-License-Identifier: Apache-2.0
// unmount and complete: the end of a first boot, and what is told of it.
#include <algorithm>
#include <array>

#include "base/path.hpp"
#include "plan/operations/loader.hpp"
#include "plan/volume_keys.hpp"
#include "run/journal.hpp"
#include "run/last_failure.hpp"
#include "stages/disk_stamp.hpp"
#include "stages/first_boot.hpp"
#include "stages/hooks.hpp"
#include "stages/initrd_needs.hpp"
#include "stages/sources.hpp"
#include "stages/volumes.hpp"

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
  if (context.first_boot.stamp_is_disk_guid) {
    TRY_WHILE(replace_disk_guid(context), "giving the disk a GUID of its own in place of the image's");
    return {};
  }
  if (context.stamp.empty()) {
    return {};
  }
  if (!context.first_boot.stamp_is_ours) {
    TRY_WHILE(remember_stamp(context), "noting which first-boot stamp this was");
    return {};
  }
  TRY_WHILE(remove_for_good(context, context.stamp), "removing the first-boot stamp " + context.stamp);
  return remove_installed_config(context);
}

// As the files stage labelled its own work, if it did.
Result<void> label_report(Context& context, const run::Journal& journal) {
  const run::StageHistory* const files = journal.stage("files");
  if (files == nullptr || !files->plan) {
    return {};
  }
  for (const auto& step : files->plan->steps) {
    if (const auto* const relabel = std::get_if<plan::Relabel>(&step.operation)) {
      const spec::Config nothing;
      const plan::ContentSource contents(nothing);
      plan::Work work{context.host, contents};
      return plan::apply(work, plan::Relabel{relabel->policy, {path::parent(run::kept_report_path)}});
    }
  }
  return {};
}

// In the target, for the boots to come: all but this stage, which has not ended. It cannot be written once the stamp is
// gone, for a power cut would then leave its temporary for good.
Result<void> keep_report(Context& context, const run::Journal& journal) {
  host::Files& target = context.host.target;
  const std::string directory = path::parent(run::kept_report_path);
  TRY(make_own_directory(target, directory));
  run::Report report = run::load_report(context.host.own);
  const spec::Parsed config = TRY(load_config(context.host));
  if (auto needs = initrd_needs(context, config, journal); needs) {
    report.initrd = *std::move(needs);
    TRY(run::save_report(context.host.own, report));
  } else {
    const std::string text = "the report does not say what an initramfs has to set up: " + to_string(needs.error());
    context.listener.on({run::Event::Kind::notice, {}, text, {}});
  }
  std::erase_if(report.stages, [](const run::StageReport& stage) { return stage.result == "running"; });
  const std::string text = run::report_text(report);
  TRY(target.replace_safely(run::kept_report_path, text, run::report_mode, {}));
  if (TRY(target.digest(run::kept_report_path, HashFunction::sha256)) != Digest::sha256(text)) {
    return Error(Code::not_satisfied, "nothing failed, yet " + std::string(run::kept_report_path) + " is another");
  }
  TRY(label_report(context, journal));
  return target.sync(directory);
}

// Where agetty(8) of the target looks for such files.
constexpr std::array<std::string_view, 2> issue_directories{"/etc/issue.d", "/usr/lib/issue.d"};
constexpr std::string_view issue_path = "/run/issue.d/50-provision.issue";

Result<bool> reads_issues(host::Files& target) {
  for (const auto directory : issue_directories) {
    if (TRY(target.look(directory))) {
      return true;
    }
  }
  return false;
}

// Lives as long as this boot, as what it says.
Result<void> write_issue(Context& context) {
  if (!TRY(reads_issues(context.host.target))) {
    return {};
  }
  const run::Report report = run::load_report(context.host.own);
  const bool provided = !plan::is_no_config(report.document);
  std::string text = "provision: ran on " + report.date + " (this boot)\n";
  text += provided ? "provision: user-provided config was applied\n" : "provision: no user-provided config\n";
  TRY(make_own_directory(context.host.own, path::parent(issue_path)));
  return context.host.own.replace(issue_path, text, 0644, {});
}

}  // namespace

void tell_of_completion(Context& context) {
  if (const auto written = write_issue(context); !written) {
    const std::string text = "the note for who logs in could not be written: " + to_string(written.error());
    context.listener.on({run::Event::Kind::notice, {}, text, {}});
  }
}

Result<void> unmount(Context& context, run::StageReport& /*report*/) {
  const run::Journal journal = TRY(run::Journal::open(context.host.state));
  const run::StageHistory* mounted = journal.stage("mount");
  if (mounted == nullptr || !mounted->plan) {
    return {};
  }
  const auto entries = TRY(context.host.mounts.list());
  auto steps = mounted->plan->steps;
  std::reverse(steps.begin(), steps.end());
  for (const auto& step : steps) {
    const auto& operation = std::get<plan::Mount>(step.operation);
    const std::string target = path::join(context.host.target_path, operation.path);
    // Where nothing is mounted nobody waits for a device.
    const bool is_used =
        std::any_of(entries.begin(), entries.end(), [&](const auto& entry) { return entry.target == target; });
    if (is_used && TRY(plan::observe(context.host, operation)).state == plan::State::satisfied) {
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
  // Then an earlier boot has kept it, where now perhaps nothing is mounted.
  if (!TRY(plan::are_keys_handed_over(context.host.state))) {
    TRY_WHILE(keep_report(context, journal), "keeping the report of this first boot");
  }
  TRY_WHILE(run::forget_failure(context.host.state), "removing what an earlier boot stopped with");
  TRY_WHILE(plan::hand_over_keys(context.host.state, [&] { return remove_drawn_keys(context); }),
            "erasing the keys of encrypted volumes, which the target has now");
  TRY_WHILE(plan::forget_loaders(context.host.state), "removing the boot loaders, which the disks have now");
  TRY(remove_stamp(context));
  return journal.completed();
}

Result<void> finish_completion(Context& context) {
  if (context.first_boot.stamp_is_ours && !context.stamp.empty()) {
    TRY(remove_installed_config(context));
  }
  run::Journal journal = TRY(run::Journal::open(context.host.state));
  if (journal.complete()) {
    return {};
  }
  TRY_WHILE(plan::forget_keys(context.host.state), "erasing the keys of encrypted volumes, which the target has now");
  TRY_WHILE(plan::forget_loaders(context.host.state), "removing the boot loaders, which the disks have now");
  return journal.completed();
}

}  // namespace provision::stages
