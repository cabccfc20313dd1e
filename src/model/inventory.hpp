// SPDX-License-Identifier: Apache-2.0
// The inventory: what is seen on this machine, as far as the config names it. A value: written, read back, compared,
// and changed by predictions. Lists are kept in the order of the config.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/digest.hpp"
#include "fields/engine.hpp"
#include "host/crypt.hpp"
#include "host/disks.hpp"
#include "host/files.hpp"
#include "host/firmware.hpp"
#include "host/mounts.hpp"
#include "model/accounts.hpp"
#include "model/boot_record.hpp"

namespace provision::model {

// What stands on a partition of a disk of the config.
struct PartitionView {
  std::int64_t number = 0;
  host::Signature signature;
  std::vector<std::string> users;
  bool operator==(const PartitionView&) const = default;
};

// A whole disk. `device` is the config's name of it.
struct DiskView {
  std::string device;
  host::DiskFacts facts;
  host::Table table;
  host::Signature signature;
  std::vector<std::string> users;
  // Of the partitions that the kernel knows where the table has them.
  std::vector<PartitionView> partitions;
  // What the boot record names beside a GPT (a hybrid MBR), or where the table is of another kind.
  std::vector<BootRecordEntry> boot_record;
  bool operator==(const DiskView&) const = default;

  // The entry of the table, and what is on it; null where there is none, or nobody looked.
  [[nodiscard]] const host::Partition* entry(std::int64_t number) const;
  [[nodiscard]] const PartitionView* partition(std::int64_t number) const;
};

// A device that holds, or shall hold, a file system.
struct DeviceView {
  host::DeviceRef device;
  host::Signature signature;
  std::vector<std::string> users;
  // Of a Btrfs: what is there of the names that the config's subvolumes have or lie in, by name.
  std::vector<host::SubvolumeEntry> subvolumes{};
  bool operator==(const DeviceView&) const = default;

  [[nodiscard]] const host::SubvolumeEntry* subvolume(std::string_view name) const;
};

// A file system of the config that is there and shall take all of its device.
struct GrowthView {
  host::DeviceRef device;
  host::FilesystemSize size;
  bool operator==(const GrowthView&) const = default;
};

// A device that is to be, or is, a member of a RAID array of the config.
struct MemberView {
  host::DeviceRef device;
  host::Signature signature;
  host::ArrayMember member;
  std::vector<std::string> users;
  bool operator==(const MemberView&) const = default;
};

// Whether an array has been started once, so that there may be data on it; `members` are all that are seen of it. One
// that runs has been, whatever its superblocks are read to say. The levels without redundancy never write their state
// again: such an array counts as started when all its devices are there.
bool was_started(const std::vector<host::ArrayMember>& members);

// An array of the config, by its name there. Of its devices those that are there.
struct ArrayView {
  std::string name;
  std::vector<MemberView> members;
  bool operator==(const ArrayView&) const = default;

  [[nodiscard]] const MemberView* member(std::string_view path) const;
};

// An encrypted volume of the config, by its name there, and what is on its device now.
struct VolumeView {
  std::string name;
  host::DeviceRef device;
  // Of the device.
  host::Signature signature;
  std::vector<std::string> users;
  host::LuksHeader header;
  // The UUID of the volume that is open under that name; empty: none is.
  std::string open;
  // This first boot has made a recovery key for it, which the target is to get.
  bool recovery_kept = false;
  // The same of a secure key, with what zkey keeps of it.
  bool secure_key_kept = false;
  bool operator==(const VolumeView&) const = default;

  [[nodiscard]] bool is_open() const { return !open.empty() && open == header.uuid; }
};

// What the machine has for volumes whose keys CryptoExpress cards protect (storage.luks[].cex), where the config has
// any.
struct CardsView {
  // The kernel has the bus that they are on: this is an s390x machine.
  bool bus = false;
  // The domains of cards in CCA mode that are online, by their names ("01.0004"), in order.
  std::vector<std::string> domains;
  // zkey and zkey-cryptsetup can be run here.
  bool zkey = false;
  // The image's initramfs has the key by which its later boots open such volumes (card_key_path).
  bool key = false;
  bool operator==(const CardsView&) const = default;
};

// A device that is to be, or is, a physical volume of a volume group of the config. Its signature has the UUID of the
// physical volume, in LVM's own form.
struct PhysicalVolumeView {
  host::DeviceRef device;
  host::Signature signature;
  std::vector<std::string> users;
  bool operator==(const PhysicalVolumeView&) const = default;
};

// A volume group of the config, by its name there. Of its devices those that are there.
struct VolumeGroupView {
  std::string name;
  std::vector<PhysicalVolumeView> members;
  bool operator==(const VolumeGroupView&) const = default;

