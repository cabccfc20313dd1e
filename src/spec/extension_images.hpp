// SPDX-License-Identifier: Apache-2.0
// Images of system and configuration extensions (systemd-sysext(8)), in the words of the spec.
#pragma once

#include "spec/config.hpp"

namespace provision::spec {

// Adds what the config's extension images come to, and takes them out: the file of each; where that has a path of its
// own a link to it from the directory that systemd looks into; and that the service which activates them is enabled,
// where the config does not say otherwise. From here on nothing else knows of them.
void spell_out_extension_images(Config& config);

// What writes another image's path, or keeps the images from being activated, is told.
void check_extension_images(const Config& config, fields::Checker& checker);

}  // namespace provision::spec
