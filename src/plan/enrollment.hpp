// SPDX-License-Identifier: Apache-2.0
// What opens encrypted volumes besides their keys, in the forms of systemd-cryptenroll(1), which systemd-cryptsetup(8)
// knows when it opens them in later boots:
//   a TPM: enrolled by systemd-cryptenroll itself; tried, and opened by, cryptsetup with systemd's plugin for the token
//     {"type":"systemd-tpm2","keyslots":["1"],"tpm2-pcrs":[7],"tpm2-pin":true,…}
//   a recovery key: 256 random bits in modhex, in a key slot that we add ourselves, since we must have the key before
//     that is there: {"type":"systemd-recovery","keyslots":["2"]}
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "host/host.hpp"
#include "plan/contents.hpp"
#include "spec/config.hpp"

namespace provision::plan {

inline constexpr std::string_view tpm2_token = "systemd-tpm2";
inline constexpr std::string_view recovery_token = "systemd-recovery";

// The number of the one for the volume, in provision.enrollments; and its path.
std::optional<std::size_t> enrollment_for(const spec::Config& config, std::string_view volume);
std::string enrollment_place(std::size_t index);
bool enrolls_tpm2(const spec::Enrollment& enrollment);
bool enrolls_recovery_key(const spec::Enrollment& enrollment);
bool has_pin(const spec::Enrollment& enrollment);
// Later boots need no key file for the volume: Clevis opens it, or a TPM.
bool opens_without_key(const spec::Config& config, const spec::Luks& volume);
// "the TPM (PCR 7, with a PIN), a recovery key".
std::string enrollment_words(const spec::Enrollment& enrollment);

// What can be said of it without a machine; nothing: it is fine. `record` is where below the enrollment.
struct EnrollmentFault {
  const spec::Located* place = nullptr;
  std::string record;
  std::string_view key;
  std::string what;
};
std::optional<EnrollmentFault> enrollment_fault(const spec::Enrollment& enrollment);

// Of the enrollment at that config path; empty: it has none. Code::bad_contents: it is none that a person could type.
Result<Secret> pin_of(host::Fetcher& fetcher, const ContentSource& contents, const std::string& path);

// Adds a key slot that the TPM opens, and its token; `key` opens the volume. An empty PIN: none. Code::program_missing:
// by name and package.
Result<void> enroll_tpm2(host::Host& host, const host::DeviceRef& device, const spec::Enrollment& enrollment,
                         const Secret& key, const Secret& pin);
// Opens the volume by its TPM as /dev/mapper/<name>; with an empty name it is only tried. Code::program_failed: the TPM
// does not open it, or there is none, or no token.
Result<void> open_by_tpm2(host::Host& host, const host::DeviceRef& device, const std::string& name,
                          const host::LuksOpen& options, const Secret& pin);

// "cbdefghi-…": eight groups of eight characters, of `hex`, which are 64 digits.
Result<Secret> recovery_key_of(const Secret& hex);
// Adds a key slot for the recovery key, and its token; one that has been added without its token gets that.
Result<void> enroll_recovery_key(host::Host& host, const host::DeviceRef& device, const Secret& key,
                                 const Secret& recovery);

// Removes the key slots that `key` opens and that are no token's. Code::conflict: no TPM opens the volume.
Result<void> remove_key_of_enrolled(host::Host& host, const host::DeviceRef& device, const Secret& key);

}  // namespace provision::plan
