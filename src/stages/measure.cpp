// SPDX-License-Identifier: Apache-2.0
#include "stages/measure.hpp"

#include "base/path.hpp"
#include "stages/hooks.hpp"

namespace provision::stages {
namespace {

constexpr std::string_view measured_path = "/run/provision/measured";
constexpr std::string_view no_tpm = "no TPM 2.0";

}  // namespace

std::string measured_event(const spec::Parsed& config) {
  return "provision config " + spec::meaning(*config.config).text();
}

std::string measured_text(host::Files& own) {
  const auto text = own.read(measured_path, 1024);
  return text ? *text : std::string();
}

Result<void> measure(Context& context, const spec::Parsed& config) {
  host::Files& own = context.host.own;
  const std::string event = measured_event(config);
  const std::string done = "PCR " + std::to_string(host::config_pcr) + ": " + event;
  if (measured_text(own) == done) {
    return {};
  }
  const bool measured = TRY_WHILE(context.host.firmware.measure(event), "measuring the config");
  TRY(make_own_directory(own, path::parent(measured_path)));
  return own.replace(measured_path, measured ? done : std::string(no_tpm), 0600, {});
}

}  // namespace provision::stages
