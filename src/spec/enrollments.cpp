// SPDX-License-Identifier: Apache-2.0
// The field tables and checks of what is enrolled for encrypted volumes.
#include "spec/enrollments.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "fields/engine_impl.hpp"
#include "spec/checks.hpp"
#include "spec/references.hpp"

namespace provision::spec {
namespace {

using fields::Checker;

// Of the PC client's TPMs (TCG PC Client Platform TPM Profile, "PCR Requirements").
constexpr std::int64_t last_pcr = 23;

void check_pcrs(const std::vector<std::int64_t>& pcrs, std::string_view key, Checker& checker) {
  for (std::size_t i = 0; i < pcrs.size(); ++i) {
    if (pcrs[i] < 0 || pcrs[i] > last_pcr) {
      checker.error(key, "a TPM has the PCRs 0 to " + std::to_string(last_pcr), {}, i);
    }
  }
}

bool uses_clevis(const Luks& volume) {
  const Clevis& clevis = volume.clevis;
  return !clevis.tang.empty() || is_true(clevis.tpm2) || clevis.threshold.value_or(0) != 0 ||
         !is_empty(clevis.custom.pin);
}

}  // namespace

void cross_check(const EnrolledTpm2& tpm2, Checker& checker) {
  if (tpm2.place.nowhere()) {
    return;
  }
  if (tpm2.pcrs.empty()) {
    checker.error("pcrs", "this does not say by which PCRs the TPM opens the volume",
                  "7, the state of Secure Boot, is what systemd-cryptenroll takes: \"pcrs\": [7]");
  }
  if (!tpm2.pin.place.nowhere() && is_empty(tpm2.pin.source)) {
    checker.error("pin", "the PIN has no source", "leave it out where the TPM is to open the volume without one");
  }
}

void cross_check(const Enrollment& enrollment, Checker& checker) {
  const bool any =
      !enrollment.tpm2.place.nowhere() || !enrollment.recovery_key.place.nowhere() || !enrollment.fido2.place.nowhere();
  if (!any) {
    checker.error("volume", "this enrolls nothing", R"(give it "tpm2" or "recoveryKey")");
  }
}

fields::Notes enrollment_notes(const Parsed& parsed) {
  fields::Notes notes;
  const Config& config = *parsed.config;
  if (refers_to_others(config)) {
    return notes;
  }
  const auto& volumes = config.storage.luks;
  for (std::size_t i = 0; i < config.provision.enrollments.size(); ++i) {
    const Enrollment& asked = config.provision.enrollments[i];
    const std::string place = "$.provision.enrollments." + std::to_string(i) + ".volume";
    const auto volume =
        std::find_if(volumes.begin(), volumes.end(), [&](const Luks& one) { return one.name == asked.volume; });
    if (volume == volumes.end()) {
      notes.add({fields::Severity::error, parsed.sources.origin(asked.place, place, "volume"),
                 "the config has no encrypted volume \"" + printable(asked.volume) + "\"",
                 "it is the name of one of $.storage.luks"});
    } else if (uses_clevis(*volume)) {
      notes.add({fields::Severity::error, parsed.sources.origin(asked.place, place, "volume"),
                 "Clevis opens the encrypted volume \"" + printable(asked.volume) + "\"",
                 "a volume has clevis or an enrollment, not both"});
    }
  }
  return notes;
}

}  // namespace provision::spec

namespace provision::fields {

using namespace spec;

template <>
struct Table<EnrolledTpm2> {
  static constexpr auto rows = std::tuple{
      field("pcrs", &EnrolledTpm2::pcrs, "The PCRs whose values must be as they are in the first boot, such as 7.",
            {.since = {3, 6}, .extension = true, .check = &check_pcrs}),
      field("pin", &EnrolledTpm2::pin, "A PIN that must be given besides; absent: the TPM opens the volume by itself.",
            {.since = {3, 6}, .extension = true}),
  };
};

template <>
struct Table<EnrolledRecoveryKey> {
  static constexpr auto rows = std::tuple{
      field("path", &EnrolledRecoveryKey::path, "The absolute path in the target that it is put at, 0600 root.",
            {.since = {3, 6}, .required = true, .extension = true, .check = &check_optional_absolute_path}),
  };
};

template <>
struct Table<EnrolledFido2> {
  static constexpr auto rows = std::tuple{
      field("device", &EnrolledFido2::device, "Its device, or \"auto\". Refused: it cannot be enrolled yet.",
            {.since = {3, 6}, .required = true, .extension = true}),
  };
};

template <>
struct Table<Enrollment> {
  static constexpr auto rows = std::tuple{
      field("volume", &Enrollment::volume, "The name of the volume, one of storage.luks.",
            {.since = {3, 6}, .required = true, .extension = true, .key = true}),
      field("tpm2", &Enrollment::tpm2, "The machine's TPM opens it.", {.since = {3, 6}, .extension = true}),
      field("recoveryKey", &Enrollment::recovery_key,
            "A recovery key opens it, 256 random bits in a form that a person can type.",
            {.since = {3, 6}, .extension = true}),
      field("fido2", &Enrollment::fido2, "A FIDO2 device opens it. Refused: not possible yet.",
            {.since = {3, 6}, .extension = true}),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::spec::EnrolledTpm2);
PROVISION_INSTANTIATE_RECORD(provision::spec::EnrolledRecoveryKey);
PROVISION_INSTANTIATE_RECORD(provision::spec::EnrolledFido2);
PROVISION_INSTANTIATE_RECORD(provision::spec::Enrollment);
