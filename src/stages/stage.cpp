// SPDX-License-Identifier: Apache-2.0
#include "stages/stage.hpp"

#include <algorithm>
#include <array>

#include "plan/left_behind.hpp"
#include "plan/operations/moved_journal.hpp"
#include "plan/unsupported.hpp"
#include "plan/volume_keys.hpp"
#include "run/last_failure.hpp"
#include "stages/arrays.hpp"
#include "stages/documents.hpp"
#include "stages/first_boot.hpp"
#include "stages/hooks.hpp"
#include "stages/measure.hpp"
#include "stages/root.hpp"
#include "stages/selection.hpp"
#include "stages/unclean.hpp"
#include "stages/volume_groups.hpp"
#include "stages/volumes.hpp"

namespace provision::stages {
namespace {

using Names = std::span<const std::string_view>;
constexpr std::array<std::string_view, 0> nothing{};
constexpr std::array<std::string_view, 1> disks{"disks"};
constexpr std::array<std::string_view, 2> disks_and_mount{"disks", "mount"};
constexpr std::array<std::string_view, 3> all_planned{"disks", "mount", "files"};

constexpr model::Scope see_nothing{};
constexpr model::Scope see_disks{.tables = true, .arrays = true, .volumes = true, .groups = true, .contents = true};
constexpr model::Scope see_mounts{.tables = true, .mounts = true};
constexpr model::Scope see_files{.volumes = true, .files = true};

// Arrays first: encrypted volumes may be on them, and volume groups on both. What is encrypted in logical volumes comes
// last.
Result<void> set_up_disks(Context& context, const spec::Parsed& config, const run::Journal& journal, bool begun) {
  TRY(set_up_arrays(context, config, journal, begun));
  TRY(open_volumes(context, config, journal, begun));
  if (TRY(activate_groups(context, config, journal, begun))) {
    TRY(open_volumes(context, config, journal, begun));
  }
  return make_half_restored_anew(context, config, journal);
}

// What is to be mounted is fit for it, and a root that is mounted has its files.
Result<void> set_up_mounts(Context& context, const spec::Parsed& config, const run::Journal& journal, bool begun) {
  TRY(make_unclean_anew(context, config, journal));
  return check_root(context, config, journal, begun);
}

constexpr std::array list{
    Stage{"decide", "tell whether this is a first boot", Names(nothing), false, see_nothing, nullptr, &decide},
    Stage{"fetch-offline", "find and check the config, without the network", Names(nothing), false, see_nothing,
          nullptr, &fetch_offline},
    Stage{"fetch", "find and check the config, with the network", Names(nothing), false, see_nothing, nullptr, &fetch},
    Stage{"disks", "partition disks, make RAID arrays, encrypted volumes, volume groups and file systems",
          Names(nothing), true, see_disks, &plan::plan_disks, nullptr, nullptr, &set_up_disks},
    Stage{"mount", "mount the file systems in the target", Names(disks), false, see_mounts, &plan::plan_mount, nullptr,
          &unmount, &set_up_mounts},
    Stage{"files", "write files and units", Names(disks_and_mount), true, see_files, &plan::plan_files, nullptr},
    Stage{"complete", "remove the first-boot stamp", Names(all_planned), false, see_nothing, nullptr, &complete},
    Stage{"umount", "unmount what was mounted", Names(nothing), false, see_nothing, nullptr, &unmount},
};

bool is_done(const Stage& stage, const run::Journal& journal, const std::string& boot) {
  const run::StageHistory* history = journal.stage(std::string(stage.name));
  if (history == nullptr || history->done_in.empty()) {
    return false;
  }
  return stage.lasts || history->done_in == boot;
}

// Nothing but `complete` is left to do, and volumes cannot be opened any more.
Result<bool> is_only_to_complete(Context& context, const run::Journal& journal) {
  const bool done = std::all_of(all_planned.begin(), all_planned.end(), [&](std::string_view name) {
    const Stage* const stage = find_stage(name);
    return stage == nullptr || !stage->lasts || is_done(*stage, journal, {});
  });
  return done && !journal.complete() && TRY(plan::are_keys_handed_over(context.host.state));
}

Result<void> check_needs(const Stage& stage, const run::Journal& journal, const std::string& boot) {
  for (const auto name : stage.needs) {
    const Stage* needed = find_stage(name);
    if (needed != nullptr && !is_done(*needed, journal, boot)) {
      return Error(Code::stage_order,
                   "the stage " + std::string(stage.name) + " needs the stage " + std::string(name) + " done before");
    }
  }
  return {};
}

// A journal that was begun with just this config.
Result<run::Journal> open_journal(Context& context, const spec::Parsed& config) {
  run::Journal journal = TRY(run::Journal::open(context.host.state));
  if (!journal.begun() || journal.begun()->config != spec::meaning(*config.config)) {
    return Error(Code::stage_order,
                 "the journal was not begun with this config: the stages fetch-offline and fetch have not ended well");
  }
  return journal;
}

Result<plan::Plan> new_plan(Context& context, const Stage& stage, const spec::Parsed& config,
                            const run::Journal& journal) {
  if (TRY(plan::is_journal_in_memory(context.host))) {
    return Error(Code::stage_order,
                 "memory has the journal of this first boot, and files that no disk has: only the plan that took them "
                 "there can bring them back");
  }
  model::Scope scope = stage.scope;
  scope.patience = context.patience;
  scope.workers = context.options.workers;
  model::Inventory inventory = TRY(model::observe(context.host, config, scope));
  inventory.machine.seed = journal.begun()->seed;
  inventory.root = TRY(root_to_keep(context.host.firmware));
  inventory.kept = TRY(others_to_keep(context.host.firmware));
  inventory.journal = TRY(journal_place(context.host, context.first_boot, context.stamp));
  inventory = plan::without(std::move(inventory), journal.left_behind());
  plan::Plan plan = TRY(stage.planner({config, inventory}));
  plan::let_replace(plan, journal.left_behind());
  TRY(check_saving(context.host, plan));
  return plan;
}

Result<plan::Plan> plan_of(Context& context, const Stage& stage, const spec::Parsed& config, run::Journal& journal,
                           const std::string& boot, const std::vector<model::SelectedDisk>& selected,
                           run::StageReport& report) {
  const std::string name(stage.name);
  if (const run::StageHistory* history = journal.stage(name); history != nullptr && history->plan) {
    const plan::Plan stored = *history->plan;
    TRY(journal.resumed(name, boot));
    report.result = "resumed";
    return stored;
  }
  plan::Plan plan = TRY(new_plan(context, stage, config, journal));
  TRY(journal.planned(plan, selected));
  return plan;
}

// Those stages that look at the config's disks wait for them, and say what they took them for. For the others it is
// enough that nothing is done on another disk.
Result<std::vector<model::SelectedDisk>> selected_for(Context& context, const Stage& stage,
                                                      const spec::Parsed& config) {
  if (!stage.scope.tables || config.config->provision.disk_selectors.empty()) {
    return std::vector<model::SelectedDisk>{};
  }
  return context.selection->disks();
}

std::vector<run::StepReport> earlier_steps(const run::StageHistory& history) {
  std::vector<run::StepReport> steps;
  if (history.plan) {
    for (const auto& step : history.plan->steps) {
      steps.push_back({step.id, plan::describe(step.operation), "earlier", 0, 0});
    }
  }
  return steps;
}

Result<void> carry_out(Context& context, const Stage& stage, run::StageReport& report) {
  const spec::Parsed config = TRY(load_config(context.host));
  run::Journal journal = TRY(open_journal(context, config));
  const std::string boot = TRY(context.host.firmware.boot_id());
  if (TRY(is_only_to_complete(context, journal))) {
    report.result = "skipped";
    return {};
  }
  TRY(check_needs(stage, journal, boot));
  const auto selected = TRY(selected_for(context, stage, config));
  if (stage.scope.tables) {
    journal.disown_other_disks(selected);
  }
  const run::StageHistory* const history = journal.stage(std::string(stage.name));
  const bool begun = history != nullptr && history->plan;
  if (stage.set_up != nullptr) {
    TRY(stage.set_up(context, config, journal, begun));
  }
  if (is_done(stage, journal, boot)) {
    report.result = "skipped";
    report.steps = earlier_steps(*journal.stage(std::string(stage.name)));
    return {};
  }
  const plan::Plan plan = TRY(plan_of(context, stage, config, journal, boot, selected, report));
  const plan::ContentSource contents(*config.config);
  TRY(run::execute(context.host, plan, contents, journal, context.listener, context.options));
  if (stage.set_up != nullptr && begun) {
    // What lay on partitions of a table that a power cut had broken, and that is whole now.
    TRY(stage.set_up(context, config, journal, begun));
  }
  return journal.stage_done(std::string(stage.name), boot);
}

Result<void> run_hook(Context& context, const Stage& stage, run::StageReport& report) {
  if (!stage.needs.empty()) {
    const run::Journal journal = TRY(run::Journal::open(context.host.state));
    if (!TRY(is_only_to_complete(context, journal))) {
      TRY(check_needs(stage, journal, TRY(context.host.firmware.boot_id())));
    }
  }
  return stage.hook(context, report);
}

Result<void> run_planned_or_hook(Context& context, const Stage& stage, run::StageReport& report) {
  if (TRY(is_marked_as_no_first_boot(context))) {
    report.result = "skipped";
    return {};
  }
  return stage.planner != nullptr ? carry_out(context, stage, report) : run_hook(context, stage, report);
}

// Not what is recorded as done: it is not done again in this boot.
Result<void> try_to_undo(Context& context, const Stage& stage, run::StageReport& report) {
  const run::Journal journal = TRY(run::Journal::open(context.host.state));
  const bool stands = is_done(stage, journal, TRY(context.host.firmware.boot_id()));
  return stands ? Result<void>{} : stage.undo(context, report);
}

// The failure counts; what cannot be taken back is told of, and no more.
void undo(Context& context, const Stage& stage, run::StageReport& report) {
  if (const auto undone = try_to_undo(context, stage, report); !undone) {
    const std::string text = "what the stage " + report.name + " did is still there: " + to_string(undone.error());
    context.listener.on({run::Event::Kind::notice, {}, text, {}});
  }
}

// What the report says of the config, once there is one.
void tell_of_config(run::Report& report, host::Files& own) {
  const auto config = load_config(own);
  const auto kept = kept_documents(own);
  if (!config || !kept) {
    return;
  }
  const KeptDocument* const document = find_document(*kept, {});
  report.document = document != nullptr ? document->name : "";
  report.config = spec::meaning(*config->config).text();
  report.spec = config->config->ignition.version;
  report.measured = measured_text(own);
  for (const auto& source : *kept) {
    if (source.kind != KeptDocument::Kind::end) {
      report.sources.push_back({std::string(name_of(source.kind)), source.name, Digest::sha256(source.bytes)});
    }
  }
}

// The stage `decide` is run before the place of the journal is mounted, and is told no platform.
bool only_decided(const run::Report& report) {
  return std::all_of(report.stages.begin(), report.stages.end(),
                     [](const run::StageReport& stage) { return stage.name == "decide"; });
}

// The report so far of this boot and engine, or a new one.
Result<run::Report> current_report(Context& context) {
  const std::string boot = TRY(context.host.firmware.boot_id());
  run::Report report = run::load_report(context.host.own);
  if (report.boot != boot) {
    report = {};
    report.boot = boot;
    report.date = context.host.clock.wall();
    report.engine = std::string("provision ") + PROVISION_VERSION;
    report.plan_format = plan::Plan::current_format;
    report.journal_format = run::journal_format;
  }
  if (only_decided(report)) {
    report.platform = context.platform;
    report.earlier_failure = run::kept_failure(context.host.state);
  }
  if (report.config.empty()) {
    tell_of_config(report, context.host.own);
  }
  return report;
}

Result<void> add_to_report(Context& context, const run::StageReport& stage) {
  TRY(make_own_directory(context.host.own, "/run/provision"));
  run::Report report = TRY(current_report(context));
  std::erase_if(report.stages, [&](const run::StageReport& old) { return old.name == stage.name; });
  report.stages.push_back(stage);
  return run::save_report(context.host.own, report);
}

}  // namespace

std::span<const Stage> stages() { return list; }

const Stage* find_stage(std::string_view name) {
  const auto* found = std::find_if(list.begin(), list.end(), [&](const Stage& stage) { return stage.name == name; });
  return found == list.end() ? nullptr : found;
}

Result<void> run_stage(Context& context, const Stage& stage) {
  run::Recorder recorder(context.listener, context.host.clock);
  Selection selection(context.host, context.patience);
  Context recorded{selection.host(), recorder,           context.platform,       context.stamp,    context.patience,
                   context.options,  context.first_boot, context.fetch_patience, context.handover, &selection};
  run::StageReport report;
  report.name = stage.name;
  report.result = "running";
  report.date = context.host.clock.wall();
  const auto start = context.host.clock.monotonic();
  report.started_microseconds = start.count();
  TRY_WHILE(plan::settle_journal(context.host), "having the journal where it belongs");
  TRY_WHILE(add_to_report(context, report), "beginning the report of the stage " + report.name);
  report.result = "done";
  Result<void> result = run_planned_or_hook(recorded, stage, report);
  if (!result && stage.undo != nullptr) {
    undo(recorded, stage, report);
  }
  report.microseconds = (context.host.clock.monotonic() - start).count();
  recorder.add_to(report);
  if (!result) {
    report.result = "failed";
    report.error = to_string(result.error());
  }
  Result<void> saved = add_to_report(context, report);
  if (!result || !saved) {
    return result ? saved : result;
  }
  if (stage.name == "complete" && report.result == "done") {
    tell_of_completion(context);
    tell_platform(context, {});
  }
  return {};
}

Result<std::vector<plan::Plan>> plan_all(const spec::Parsed& config, const model::Inventory& inventory) {
  const auto& others = config.config->ignition.config;
  if (!others.merge.empty() || others.replace.source) {
    return Error(Code::unsupported, "the config refers to other configs, which were not fetched")
        .at(config.sources.origin(others.place, "$.ignition.config"));
  }
  if (auto error = plan::unsupported(config)) {
    return *std::move(error);
  }
  TRY(model::select_disks(config, inventory.whole_disks));
  std::vector<plan::Plan> plans;
  model::Inventory now = inventory;
  for (const auto& stage : list) {
    if (stage.planner != nullptr) {
      // Nobody asks what the last one leaves.
      now = plans.empty() ? std::move(now) : plan::predicted(std::move(now), plans.back());
      plans.push_back(TRY(stage.planner({config, now})));
    }
  }
  return plans;
}

}  // namespace provision::stages
