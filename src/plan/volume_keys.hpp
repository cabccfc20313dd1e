// SPDX-License-Identifier: Apache-2.0
// The keys of encrypted volumes, from the moment that one is made or fetched until the first boot is complete.
//
// They are kept beside the journal, 0600, each durable before its volume is made: so a first boot that goes on after a
// power cut opens its volumes, and the target gets the very key that they have. The end of the first boot erases them,
// and that before its stamp goes: afterwards nobody may come by again. So that a power cut between the two leaves no
// volumes that nobody can open, it is noted first that nothing but the stamp is left to do (hand_over).
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "base/result.hpp"
#include "base/secret.hpp"
#include "host/host.hpp"
#include "plan/contents.hpp"

namespace provision::plan {

// cryptsetup reads no more of a key file (luksmeta: LUKS2 passphrases have at most 8 MiB by default).
inline constexpr std::size_t max_key_bytes = std::size_t{8} << 20U;

// Nothing: none is kept for the volume.
Result<std::optional<Secret>> kept_key(host::Files& state, const std::string& volume);
// Durable on return.
Result<void> keep_key(host::Files& state, const std::string& volume, const Secret& key);
// Erases all that are kept, and the note that they were handed over; fine if there are none.
Result<void> forget_keys(host::Files& state);
// The target has them: erases all that are kept, after a note of that, durable on return. Without any there is no note.
// `before_erasing` comes between the two, and once more where it was cut short; also where there are none.
Result<void> hand_over_keys(host::Files& state, const std::function<Result<void>()>& before_erasing = {});
// Whether that note is there. Some of the keys may be left.
Result<bool> are_keys_handed_over(host::Files& state);

// The key that the config gives at `path` ("$.storage.luks.0.keyFile"); fetched if it is far. Code::bad_contents: it
// is empty.
Result<Secret> configured_key(host::Fetcher& fetcher, const ContentSource& contents, const std::string& path);

}  // namespace provision::plan
