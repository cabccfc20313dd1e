// SPDX-License-Identifier: Apache-2.0
// The journal: what began and what ended. Lines of JSON with a digest each, only ever appended; it survives power cuts
// where its directory does. A torn tail is sealed before the next append, so that two faults in a row lose no record.
//
// Format 1. Records, in the order they come:
//   begin   the engine, the config's meaning and name, the boot, the machine; again where another config, or another
//           machine, has taken over what an earlier one had begun: the plans before it that were not ended are left
//           behind
//   plan    a stage's plan, durable before the first effect of the stage; with the disks that the selectors of the
//           config named when it was made, if it has any
//   run     a later run of the engine that goes on with the stage
//   started, done   of a step (may be lost in a power cut: then the step is looked at again)
//   note    of a step whose result the plan could not know (what is fetched without a hash): the digest of what it is
//           about to put in place. Durable before the effect where the step keeps a part of what is there: whether an
//           append was done cannot be seen otherwise. The last one counts.
//   failed  the stage stopped in good order
//   stage   the stage is done: durable, and only after every file system it touched was synced
//   complete  the first boot is done, the stamp is gone
//   seal    the line before may be torn
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/files.hpp"
#include "host/firmware.hpp"
#include "model/selectors.hpp"
#include "plan/plan.hpp"
#include "run/decide.hpp"

namespace provision::run {

inline constexpr std::int64_t journal_format = 1;

struct Begin {
  std::string engine;
  Digest config;
  // Where the config came from, for messages.
  std::string document;
  std::string boot;
  // Of its SMBIOS uuid and serial; empty where it has neither.
  Digest machine{};
  // As host::Machine::seed.
  std::string seed{};
};

// The machine as the journal knows it.
Digest fingerprint(const host::Machine& machine);

struct StageHistory {
  std::optional<plan::Plan> plan;
  // What the selectors named when it was made.
  std::vector<model::SelectedDisk> selected;
  // The boot in which it was last recorded done; empty: not done.
  std::string done_in;
  // Its last run ended by a recorded failure, so steps without a record of their own were never begun in it.
  bool stopped_in_order = false;
  // Some earlier run of it did not end in order: any step may have been begun, whatever is recorded.
  bool interrupted = false;
  std::set<std::string> started;
  std::set<std::string> done;
  std::map<std::string, Digest> notes;
};

class Journal {
 public:
  // Reads what is there. Nothing there is an empty journal. Errors: journal_other_format, journal_damaged, io.
  static Result<Journal> open(host::Files& state);

  [[nodiscard]] const std::optional<Begin>& begun() const { return begin_; }
  [[nodiscard]] const StageHistory* stage(const std::string& name) const;
  [[nodiscard]] bool complete() const { return complete_; }
  // No step can have changed anything: none is recorded as started, and no run of a stage ended without a record.
  [[nodiscard]] bool nothing_done() const;
  [[nodiscard]] History history(const std::string& stage, const std::string& step) const;
  // Steps of stages that another config or machine has left behind: each was done, or may have been begun.
  [[nodiscard]] const std::vector<plan::Step>& left_behind() const { return left_behind_; }
  // What the selectors named when the stages were planned, of each name once.
  [[nodiscard]] std::vector<model::SelectedDisk> selected() const;
  // Steps that were left behind count as nobody's where a disk that they were planned for is not the one that `now` has
  // under its selector's name: what is on that one is not ours.
  void disown_other_disks(const std::vector<model::SelectedDisk>& now);
  // Nothing if nothing was noted.
  [[nodiscard]] const Digest* note(const std::string& stage, const std::string& step) const;

  // Forgets a completed journal and starts a new one; durable on return.
  Result<void> begin(const Begin& begin);
  // Another config or machine takes over, and the stages that are named stay as they are; durable on return.
  Result<void> take_over(const Begin& begin, const std::vector<std::string>& kept);
  // Durable on return.
  Result<void> planned(const plan::Plan& plan, const std::vector<model::SelectedDisk>& selected = {});
  // Another run goes on with a stage that has a plan; durable on return.
  Result<void> resumed(const std::string& stage, const std::string& boot);
  Result<void> started(const std::string& stage, const std::string& step);
  // The same, durable on return, with all that was recorded before.
  Result<void> started_durably(const std::string& stage, const std::string& step);
  Result<void> noted(const std::string& stage, const std::string& step, const Digest& digest, bool durably);
  Result<void> done(const std::string& stage, const std::string& step);
  // Durable on return.
  Result<void> failed(const std::string& stage, const std::string& step, const std::string& error);
  Result<void> stage_done(const std::string& stage, const std::string& boot);
  Result<void> completed();

 private:
  explicit Journal(host::Files& state) : state_(&state) {}
  Result<void> load(const std::string& text);
  Result<void> take(const fields::Value& value);
  Result<void> take_begin(const fields::Value& value);
  void leave_behind(const std::set<std::string>& kept);
  void take_step(const fields::Value& value, const std::string& kind);
  Result<void> append(const fields::Value& value);
  Result<void> append_durably(const fields::Value& value);

  host::Files* state_;
  std::optional<Begin> begin_;
  std::map<std::string, StageHistory> stages_;
  std::vector<plan::Step> left_behind_;
  // For each of them, what the selectors named when it was planned.
  std::vector<std::vector<model::SelectedDisk>> left_on_;
  bool complete_ = false;
  bool torn_ = false;
};

}  // namespace provision::run
