// SPDX-License-Identifier: Apache-2.0
// Where the user's config and the image's base configs may be, in their order. "Cannot tell" is an error, never "there
// is none".
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "providers/provider.hpp"
#include "spec/resolve.hpp"
#include "stages/stage.hpp"

namespace provision::stages {

// The kernel command line names it: ignition.config.url=.
struct Address {
  std::string url;
};

using Source = std::variant<spec::Brought, Address, providers::NeedNet>;

// The value of the last `key` that is not empty ("ignition.config.url="). Double quotes are dropped, and blanks within
// them part no words, as in the kernel.
std::optional<std::string> kernel_argument(std::string_view line, std::string_view key);

// Of the three system directories, lowest first: base.d, then base.platform.d/ID. A file hides those of its name in
// lower directories.
Result<std::vector<spec::Brought>> base_configs(host::Files& own, const std::string& platform);

// The first that there is: the kernel command line, user.ign in a system directory, /config.ign of an initrd that was
// given beside ours, ignition/config.ign beside the first-boot stamp, the platform.
// `network`: it is up, and what needs it can be asked.
Result<Source> user_config(Context& context, bool network);

// ignition/config.ign beside the stamp, as coreos-installer writes it; empty: no stamp is known.
std::string installed_config_path(const std::string& stamp);

}  // namespace provision::stages
