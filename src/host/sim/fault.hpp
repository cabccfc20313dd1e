// SPDX-License-Identifier: Apache-2.0
// Which calls go wrong and how, as a value; and the gate that every mutating call passes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "host/sim/tree.hpp"

namespace provision::host::sim {

enum class FaultKind : std::uint8_t {
  // The call fails (EIO; a program exits with 1) and has no effect.
  fail_once,
  // The call fails without effect, and so does every later call on the same target, also in later boots, until
  // SimHost::repair(): a part of the machine has died. A target is a device's kernel node for Disks, programs, mount
  // and unmount, and a path of this process for Files.
  fail_always,
  // The call says that it succeeded and has no effect.
  lie,
  // The power goes before the call, midway (each operation has its own halves), or just after it.
  cut_before,
  cut_midway,
  cut_after,
};

// `at` is the number of a mutating call, from 1 and counted on over all boots. `loss` is for cuts only.
struct Fault {
  std::size_t at = 0;
  FaultKind kind = FaultKind::fail_once;
  Loss loss = Loss::any;
  bool operator==(const Fault&) const = default;
};

bool is_cut(FaultKind kind);

struct FaultPlan {
  std::uint64_t seed = 1;
  std::vector<Fault> faults;
};

std::string to_string(FaultKind kind);
std::string to_string(Loss loss);
// "12:cut_after/data,17:lie"; the loss is only written for cuts.
std::string to_string(const std::vector<Fault>& faults);
std::optional<std::vector<Fault>> parse_faults(std::string_view text);

// One mutating call, as it stands in the trace.
struct Call {
  std::size_t number = 0;
  std::size_t boot = 0;
  std::string name;
  std::string target;
  // What the plan did to it; empty: nothing.
  std::string fault;
};

std::string to_string(const Call& call);

// The only exception of the simulated world. It is not a std::exception, so that no handler for a library's exceptions
// takes it for one; only the driver of a test catches it.
struct PowerCut {
  std::size_t at = 0;
  Loss loss = Loss::any;
};

// What happens to a call.
enum class Verdict : std::uint8_t { proceed, fail, lie, cut_before, cut_midway, cut_after };

class Gate {
 public:
  explicit Gate(FaultPlan plan) : plan_(std::move(plan)) {}

  // Numbers a call and says what becomes of it. While the power is off all calls fail and none is numbered.
  Verdict enter(std::string_view name, std::string_view target);
  // The power goes. Throws.
  [[noreturn]] void cut();

  // The power is back.
  void next_boot();
  // What had died works again.
  void repair() { dead_.clear(); }

  [[nodiscard]] bool powered() const { return powered_; }
  [[nodiscard]] std::size_t boot() const { return boot_; }
  [[nodiscard]] std::size_t calls() const { return trace_.size(); }
  // How many of the planned faults have come to pass.
  [[nodiscard]] std::size_t fired() const { return fired_; }
  // How many calls went wrong: those, and all on targets that were dead.
  [[nodiscard]] std::size_t disturbed() const { return disturbed_; }
  [[nodiscard]] const std::vector<Call>& trace() const { return trace_; }
  [[nodiscard]] const FaultPlan& plan() const { return plan_; }

 private:
  [[nodiscard]] const Fault* planned(std::size_t number) const;

  FaultPlan plan_;
  bool powered_ = true;
  std::size_t boot_ = 1;
  std::size_t fired_ = 0;
  std::size_t disturbed_ = 0;
  std::set<std::string, std::less<>> dead_;
  std::vector<Call> trace_;
};

}  // namespace provision::host::sim
