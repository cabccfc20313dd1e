// SPDX-License-Identifier: Apache-2.0
// The field tables of the top of a config.
#include "spec/config.hpp"

#include "fields/engine_impl.hpp"

namespace provision::fields {

using namespace spec;

template <>
struct Table<Ignition> {
  static constexpr auto rows = std::tuple{
      field("version", &Ignition::version, "The spec version of the config.", {.required = true}),
      field("config", &Ignition::config, "Other configs to merge, or to use instead."),
      field("timeouts", &Ignition::timeouts, "Timeouts of fetching."),
      field("security", &Ignition::security, "Certificate authorities to trust."),
      field("proxy", &Ignition::proxy, "Proxies of fetching.", {.since = {3, 1}}),
  };
};

template <>
struct Table<Config> {
  static constexpr auto rows = std::tuple{
      field("ignition", &Config::ignition, "About the config itself.", {.required = true}),
      field("kernelArguments", &Config::kernel_arguments, "Kernel arguments.", {.since = {3, 3}}),
      field("passwd", &Config::passwd, "Users and groups."),
      field("storage", &Config::storage, "Disks, file systems, files."),
      field("systemd", &Config::systemd, "Units."),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::Ignition);
PROVISION_INSTANTIATE_RECORD(provision::spec::Config);