  [[nodiscard]] const PhysicalVolumeView* member(std::string_view path) const;
};

// A logical volume that is there; none of those that LVM makes for itself.
struct LogicalVolumeView {
  std::string name;
  // Of its first segment, as lvmreport(7) has it ("linear").
  std::string type;
  std::int64_t bytes = 0;
  // Over how many devices or sub-volumes that lies.
  std::int64_t stripes = 0;
  std::string pool;
  bool active = false;
  // Something has it open.
  bool open = false;
  bool operator==(const LogicalVolumeView&) const = default;
};

// A volume group of the machine that has the name of one of the config, or a physical volume on one of its devices.
struct VolumeGroupFound {
  std::string name;
  std::string uuid;
  std::int64_t extent_bytes = 0;
  std::int64_t free_extents = 0;
  // The UUIDs of its physical volumes, and the nodes of those that are there.
  std::vector<std::string> physical;
  std::vector<std::string> nodes;
  // How many of them are not.
  std::int64_t missing = 0;
  std::vector<LogicalVolumeView> logical;
  bool operator==(const VolumeGroupFound&) const = default;

  [[nodiscard]] bool has(std::string_view physical_uuid) const;
  [[nodiscard]] const LogicalVolumeView* volume(std::string_view wanted) const;
};

// Something in the target that a step would touch, or a directory or link on the way there. Only what exists has a
// view; its path is the one that it was looked up by.
struct FileView {
  std::string path;
  host::NodeKind kind = host::NodeKind::regular;
  std::int64_t mode = 0;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::string target;
  // Of a regular file's content: SHA-256.
  Digest digest;
  // The same by SHA-512, only where the config gives such a hash for a source that is fetched.
  Digest sha512;
  // Only of a file to whose content, or to nothing, the config appends what it has in itself: whether it ends with just
  // that, and the SHA-256 of the content with that at its end.
  bool appended = false;
  Digest extended;
  // Of a hard link of the config: its target, where the two are one file.
  std::string same_as;
  // The content, where it decides something: of the preset file, the machine id, unit files of the image.
  std::string text;
  // Its file system keeps no modes and owners (FAT): there they never differ from what is asked for.
  bool attributes_fixed = false;
  bool operator==(const FileView&) const = default;

  [[nodiscard]] bool has(std::int64_t wanted_mode, std::int64_t wanted_uid, std::int64_t wanted_gid) const {
    return attributes_fixed || (mode == wanted_mode && uid == wanted_uid && gid == wanted_gid);
  }
};

// The SELinux policy that the target is labelled by (/etc/selinux/config).
struct PolicyView {
  // Its name ("targeted"); empty: the target has none.
  std::string name;
  // Whether the program that labels by it can be run here.
  bool setfiles = false;
  bool operator==(const PolicyView&) const = default;
};

// The file system that has the journal and the stamp, as a path of this process and below that.
struct JournalPlace {
  // Where it is mounted; empty: nowhere, or nobody could tell it from another one.
  std::string mount;
  // The journal's directory in it: one name.
  std::string directory;
  // The stamp in it; empty: it is not known.
  std::string stamp;
  // The name by which the next boot finds it: "LABEL=BOOT".
  std::string name;
  bool operator==(const JournalPlace&) const = default;
};

struct Inventory {
  host::Machine machine;
  std::vector<DiskView> disks;
  std::vector<ArrayView> arrays;
  // Those whose devices are there.
  std::vector<VolumeView> volumes;
  CardsView cards;
  std::vector<VolumeGroupView> volume_groups;
  std::vector<VolumeGroupFound> found_groups;
  std::vector<DeviceView> devices;
  // Of the file systems that shall grow those that are there.
  std::vector<GrowthView> growths;
  std::vector<FileView> files;
  // Below the target only; `target` is the path inside it.
  std::vector<host::MountEntry> mounts;
  PolicyView policy;
  // The target's users and groups, and what is needed to add to them (only where the config has users or groups).
  Accounts accounts;
  AccountFiles account_files;
  // By which name the boot finds its root file system (root= of the kernel command line: "LABEL=ROOT"), where the files
  // on that must outlive its making anew; empty: they need not.
  std::string root;
  // Other file systems whose files must outlive that (provision.keep= of the kernel command line): of each the names
  // OLD[:NEW...], "LABEL=boot" or "LABEL=EFI-SYSTEM:esp".
  std::vector<std::string> kept;
  // Where the journal can be taken from one of those and put back.
  JournalPlace journal;
  // All disks of the machine, where the config selects some by what they are.
  std::vector<host::WholeDisk> whole_disks;
  bool operator==(const Inventory&) const = default;

