// SPDX-License-Identifier: Apache-2.0
// The report: what a person or a fleet reads. One JSON object, grown stage by stage. docs/report.md tells its keys.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "fields/engine.hpp"
#include "host/clock.hpp"
#include "host/files.hpp"
#include "run/listener.hpp"

namespace provision::run {

struct StepReport {
  std::string id;
  std::string sentence;
  // "applied", "already" (it was so), "earlier" (an earlier boot did it) or "failed".
  std::string outcome;
  // When it began to be applied, since the kernel's start, and how long that took; 0 where nothing was.
  std::int64_t started_microseconds = 0;
  std::int64_t microseconds = 0;
  bool operator==(const StepReport&) const = default;
};

struct StageReport {
  std::string name;
  // "running", "done", "resumed" (an earlier run began it), "skipped" (it was done before) or "failed".
  std::string result;
  std::string error;
  // When it began, by the wall clock, which may not be set yet.
  std::string date;
  // When it began, since the kernel's start, and how long it took.
  std::int64_t started_microseconds = 0;
  std::int64_t microseconds = 0;
  // What a person should know, as it was said on the console.
  std::vector<std::string> notices;
  std::vector<StepReport> steps;
  bool operator==(const StageReport&) const = default;
};

// A document that the config is made of.
struct SourceReport {
  // "base", "user", "referred" or "authority".
  std::string kind;
  std::string name;
  // Of its bytes.
  Digest digest;
  bool operator==(const SourceReport&) const = default;
};

// What the initramfs of later boots has to set up before the root file system is there, if that lies on it.
struct InitrdNeed {
  // "array" (RAID), "volume" (encrypted) or "volume group" (LVM).
  std::string kind;
  std::string name;
  // As mdadm, cryptsetup and LVM have it.
  std::string uuid;
  // The kernel argument by which dracut's modules do so (dracut.cmdline(7)).
  std::string argument;
  // Opening it takes the network.
  bool network = false;
  bool operator==(const InitrdNeed&) const = default;
};

struct Report {
  // Raised when a key changes its meaning.
  std::int64_t version = 1;
  std::string engine;
  // The version of the spec that the config is in, once all is merged.
  std::string spec;
  std::int64_t plan_format = 0;
  std::int64_t journal_format = 0;
  std::string platform;
  // The config: where it came from and its meaning's digest; empty where there was none.
  std::string document;
  std::string config;
  std::vector<SourceReport> sources;
  // What a TPM was extended by, before anything was done: "PCR 12: provision config sha256-…"; or that there is none.
  std::string measured;
  std::string boot;
  std::string date;
  // What an earlier boot of this first boot stopped with, as it was kept (run/last_failure.hpp).
  std::string earlier_failure;
  // Of this first boot's config, what lies below before what lies on it. There once the stage `complete` has begun.
  std::vector<InitrdNeed> initrd;
  std::vector<StageReport> stages;
  bool operator==(const Report&) const = default;

  // Null if it did not begin.
  [[nodiscard]] const StageReport* stage(std::string_view name) const;
};

// Of this boot, in our own root.
inline constexpr std::string_view report_path = "/run/provision/report.json";
// Of the machine's first boot, in the target.
inline constexpr std::string_view kept_report_path = "/var/lib/provision/report.json";
// Names of users and paths are in it, and digests by which a guess could be tried.
inline constexpr std::uint32_t report_mode = 0600;

// Nothing if there is none. An error if it cannot be read.
Result<std::optional<Report>> read_report(host::Files& files, std::string_view path);
// The text of the file.
std::string report_text(const Report& report);
// The report so far of this boot; an empty one if there is none yet, or it cannot be read.
Report load_report(host::Files& own);
Result<void> save_report(host::Files& own, const Report& report);

// Hands events on, and keeps of them what the report of a stage has.
class Recorder final : public Listener {
 public:
  Recorder(Listener& listener, host::Clock& clock) : listener_(listener), clock_(clock) {}

  void on(const Event& event) override;
  // Adds to the report what was seen. Steps that began and did not end have failed.
  void add_to(StageReport& report) const;

 private:
  Listener& listener_;
  host::Clock& clock_;
  std::vector<std::string> notices_;
  std::vector<StepReport> ended_;
  // By id.
  std::map<std::string, StepReport> begun_;
};

}  // namespace provision::run

PROVISION_DECLARE_RECORD(provision::run::StepReport);
PROVISION_DECLARE_RECORD(provision::run::StageReport);
PROVISION_DECLARE_RECORD(provision::run::SourceReport);
PROVISION_DECLARE_RECORD(provision::run::Report);
