// SPDX-License-Identifier: Apache-2.0
#include "plan/identity.hpp"

namespace provision::plan {

Uuid Identity::derive(std::string_view kind, const host::DiskFacts& facts, const std::string& config_path) const {
  const bool has_own_name = !facts.serial.empty() || !facts.wwn.empty();
  return Uuid::derive({std::string(kind), machine.is_known() ? machine.uuid : machine.seed, machine.serial,
                       facts.serial, facts.wwn, has_own_name ? std::string{} : facts.hardware_path, config.text(),
                       config_path});
}

Uuid Identity::disk(const host::DiskFacts& facts, const std::string& config_path) const {
  return derive("disk", facts, config_path);
}

Uuid Identity::partition(const host::DiskFacts& facts, const std::string& config_path) const {
  return derive("partition", facts, config_path);
}

Uuid Identity::filesystem(const host::DiskFacts& facts, const std::string& config_path) const {
  return derive("filesystem", facts, config_path);
}

Uuid Identity::volume(const host::DiskFacts& facts, const std::string& config_path) const {
  return derive("volume", facts, config_path);
}

Uuid Identity::physical(const host::DiskFacts& facts, const std::string& config_path) const {
  return derive("physical volume", facts, config_path);
}

Uuid Identity::array(const std::string& config_path) const { return derive("array", {}, config_path); }

}  // namespace provision::plan