  [[nodiscard]] const DiskView* disk(std::string_view name) const;
  [[nodiscard]] const ArrayView* array(std::string_view name) const;
  [[nodiscard]] const VolumeView* volume(std::string_view name) const;
  [[nodiscard]] const VolumeGroupView* volume_group(std::string_view name) const;
  // The one that has the physical volume; null: it is in none.
  [[nodiscard]] const VolumeGroupFound* group_of(std::string_view physical_uuid) const;
  [[nodiscard]] const DeviceView* device(std::string_view path) const;
  [[nodiscard]] const GrowthView* growth(std::string_view path) const;
  [[nodiscard]] const FileView* file(std::string_view path) const;
};

// The partition that `path` names, by the tables seen (or predicted): by label (/dev/disk/by-partlabel/…), by GUID
// (/dev/disk/by-partuuid/…) or by the name that goes with the disk's own (the kernel's or a link of udev's). Otherwise
// the path alone.
host::DeviceRef resolve(const Inventory& inventory, const std::string& path);

// A name as udev writes it into by-partlabel links: characters outside its whitelist become \xNN (systemd:
// encode_devnode_name).
std::string udev_encoded(std::string_view name);

// Short texts that are equal exactly when the states are: what a step assumes and what it may replace.
std::string fingerprint(const host::Table& table, const host::Signature& signature);
std::string fingerprint(const host::Signature& signature);
std::string fingerprint(const FileView* file);
inline constexpr std::string_view absent_fingerprint = "absent";

// Whether both name one device, as far as the tables tell.
bool is_same_device(const host::DeviceRef& one, const host::DeviceRef& other);

// A few words on what is there, for a conflict's message.
std::string describe(const host::Signature& signature);
std::string describe(const host::Table& table);
std::string describe(const host::ArrayMember& member);

// Nobody of that name uses any of the devices any more.
void forget_user(Inventory& inventory, const std::string& user);
// Somebody uses the device, and its disk.
void add_user(Inventory& inventory, const host::DeviceRef& device, const std::string& user);

}  // namespace provision::model

PROVISION_DECLARE_RECORD(provision::host::DeviceRef);
PROVISION_DECLARE_RECORD(provision::host::Partition);
PROVISION_DECLARE_RECORD(provision::host::Table);
PROVISION_DECLARE_RECORD(provision::host::DiskFacts);
PROVISION_DECLARE_RECORD(provision::host::WholeDisk);
PROVISION_DECLARE_RECORD(provision::host::Signature);
PROVISION_DECLARE_RECORD(provision::host::FilesystemSize);
PROVISION_DECLARE_RECORD(provision::host::ArrayMember);
PROVISION_DECLARE_RECORD(provision::host::LuksHeader);
PROVISION_DECLARE_RECORD(provision::host::Machine);
PROVISION_DECLARE_RECORD(provision::host::MountEntry);
PROVISION_DECLARE_RECORD(provision::host::SubvolumeEntry);
PROVISION_DECLARE_RECORD(provision::model::PartitionView);
PROVISION_DECLARE_RECORD(provision::model::DiskView);
PROVISION_DECLARE_RECORD(provision::model::DeviceView);
PROVISION_DECLARE_RECORD(provision::model::GrowthView);
PROVISION_DECLARE_RECORD(provision::model::MemberView);
PROVISION_DECLARE_RECORD(provision::model::ArrayView);
PROVISION_DECLARE_RECORD(provision::model::VolumeView);
PROVISION_DECLARE_RECORD(provision::model::CardsView);
PROVISION_DECLARE_RECORD(provision::model::PhysicalVolumeView);
PROVISION_DECLARE_RECORD(provision::model::VolumeGroupView);
PROVISION_DECLARE_RECORD(provision::model::LogicalVolumeView);
PROVISION_DECLARE_RECORD(provision::model::VolumeGroupFound);
PROVISION_DECLARE_RECORD(provision::model::FileView);
PROVISION_DECLARE_RECORD(provision::model::PolicyView);
PROVISION_DECLARE_RECORD(provision::model::UserView);
PROVISION_DECLARE_RECORD(provision::model::GroupView);
PROVISION_DECLARE_RECORD(provision::model::Accounts);
PROVISION_DECLARE_RECORD(provision::model::AccountRules);
PROVISION_DECLARE_RECORD(provision::model::SubRange);
PROVISION_DECLARE_RECORD(provision::model::PasswordView);
PROVISION_DECLARE_RECORD(provision::model::AccountFiles);
PROVISION_DECLARE_RECORD(provision::model::JournalPlace);
PROVISION_DECLARE_RECORD(provision::model::Inventory);
