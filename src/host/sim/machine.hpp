// SPDX-License-Identifier: Apache-2.0
// A machine before its first boot, as a value: what a test describes and SimHost brings to life.
#pragma once

#include <chrono>
#include <cstdint>
#include <limits>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/disks.hpp"
#include "host/firmware.hpp"
#include "host/http.hpp"
#include "host/sim/tree.hpp"

namespace provision::host::sim {

// What stands on a partition or a whole disk. Files only where it is a file system that can be mounted.
struct Content {
  Signature signature;
  Tree files = tree();
  // What an array's member says of it: no node, and it does not run.
  std::optional<ArrayMember> member = std::nullopt;
};

Content file_system(std::string type, std::string label, std::string uuid, Tree files = tree());
// Bytes that nobody knows a signature of: a boot loader.
Content raw_bytes(std::string bytes);
// Something of somebody else's: "crypto_LUKS", "swap", "LVM2_member".
Content foreign(std::string type, std::string label = "", std::string uuid = "");

// A RAID array of an earlier life. Its members are the disks and partitions that hold member_of() it, the spares last
// in the order of MachineSpec's disks and their sectors; fewer of them than `devices`: it has lost some.
struct ArraySpec {
  Uuid uuid;
  std::string name;
  std::string level = "raid1";
  // Without the spares.
  std::int64_t devices = 2;
  std::optional<Content> content;
  // The distro's initramfs assembles it in each boot before we run, if enough of its members are there.
  bool assembled_by_os = false;
};

Content member_of(const ArraySpec& array);

// An encrypted volume of an earlier life.
struct VolumeSpec {
  // A disk, a partition of its table ("/dev/vdb1"), or an array ("/dev/md/data"). What else was said to be on it is
  // not.
  std::string device;
  std::string uuid;
  std::string label;
  // The header's flag.
  bool discards = false;
  std::int64_t version = 2;
  // Nothing: no key slot is in use.
  std::optional<std::string> key;
  // What it holds.
  std::optional<Content> content;
  // The distro's initramfs opens it under this name in each boot before we run; empty: it does not.
  std::string opened_by_os;
  // It has a token of Clevis, and a key slot for that.
  bool bound = false;
  // The machine's TPM opens it, with this PIN; empty: without one.
  bool tpm2 = false;
  std::string pin{};
  // A recovery key opens it.
  bool recovery = false;
  // Its volume key is a secure key of the machine's cards, and whether its header says which one.
  bool paes = false;
  bool verified = false;
};

struct LogicalVolumeSpec {
  std::string name;
  std::string type = "linear";
  std::int64_t bytes = 0;
  std::int64_t stripes = 1;
  std::string pool;
  // What it holds.
  std::optional<Content> content;
};

// A volume group of LVM of an earlier life. Its devices hold the physical volumes of these UUIDs; what else was said to
// be on them is not.
struct VolumeGroupSpec {
  std::string name;
  std::string uuid;
  // As VolumeSpec has its device, or an encrypted volume by its UUID ("volume 1b…"); with the UUIDs of the physical
  // volumes.
  std::vector<std::pair<std::string, std::string>> devices;
  // UUIDs of those that it has lost.
  std::vector<std::string> lost;
  std::vector<LogicalVolumeSpec> logical;
  // The distro's initramfs activates it in each boot before we run.
  bool activated_by_os = false;
};

struct PartitionSpec {
  Partition entry;
  std::optional<Content> content;
};

constexpr std::chrono::milliseconds never = std::chrono::milliseconds::max();

struct DiskSpec {
  std::string node;
  DiskFacts facts;
  // No GUID: the disk has no GPT. `other_table` is libfdisk's name of a table that is not a GPT.
  Uuid disk_guid;
  std::string other_table;
  std::vector<PartitionSpec> partitions;
  // The disk is larger than the one that the table was made for.
  bool grown = false;
  // Both copies of its GPT are broken; with a GUID: a power cut stopped its writing when the copy at the end was there.
  bool damaged = false;
  // On the whole disk, where it has no table.
  std::optional<Content> content;
  // What a read of the whole disk gives, with zeros behind. Only another table clears it, as its boot record would.
  std::string bytes;
  // Further names that udev has for it, with "-partN" behind them for its partitions.
  std::vector<std::string> links;
  // So long after each boot the kernel finds the disk.
  std::chrono::milliseconds appears_after{0};
  // As WholeDisk has them.
  std::string model;
  std::string transport;
  std::string unfit;
};

// Mounted by the distro's initramfs in each boot before we run, if the device is there and holds that type.
struct OsMount {
  std::string device;
  std::string target;
  std::string type;
  std::string options;
  // Not before we run, but behind the stage `disks` (SimHost::mount_late).
  bool late = false;
};

struct MachineSpec {
  Machine identity;
  std::string command_line;
  // What keeps its host out ("Intel TDX"); empty: nothing.
  std::string confidential;
  std::map<std::string, std::string, std::less<>> fw_cfg;
  bool has_fw_cfg = true;
  bool has_tpm = true;
  // The domains of its CryptoExpress cards ("01.0004"), each with its mode ("cca", "ep11") and, where it is not online,
  // "-" before that; nothing: it is no s390x machine.
  std::optional<std::map<std::string, std::string>> cards;
  // /etc/luks/cex.key of the initramfs; empty: it has none.
  std::string card_key;
  std::vector<DiskSpec> disks;
  // One that is a member of another stands before it.
  std::vector<ArraySpec> arrays;
  std::vector<VolumeSpec> volumes;
  std::vector<VolumeGroupSpec> groups;
  std::vector<OsMount> mounts;
  // The roots of host::Host's target and state.
  std::string target_path = "/sysroot";
  std::string state_path = "/run/provision/state";
  std::map<std::string, HttpAnswer, std::less<>> http;
  // The day of all its boots.
  std::string date = "2026-11-24";
  // Programs of the initramfs besides mkfs, modprobe and mdadm, in /usr/sbin: they succeed and change nothing
  // ("setfiles"), but for zkey and zkey-cryptsetup.
  std::vector<std::string> programs;
};

}  // namespace provision::host::sim
