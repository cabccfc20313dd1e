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
  // What is on the devices of RAID arrays, and who uses them.
  bool arrays = false;
  // What is on the devices of encrypted volumes, and which of those are open; the tables too, where there are volumes.
  bool volumes = false;
  // What is on the devices of volume groups, and which groups LVM knows of; the tables too, where there are groups.
  bool groups = false;
  // What is on the disks and on the devices of file systems, and who uses them.
  bool contents = false;
  // What is mounted in the target.
  bool mounts = false;
  // What is at the paths of files and units.
  bool files = false;
  // How long to wait for a device that the config names and does not make.
  std::chrono::milliseconds patience{90'000};
  // So many disks, and so many devices, are looked at side by side: a slow one keeps no other waiting.
  unsigned workers = 1;
  // Disks and arrays' devices that do not appear are no error: nothing is seen of them.
  bool allow_missing = false;
  // All disks of the machine as they are now, where the config has selectors.
  bool whole_disks = false;
};

// A device that does not appear is Code::device_missing, at the user's own line.
Result<Inventory> observe(host::Host& host, const spec::Parsed& config, const Scope& scope);

// The unit's file in the target, a drop-in of it, and the preset file that enables units (spec: "systemd").
inline constexpr std::string_view units_path = "/etc/systemd/system";
std::string unit_path(std::string_view name);
std::string dropin_path(std::string_view unit, std::string_view name);
inline constexpr std::string_view preset_path = "/etc/systemd/system-preset/20-ignition.preset";

// What is on the device as a whole: of a disk that has a partition table and nothing else, that ("gpt", "dos").
Result<host::Signature> content_of(host::Host& host, const host::DeviceRef& device);

// The array's name below /dev; a name of the config may be that path already.
std::string array_path(const spec::Raid& array);
// The array of the config that `path` names so; null: none.
const spec::Raid* array_named(const spec::Config& config, std::string_view path);

// The node of an encrypted volume that is open.
std::string volume_path(std::string_view name);
// The encrypted volume of the config that `path` names: that node, or udev's link by-id/dm-name-…; null: none.
const spec::Luks* volume_named(const spec::Config& config, std::string_view path);
// The key of a volume in the target, and the table by which later boots open the volumes (crypttab(5)).
inline constexpr std::string_view keys_directory = "/etc/luks";
std::string volume_key_path(std::string_view name);
// Where a key is kept beside the journal until the first boot is complete (plan/volume_keys.hpp).
inline constexpr std::string_view kept_keys_directory = "/keys";
std::string kept_key_place(std::string_view name);
// The name by which the recovery key of a volume is kept there: no volume can have it.
std::string recovery_name(std::string_view volume);
// The same of the note which key slots it had before.
std::string slots_name(std::string_view volume);
inline constexpr std::string_view crypttab_path = "/etc/crypttab";

// What is told of a provisioning to whoever asks later.
inline constexpr std::string_view result_path = "/etc/.ignition-result.json";

// The target's SELinux policy: which one it is, and what labels it gives.
inline constexpr std::string_view policy_config_path = "/etc/selinux/config";
std::string file_contexts_path(std::string_view policy);

// A file that is appended to is read as a whole.
inline constexpr std::size_t max_kept_bytes = std::size_t{256} << 20U;

// A user's home directory as the config wants it: its own, else the one that the user has or is to get; cleaned, and
// empty if that is no absolute path.
std::string home_of(const spec::User& user, const Accounts& accounts, const AccountRules& rules);
// The home directory that a user has, in the same form.
std::string home_of(const UserView& user);
// The file of the user's keys in that directory, which sshd is told to read by the distributions that use Ignition.
std::string keys_path(const std::string& home);
// The user's mail spool.
std::string mail_path(const std::string& name, const AccountRules& rules);
// The directory of the skeleton, behind the symbolic links that its own name may be, by what is seen; empty: none.
std::string skeleton_place(const Inventory& inventory, const std::string& skel);
// `path` and what is above it, up to `home`.
std::vector<std::string> way_from(const std::string& home, const std::string& path);

// What is at one path of the target, as a view; nothing if nothing is there.
Result<std::optional<FileView>> look_at(host::Files& files, const std::string& path);

// How the config at `place` names itself, for errors: its document, line and path.
Origin origin_of(const spec::Parsed& config, const spec::Located& place, std::string path, std::string_view key = {});

}  // namespace provision::model
