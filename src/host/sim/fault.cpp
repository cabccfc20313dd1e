// SPDX-License-Identifier: Apache-2.0
#include "host/sim/fault.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/assert.hpp"
#include "base/text.hpp"

namespace provision::host::sim {
namespace {

struct KindRow {
  FaultKind kind;
  std::string_view name;
  Verdict verdict;
};
constexpr std::array kinds{
    KindRow{FaultKind::fail_once, "fail_once", Verdict::fail},
    KindRow{FaultKind::fail_always, "fail_always", Verdict::fail},
    KindRow{FaultKind::lie, "lie", Verdict::lie},
    KindRow{FaultKind::cut_before, "cut_before", Verdict::cut_before},
    KindRow{FaultKind::cut_midway, "cut_midway", Verdict::cut_midway},
    KindRow{FaultKind::cut_after, "cut_after", Verdict::cut_after},
};

struct LossRow {
  Loss loss;
  std::string_view name;
};
constexpr std::array losses{
    LossRow{Loss::all, "all"},
    LossRow{Loss::none, "none"},
    LossRow{Loss::data, "data"},
    LossRow{Loss::any, "any"},
};

const KindRow& row(FaultKind kind) {
  const auto* const found =
      std::find_if(kinds.begin(), kinds.end(), [kind](const KindRow& candidate) { return candidate.kind == kind; });
  INVARIANT(found != kinds.end());
  return *found;
}

std::optional<std::size_t> parse_number(std::string_view text) {
  std::size_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc() || end != text.data() + text.size()) {
    return std::nullopt;
  }
  return number;
}

std::optional<Loss> parse_loss(std::string_view text) {
  for (const auto& candidate : losses) {
    if (candidate.name == text) {
      return candidate.loss;
    }
  }
  return std::nullopt;
}

std::optional<FaultKind> parse_kind(std::string_view text) {
  for (const auto& candidate : kinds) {
    if (candidate.name == text) {
      return candidate.kind;
    }
  }
  return std::nullopt;
}

// NUMBER:KIND or NUMBER:KIND/LOSS
std::optional<Fault> parse_fault(std::string_view text) {
  const auto halves = split(text, ':');
  if (halves.size() != 2) {
    return std::nullopt;
  }
  const auto words = split(halves[1], '/');
  const auto number = parse_number(halves[0]);
  const auto kind = parse_kind(words[0]);
  const auto loss = words.size() == 2 ? parse_loss(words[1]) : std::optional(Loss::any);
  if (!number || !kind || !loss || words.size() > 2) {
    return std::nullopt;
  }
  return Fault{*number, *kind, *loss};
}

}  // namespace

bool is_cut(FaultKind kind) {
  return kind == FaultKind::cut_before || kind == FaultKind::cut_midway || kind == FaultKind::cut_after;
}

std::string to_string(FaultKind kind) { return std::string(row(kind).name); }

std::string to_string(Loss loss) {
  const auto* const found =
      std::find_if(losses.begin(), losses.end(), [loss](const LossRow& candidate) { return candidate.loss == loss; });
  INVARIANT(found != losses.end());
  return std::string(found->name);
}

std::string to_string(const std::vector<Fault>& faults) {
  std::vector<std::string> parts;
  for (const auto& fault : faults) {
    const std::string loss = is_cut(fault.kind) ? "/" + to_string(fault.loss) : "";
    parts.push_back(fmt::format("{}:{}{}", fault.at, to_string(fault.kind), loss));
  }
  return join(parts, ",");
}

std::optional<std::vector<Fault>> parse_faults(std::string_view text) {
  std::vector<Fault> faults;
  if (text.empty()) {
    return faults;
  }
  for (const auto part : split(text, ',')) {
    const auto fault = parse_fault(part);
    if (!fault) {
      return std::nullopt;
    }
    faults.push_back(*fault);
  }
  return faults;
}

std::string to_string(const Call& call) {
  return fmt::format("{:>4} boot {} {} {}{}", call.number, call.boot, call.name, call.target,
                     call.fault.empty() ? "" : "   <- " + call.fault);
}

const Fault* Gate::planned(std::size_t number) const {
  for (const auto& fault : plan_.faults) {
    if (fault.at == number) {
      return &fault;
    }
  }
  return nullptr;
}

Verdict Gate::enter(std::string_view name, std::string_view target) {
  if (!powered_) {
    return Verdict::fail;
  }
  const std::size_t number = trace_.size() + 1;
  trace_.push_back(Call{number, boot_, std::string(name), std::string(target), ""});
  const Fault* const fault = planned(number);
  if (fault == nullptr) {
    const bool dead = dead_.contains(target);
    trace_.back().fault = dead ? "dead" : "";
    disturbed_ += dead ? 1 : 0;
    return dead ? Verdict::fail : Verdict::proceed;
  }
  ++fired_;
  ++disturbed_;
  trace_.back().fault = to_string(std::vector{*fault});
  if (fault->kind == FaultKind::fail_always) {
    dead_.emplace(target);
  }
  return row(fault->kind).verdict;
}

void Gate::cut() {
  const Fault* const fault = planned(trace_.size());
  INVARIANT(fault != nullptr);
  powered_ = false;
  throw PowerCut{fault->at, fault->loss};
}

void Gate::next_boot() {
  powered_ = true;
  ++boot_;
}

}  // namespace provision::host::sim
