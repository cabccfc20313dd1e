// SPDX-License-Identifier: Apache-2.0
// Looking at what the files stage would touch in the target.
#pragma once

#include <string>
#include <string_view>

#include "base/result.hpp"
#include "host/host.hpp"
#include "model/inventory.hpp"
#include "model/observe.hpp"
#include "spec/parse.hpp"

namespace provision::model {

// What is at the paths of directories, files, links and units, and what is on the way there; the target's accounts and
// its SELinux policy. A path that cannot be looked at is an error at the user's line.
Result<void> see_files(host::Host& host, const spec::Parsed& config, Inventory& inventory);

// The name of a unit or drop-in is the name of a file: nothing that leads out of its directory.
bool is_plain_name(std::string_view name);

// The target of a hard link of the config, as a path of the target.
std::string hard_target(const spec::Link& link);

// Whether `link` ("/etc/systemd/system/multi-user.target.wants/web.service") is one by which `unit` is enabled: a link
// in a .wants, .requires or .upholds directory with its name, or, for a template, with the name of an instance; or
// another name for it (Alias=).
bool enables(const FileView& link, std::string_view unit);

}  // namespace provision::model
