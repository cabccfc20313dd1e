// SPDX-License-Identifier: Apache-2.0
#include "stages/initrd_needs.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <variant>

#include "plan/clevis.hpp"

namespace provision::stages {
namespace {

// Four words with colons between: mdadm's form, and the one of MD_UUID, with which dracut compares.
std::string with_colons(const std::string& uuid) {
  std::string text;
  std::size_t digits = 0;
  for (const char c : uuid) {
    if (c == '-') {
      continue;
    }
    text += digits > 0 && digits % 8 == 0 ? ":" : "";
    text += c;
    ++digits;
  }
  return text;
}

run::InitrdNeed need_of(const plan::MakeArray& array) {
  const std::string uuid = with_colons(array.uuid.text());
  return {"array", array.name, uuid, "rd.md.uuid=" + uuid, false};
}

run::InitrdNeed need_of(const plan::MakeVolume& volume, const spec::Config& config) {
  const auto& asked = config.storage.luks;
  const bool network = std::any_of(asked.begin(), asked.end(), [&](const spec::Luks& one) {
    return one.name == volume.name && volume.bound && plan::needs_network(one.clevis);
  });
  return {"volume", volume.name, volume.uuid, "rd.luks.name=" + volume.uuid + "=" + volume.name, network};
}

}  // namespace

std::vector<run::InitrdNeed> initrd_needs(const plan::Plan& disks, const spec::Config& config) {
  std::vector<run::InitrdNeed> needs;
  for (const auto& step : disks.steps) {
    if (const auto* const array = std::get_if<plan::MakeArray>(&step.operation)) {
      needs.push_back(need_of(*array));
    } else if (const auto* const volume = std::get_if<plan::MakeVolume>(&step.operation)) {
      needs.push_back(need_of(*volume, config));
    }
  }
  return needs;
}

}  // namespace provision::stages
