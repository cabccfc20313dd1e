// SPDX-License-Identifier: Apache-2.0
// What MakeVolume shares with those who plan for volumes and set them up again.
#pragma once

#include "plan/operation.hpp"

namespace provision::plan {

// What the volume shows once it is open is not there before that.
inline constexpr std::array<std::string_view, 2> volume_drivers{"dm_mod", "dm_crypt"};

// What BindVolume sees.
inline constexpr std::string_view bound_fingerprint = "bound";
inline constexpr std::string_view unbound_fingerprint = "not bound";
// What EnrollVolume sees.
inline constexpr std::string_view enrolled_fingerprint = "enrolled";
inline constexpr std::string_view unenrolled_fingerprint = "not enrolled";

// "the encrypted volume data": as Disks::users() names it, too.
std::string volume_words(const std::string& name);

// How it is made: what the options say, before them what the config's own fields do. Errors as luks_format_options.
Result<host::LuksFormat> format_of(const MakeVolume& operation);
// How it is opened.
Result<host::LuksOpen> opening_of(const MakeVolume& operation);

// The key of one that is there, which comes from elsewhere: the config's, or that of the image's initramfs where
// CryptoExpress cards protect the volume key. Code::conflict: the initramfs has none.
Result<Secret> key_from_elsewhere(host::Host& host, const ContentSource& contents, const MakeVolume& operation);

// Opens the volume as it is there, by the key; false: the key does not open it.
Result<bool> open_volume(host::Host& host, const MakeVolume& operation, const Secret& key);
// The same by Clevis. Code::conflict: it is not bound.
Result<void> open_by_binding(host::Host& host, const MakeVolume& operation);
// The same by the TPM that is enrolled. Code::program_failed: it does not open it.
Result<void> open_by_enrollment(host::Host& host, const ContentSource& contents, const MakeVolume& operation);

}  // namespace provision::plan
