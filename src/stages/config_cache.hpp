// SPDX-License-Identifier: Apache-2.0
// The config cache: the config as it is carried out, for the distribution's own programs in the initramfs, which look
// for it where Ignition leaves it (/run/ignition.json). The later stages do not read it.
#pragma once

#include <string>

#include "spec/config.hpp"
#include "stages/documents.hpp"
#include "stages/stage.hpp"

namespace provision::stages {

// One document of the newest version of the spec: what the config refers to is merged into it, and its certificate
// authorities are data: URLs, from `documents`. Only that the image's base configs are in it too tells it from
// Ignition's.
std::string config_cache_text(spec::Config config, const Documents& documents);

// Where Context::handover asks for it. It may hold secrets: root alone can read it.
Result<void> write_config_cache(Context& context, const spec::Config& config);

}  // namespace provision::stages
