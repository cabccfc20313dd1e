// SPDX-License-Identifier: Apache-2.0
// The status of a machine: whether it was provisioned, and where that stands, from what its first boot has left.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "run/report.hpp"

namespace provision::run {

enum class Provisioning : std::uint8_t { provisioned, in_progress, failed, not_provisioned };

// A step that has begun and not ended, by the journal.
struct StepUnderWay {
  std::string stage;
  std::string sentence;
};

// What /etc/.ignition-result.json says: of this engine, or of Ignition.
struct ResultFile {
  std::string boot;
  std::string date;
  bool config_provided = false;
};

struct Status {
  // Raised when a key changes its meaning.
  std::int64_t version = 1;
  Provisioning state = Provisioning::not_provisioned;
  // Of this boot where it was the first one, otherwise the one that is kept.
  std::optional<Report> report;
  std::vector<StepUnderWay> under_way;
  // The failure screen.
  std::string failure;
  std::optional<ResultFile> result;
};

inline constexpr std::string_view failure_path = "/run/provision/failure.txt";
// Where the journal of a boot is that has no place on a disk for it.
inline constexpr std::string_view volatile_state = "/run/provision/volatile";

// Where the journal of this boot is, as a path of the machine.
Result<std::string> state_directory(host::Files& machine);

// `machine`: the root of the running system; `state`: the directory of the journal. Changes nothing. An error if
// something is there and cannot be read.
Result<Status> observe_status(host::Files& machine, host::Files& state);

}  // namespace provision::run

PROVISION_DECLARE_RECORD(provision::run::StepUnderWay);
PROVISION_DECLARE_RECORD(provision::run::ResultFile);
PROVISION_DECLARE_RECORD(provision::run::Status);
