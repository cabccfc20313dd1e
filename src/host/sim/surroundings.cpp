// SPDX-License-Identifier: Apache-2.0
// Clock, firmware and network.
#include <fmt/format.h>

#include "host/sim/seams.hpp"

namespace provision::host::sim {

// Each look at the clock takes a microsecond.
std::chrono::microseconds SimClock::monotonic() {
  ++ticks_;
  return std::chrono::microseconds(world_.uptime()) + std::chrono::microseconds(ticks_);
}

// Each boot has its own hour.
std::string SimClock::wall() {
  const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(world_.uptime()).count();
  return fmt::format("{}T{:02}:{:02}:{:02}Z", world_.spec().date, world_.gate().boot() % 24, seconds / 60 % 60,
                     seconds % 60);
}

void SimClock::sleep(std::chrono::milliseconds time) { world_.wait(time); }

Result<std::string> SimFirmware::command_line() { return world_.spec().command_line; }

Result<std::string> SimFirmware::boot_id() { return world_.boot_id(); }

Result<Machine> SimFirmware::machine() { return world_.spec().identity; }

Result<std::string> SimFirmware::confidential() { return world_.spec().confidential; }

Result<std::optional<std::string>> SimFirmware::fw_cfg(std::string_view name) {
  if (!world_.spec().has_fw_cfg) {
    return Error(Code::config_unavailable, "there is no fw_cfg device", ENODEV);
  }
  const auto found = world_.spec().fw_cfg.find(name);
  if (found == world_.spec().fw_cfg.end()) {
    return std::optional<std::string>();
  }
  return std::optional(found->second);
}

Result<bool> SimFirmware::measure(std::string_view event) {
  if (!world_.spec().has_tpm) {
    return false;
  }
  const auto whole = [&]() -> Result<bool> {
    world_.measure(std::string(event));
    return true;
  };
  Answers<bool> answers{Error(Code::tpm_failed, "simulated failure of the TPM"), true};
  return mutate<bool>(world_, "measure", "TPM", std::move(answers), whole, [] {});
}

Result<HttpAnswer> SimHttp::get(const HttpRequest& request) {
  const auto found = world_.spec().http.find(request.url);
  if (found == world_.spec().http.end()) {
    return Error(Code::network, "no answer from " + request.url, ETIMEDOUT);
  }
  if (found->second.body.size() > request.max_bytes) {
    return Error(Code::network, request.url + " is longer than allowed");
  }
  return found->second;
}

Result<void> SimHttp::converse(const std::vector<HttpQuestion>& lanes, const HttpLead& lead) {
  std::chrono::milliseconds elapsed{0};
  for (std::size_t lane = 0; lane < lanes.size(); ++lane) {
    for (HttpNext next{lanes[lane], {}}; next.question && !lead.is_over(elapsed);) {
      elapsed += next.pause;
      const auto answer = get({next.question->url, "", next.question->max_bytes, {}});
      next = lead.answered(lane, answer ? Result<HttpReply>(HttpReply{answer->status, answer->body, {}})
                                        : Result<HttpReply>(answer.error()));
    }
  }
  return {};
}

}  // namespace provision::host::sim
