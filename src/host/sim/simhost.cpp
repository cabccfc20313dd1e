// SPDX-License-Identifier: Apache-2.0
#include "host/sim/simhost.hpp"

#include <fmt/format.h>

#include <utility>

namespace provision::host::sim {

SimHost::SimHost(const MachineSpec& spec, FaultPlan plan)
    : world_(spec, std::move(plan)),
      target_(world_, spec.target_path),
      state_(world_, spec.state_path, MissingRoot::make),
      own_(world_, "/"),
      disks_(world_),
      crypt_(world_),
      mounts_(world_),
      processes_(world_),
      clock_(world_),
      firmware_(world_),
      http_(world_),
      fetcher_(world_) {}

Host SimHost::host() {
  return Host{
      target_, world_.spec().target_path, state_, own_, disks_, crypt_, mounts_, processes_, clock_, firmware_, http_,
      fetcher_};
}

void SimHost::reboot(Loss loss) { world_.restart(loss); }

void SimHost::reboot_orderly() {
  world_.settle();
  world_.restart(Loss::none);
}

std::string SimHost::snapshot(const std::vector<std::string>& ignored) const { return sim::snapshot(world_, ignored); }

std::optional<Luks> SimHost::luks(std::string_view device) const {
  auto found = world_.find(device);
  found = found ? found : world_.find_extent(device);
  if (!found) {
    return std::nullopt;
  }
  const auto& areas = world_.disks()[found->disk].areas();
  const auto area = areas.find(found->start);
  const Formatted* const held = area == areas.end() ? nullptr : durable(area->second);
  return held == nullptr ? std::nullopt : held->luks;
}

std::vector<std::string> SimHost::touched() const { return {world_.touched().begin(), world_.touched().end()}; }

std::string SimHost::trace() {
  const Gate& gate = world_.gate();
  std::string text = fmt::format("SIM_SEED={} SIM_FAULTS={}\n", gate.plan().seed, to_string(gate.plan().faults));
  for (const auto& call : gate.trace()) {
    text += to_string(call) + "\n";
  }
  return text;
}

}  // namespace provision::host::sim
