// SPDX-License-Identifier: Apache-2.0
// The stages: one table of name, needs, planner and hook.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "host/host.hpp"
#include "model/observe.hpp"
#include "plan/planners.hpp"
#include "run/executor.hpp"
#include "run/journal.hpp"
#include "run/report.hpp"

namespace provision::stages {

// What tells whether this is a first boot, besides whoever started the stages.
struct FirstBoot {
  // The device of the file system that holds the stamp, if it is known, and the journal; empty: there is none, and it
  // is a first boot because somebody says so.
  std::string device;
  // The directory of the journal, as a path of this process.
  std::string state_path;
  // The boot loader or a person says that this is one. False: only the stamp can (provision.firstboot=auto).
  bool asked_for = true;
  // False: the distribution removes it. It is looked at and never touched.
  bool stamp_is_ours = true;
  // By which options a file system of a type is mounted without a byte written to its device.
  std::string (*read_only_options)(std::string_view type) = nullptr;
  // The stamp is no file but the disk GUID that the image brings (stages/disk_stamp.hpp).
  bool stamp_is_disk_guid = false;
};

// The files by which the distribution's own units and programs in the initramfs are told.
struct Handover {
  // Made, empty, when the network is needed: what brings it up waits for that.
  std::string neednet = "/run/ignition/neednet";
  // The config as it is carried out, readable by root alone; empty: nobody asks for it (stages/config_cache.hpp).
  std::string config_cache;
};

class Selection;

// What a stage is run with.
struct Context {
  host::Host& host;
  run::Listener& listener;
  // ignition.platform.id=
  std::string platform;
  // The first-boot stamp, as a path of this process; empty: it is not known.
  std::string stamp;
  std::chrono::milliseconds patience{90'000};
  run::Options options;
  FirstBoot first_boot{};
  // For the platform's user-data, all attempts together.
  std::chrono::milliseconds fetch_patience{120'000};
  Handover handover{};
  // The disks that the config's selectors name: run_stage() sets it, together with a host that knows them.
  Selection* selection = nullptr;
};

struct Stage {
  std::string_view name;
  std::string_view doc;
  // The stages that must be done before.
  std::span<const std::string_view> needs;
  // Its effects outlive the boot: done once is done. Otherwise every boot does it again.
  bool lasts;
  model::Scope scope;
  // A stage has either a planner, whose plan is carried out, or a hook.
  Result<plan::Plan> (*planner)(const plan::Question& question);
  Result<void> (*hook)(Context& context, run::StageReport& report);
  // Takes back what does not outlive the boot, where the stage has failed; null: there is nothing.
  Result<void> (*undo)(Context& context, run::StageReport& report) = nullptr;
  // Sets up again what lasts and yet ends with each boot: before the stage looks, and also where it is done. `begun`:
  // its plan was made before.
  Result<void> (*set_up)(Context& context, const spec::Parsed& config, const run::Journal& journal,
                         bool begun) = nullptr;
};

std::span<const Stage> stages();
const Stage* find_stage(std::string_view name);

// Runs one stage and writes it into the report, failed or not.
Result<void> run_stage(Context& context, const Stage& stage);

// The plans of all stages for an inventory, each made on what the ones before are predicted to leave.
Result<std::vector<plan::Plan>> plan_all(const spec::Parsed& config, const model::Inventory& inventory);

// The config as fetch-offline or fetch left it.
Result<spec::Parsed> load_config(host::Files& own);
// The same, and the fetcher is told what the config says for fetching.
Result<spec::Parsed> load_config(host::Host& host);

}  // namespace provision::stages
