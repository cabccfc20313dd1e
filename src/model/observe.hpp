// SPDX-License-Identifier: Apache-2.0
// Looking at the machine: everything that the planners of the asked parts may want to know. Nothing is changed.
#pragma once

#include <chrono>

#include "base/result.hpp"
#include "host/host.hpp"
#include "model/inventory.hpp"
#include "spec/parse.hpp"

namespace provision::model {

// Which parts of the config to look at. Parts not asked for stay empty in the inventory.
struct Scope {
  // The disks and their partition tables.
  bool tables = false;
  // What is on the disks and on the devices of file systems, and who uses them.
  bool contents = false;
  // What is mounted in the target.
  bool mounts = false;
  // What is at the paths of files and units.
  bool files = false;
  // How long to wait for a device that the config names and does not make.
  std::chrono::milliseconds patience{90'000};
};

// A device that does not appear is Code::device_missing, at the user's own line.
Result<Inventory> observe(host::Host& host, const spec::Parsed& config, const Scope& scope);

// The unit's file in the target, and the preset file that enables units (spec: "systemd").
std::string unit_path(std::string_view name);
inline constexpr std::string_view preset_path = "/etc/systemd/system-preset/20-ignition.preset";

// A user's home directory as the config wants it: its own, else the one that the user has or is to get; cleaned, and
// empty if that is no absolute path.
std::string home_of(const spec::User& user, const Accounts& accounts, const AccountRules& rules);
// The home directory that a user has, in the same form.
std::string home_of(const UserView& user);
// The file of the user's keys in that directory, which sshd is told to read by the distributions that use Ignition.
std::string keys_path(const std::string& home);
// The user's mail spool.
std::string mail_path(const std::string& name, const AccountRules& rules);
// `path` and what is above it, up to `home`.
std::vector<std::string> way_from(const std::string& home, const std::string& path);

// What is at one path of the target, as a view; nothing if nothing is there.
Result<std::optional<FileView>> look_at(host::Files& files, const std::string& path);

// How the config at `place` names itself, for errors: its document, line and path.
Origin origin_of(const spec::Parsed& config, const spec::Located& place, std::string path, std::string_view key = {});

}  // namespace provision::model
