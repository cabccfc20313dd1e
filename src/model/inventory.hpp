// SPDX-License-Identifier: Apache-2.0
// The inventory: what is seen on this machine, as far as the config names it. A value: written, read back, compared,
// and changed by predictions. Lists are kept in the order of the config.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "fields/engine.hpp"
#include "host/disks.hpp"
#include "host/files.hpp"
#include "host/firmware.hpp"
#include "host/mounts.hpp"
#include "model/accounts.hpp"

namespace provision::model {

// A whole disk. `device` is the config's name of it.
struct DiskView {
  std::string device;
  host::DiskFacts facts;
  host::Table table;
  host::Signature signature;
  std::vector<std::string> users;
  bool operator==(const DiskView&) const = default;
};

// A device that holds, or shall hold, a file system.
struct DeviceView {
  host::DeviceRef device;
  host::Signature signature;
  std::vector<std::string> users;
  bool operator==(const DeviceView&) const = default;
};

// Something in the target that a step would touch. Only what exists has a view.
struct FileView {
  std::string path;
  host::NodeKind kind = host::NodeKind::regular;
  std::int64_t mode = 0;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::string target;
  Digest digest;
  // The content, only of the preset file, whose lines are kept.
  std::string text;
  bool operator==(const FileView&) const = default;
};

struct Inventory {
  host::Machine machine;
  std::vector<DiskView> disks;
  std::vector<DeviceView> devices;
  std::vector<FileView> files;
  // Below the target only; `target` is the path inside it.
  std::vector<host::MountEntry> mounts;
  // The target's users and groups, and what is needed to add to them (only where the config has users or groups).
  Accounts accounts;
  AccountFiles account_files;
  bool operator==(const Inventory&) const = default;

  [[nodiscard]] const DiskView* disk(std::string_view name) const;
  [[nodiscard]] const DeviceView* device(std::string_view path) const;
  [[nodiscard]] const FileView* file(std::string_view path) const;
};

// The partition that `path` names, by the tables seen (or predicted): by label (/dev/disk/by-partlabel/…), by GUID
// (/dev/disk/by-partuuid/…) or by the kernel's name of it (disk + number, with "p" after a digit). Otherwise the path
// alone.
host::DeviceRef resolve(const Inventory& inventory, const std::string& path);

// A name as udev writes it into by-partlabel links: characters outside its whitelist become \xNN (systemd:
// encode_devnode_name).
std::string udev_encoded(std::string_view name);

// Short texts that are equal exactly when the states are: what a step assumes and what it may replace.
std::string fingerprint(const host::Table& table, const host::Signature& signature);
std::string fingerprint(const host::Signature& signature);
std::string fingerprint(const FileView* file);
inline constexpr std::string_view absent_fingerprint = "absent";

// A few words on what is there, for a conflict's message.
std::string describe(const host::Signature& signature);
std::string describe(const host::Table& table);

}  // namespace provision::model

PROVISION_DECLARE_RECORD(provision::host::DeviceRef);
PROVISION_DECLARE_RECORD(provision::host::Partition);
PROVISION_DECLARE_RECORD(provision::host::Table);
PROVISION_DECLARE_RECORD(provision::host::DiskFacts);
PROVISION_DECLARE_RECORD(provision::host::Signature);
PROVISION_DECLARE_RECORD(provision::host::Machine);
PROVISION_DECLARE_RECORD(provision::host::MountEntry);
PROVISION_DECLARE_RECORD(provision::model::DiskView);
PROVISION_DECLARE_RECORD(provision::model::DeviceView);
PROVISION_DECLARE_RECORD(provision::model::FileView);
PROVISION_DECLARE_RECORD(provision::model::UserView);
PROVISION_DECLARE_RECORD(provision::model::GroupView);
PROVISION_DECLARE_RECORD(provision::model::Accounts);
PROVISION_DECLARE_RECORD(provision::model::AccountRules);
PROVISION_DECLARE_RECORD(provision::model::SubRange);
PROVISION_DECLARE_RECORD(provision::model::PasswordView);
PROVISION_DECLARE_RECORD(provision::model::AccountFiles);
PROVISION_DECLARE_RECORD(provision::model::Inventory);
