// SPDX-License-Identifier: Apache-2.0
// The beginning of a first boot, once its config is known: a new journal, or the one that an earlier boot began.
#pragma once

#include <string>

#include "stages/stage.hpp"

namespace provision::stages {

// The kernel argument, and without its "=" the system credential, that says what becomes of an unfinished first boot
// of another config or machine: "resume" or "start-over". The config may say it too ($.provision.unfinished); the
// kernel argument counts before the credential, which a confidential machine does not hear, and that before the config.
inline constexpr std::string_view unfinished_key = "provision.unfinished=";

// A first boot that was begun with the same config on the same machine goes on. One that was begun otherwise stops with
// journal_other_config or journal_other_machine, unless it has changed nothing, or it was said what becomes of it:
//   resume      the stages that are done stay; the others are planned anew by this config
//   start-over  all is planned anew by this config
// In both, what the earlier config has done or begun where nothing was counts as not there, and may be replaced
// (plan/left_behind.hpp).
Result<void> begin_or_go_on(Context& context, const spec::Parsed& config, const std::string& document);

}  // namespace provision::stages
