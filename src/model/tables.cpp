// SPDX-License-Identifier: Apache-2.0
// The field tables of the inventory: what `provision plan --inventory` reads, and what plans and journals write.
#include "fields/engine_impl.hpp"
#include "model/inventory.hpp"

namespace provision::fields {

using namespace host;
using namespace model;

template <>
struct Table<DeviceRef> {
  static constexpr auto rows = std::tuple{
      field("path", &DeviceRef::path, "The device as the config names it."),
      field("disk", &DeviceRef::disk, "The disk it is a partition of, where that is known."),
      field("number", &DeviceRef::number, "The partition's number on that disk."),
  };
};

template <>
struct Table<host::Partition> {
  static constexpr auto rows = std::tuple{
      field("number", &host::Partition::number, "The partition's number.", {.required = true}),
      field("start", &host::Partition::start, "Its first sector.", {.required = true, .unit = "sectors"}),
      field("size", &host::Partition::size, "Its size.", {.required = true, .unit = "sectors"}),
      field("type", &host::Partition::type, "Its type GUID."),
      field("guid", &host::Partition::guid, "Its unique GUID."),
      field("label", &host::Partition::label, "Its name."),
  };
};

template <>
struct Table<host::Table> {
  static constexpr auto rows = std::tuple{
      field("kind", &host::Table::kind, "none, gpt, damaged or other."),
      field("otherName", &host::Table::other_name, "What another kind is called."),
      field("diskGuid", &host::Table::disk_guid, "The disk's GUID."),
      field("partitions", &host::Table::partitions, "The entries."),
      field("firstUsable", &host::Table::first, "The first usable sector.", {.unit = "sectors"}),
      field("lastUsable", &host::Table::last, "The last usable sector.", {.unit = "sectors"}),
      field("grown", &host::Table::grown, "Whether the disk has grown since: the backup copy is not at its end."),
  };
};

template <>
struct Table<DiskFacts> {
  static constexpr auto rows = std::tuple{
      field("sectorSize", &DiskFacts::sector_size, "The logical sector size.", {.unit = "bytes"}),
      field("sectors", &DiskFacts::sectors, "The disk's size.", {.unit = "sectors"}),
      field("serial", &DiskFacts::serial, "The serial number."),
      field("wwn", &DiskFacts::wwn, "The World Wide Name."),
      field("hardwarePath", &DiskFacts::hardware_path, "The place in the hardware."),
  };
};

template <>
struct Table<WholeDisk> {
  static constexpr auto rows = std::tuple{
      field("node", &WholeDisk::node, "The kernel's node of it.", {.required = true}),
      field("facts", &WholeDisk::facts, "What identifies it and how large it is."),
      field("model", &WholeDisk::model, "Its model."),
      field("transport", &WholeDisk::transport, "How it is attached."),
      field("unfit", &WholeDisk::unfit, "Why no selector may find it."),
  };
};

template <>
struct Table<Signature> {
  static constexpr auto rows = std::tuple{
      field("type", &Signature::type, "What libblkid calls it; empty: blank."),
      field("label", &Signature::label, "Its label."),
      field("uuid", &Signature::uuid, "Its UUID."),
      field("ambivalent", &Signature::ambivalent, "Whether several signatures are there."),
  };
};

template <>
struct Table<ArrayMember> {
  static constexpr auto rows = std::tuple{
      field("array", &ArrayMember::array, "The array's UUID; empty: it is no member of any."),
      field("name", &ArrayMember::name, "The array's name."),
      field("level", &ArrayMember::level, "Its level; empty: the superblock is of the old format."),
      field("devices", &ArrayMember::devices, "How many devices it is made of, without the spares."),
      field("events", &ArrayMember::events, "How often its state was written; 0: it was made and never started."),
      field("node", &ArrayMember::node, "The array that the kernel has it in."),
      field("running", &ArrayMember::running, "Whether that runs."),
  };
};

template <>
struct Table<LuksHeader> {
  static constexpr auto rows = std::tuple{
      field("version", &LuksHeader::version, "LUKS1 or LUKS2; 0: there is no header."),
      field("uuid", &LuksHeader::uuid, "Its UUID."),
      field("label", &LuksHeader::label, "Its label."),
      field("discards", &LuksHeader::discards, "Whether each opening lets discards through."),
      field("hasKey", &LuksHeader::has_key, "Whether a key slot is in use."),
      field("bound", &LuksHeader::bound, "Whether Clevis opens a key slot."),
      field("tpm2", &LuksHeader::tpm2, "Whether a TPM opens one, as systemd-cryptenroll has it."),
      field("recovery", &LuksHeader::recovery, "Whether a recovery key opens one."),
      field("paes", &LuksHeader::paes, "Whether its cipher is paes, whose key a CryptoExpress card protects."),
      field("verified", &LuksHeader::verified, "Whether a token says which key that is."),
  };
};

template <>
struct Table<Machine> {
  static constexpr auto rows = std::tuple{
      field("uuid", &Machine::uuid, "The SMBIOS UUID."),
      field("serial", &Machine::serial, "The SMBIOS serial number."),
      field("seed", &Machine::seed, "Drawn by chance where the machine has neither."),
  };
};

template <>
struct Table<MountEntry> {
  static constexpr auto rows = std::tuple{
      field("source", &MountEntry::source, "The node mounted."),
      field("target", &MountEntry::target, "Where it is mounted, inside the target root."),
      field("type", &MountEntry::type, "The file system type."),
      field("subvolume", &MountEntry::subvolume, "Of a Btrfs: the subvolume that is mounted."),
  };
};

template <>
struct Table<SubvolumeEntry> {
  static constexpr auto rows = std::tuple{
      field("name", &SubvolumeEntry::name, "Its path in the top level.", {.required = true}),
      field("kind", &SubvolumeEntry::kind, "What it is."),
      field("default", &SubvolumeEntry::is_default, "Whether it is the default one."),
  };
};

template <>
struct Table<PartitionView> {
  static constexpr auto rows = std::tuple{
      field("number", &PartitionView::number, "The partition's number.", {.required = true}),
      field("signature", &PartitionView::signature, "What is on it."),
      field("users", &PartitionView::users, "Who holds it open."),
  };
};

template <>
struct Table<BootRecordEntry> {
  static constexpr auto rows = std::tuple{
      field("number", &BootRecordEntry::number, "Its place in the boot record, 1 to 4.", {.required = true}),
      field("type", &BootRecordEntry::type, "The boot record's type of it."),
      field("start", &BootRecordEntry::start, "Its first sector.", {.unit = "sectors"}),
      field("size", &BootRecordEntry::size, "Its size.", {.unit = "sectors"}),
  };
};

template <>
struct Table<DiskView> {
  static constexpr auto rows = std::tuple{
      field("device", &DiskView::device, "The disk as the config names it.", {.required = true}),
      field("facts", &DiskView::facts, "What identifies it and how large it is."),
      field("table", &DiskView::table, "Its partition table."),
      field("signature", &DiskView::signature, "What is on the whole disk, if it has no table."),
      field("users", &DiskView::users, "Who holds it or a partition of it open."),
      field("partitions", &DiskView::partitions, "What is on the partitions that the kernel knows."),
      field("bootRecord", &DiskView::boot_record, "What the boot record names beside a GPT, or without one."),
  };
};

template <>
struct Table<DeviceView> {
  static constexpr auto rows = std::tuple{
      field("device", &DeviceView::device, "The device.", {.required = true}),
      field("signature", &DeviceView::signature, "What is on it."),
      field("users", &DeviceView::users, "Who holds it open."),
      field("subvolumes", &DeviceView::subvolumes, "Of a Btrfs: what is there of the config's names."),
  };
};

template <>
struct Table<FilesystemSize> {
  static constexpr auto rows = std::tuple{
      field("bytes", &FilesystemSize::bytes, "The size of the file system.", {.unit = "bytes"}),
      field("deviceBytes", &FilesystemSize::device_bytes, "That of its device.", {.unit = "bytes"}),
  };
};

template <>
struct Table<GrowthView> {
  static constexpr auto rows = std::tuple{
      field("device", &GrowthView::device, "The device.", {.required = true}),
      field("size", &GrowthView::size, "How large both are."),
  };
};

template <>
struct Table<MemberView> {
  static constexpr auto rows = std::tuple{
      field("device", &MemberView::device, "The device.", {.required = true}),
      field("signature", &MemberView::signature, "What is on it."),
      field("member", &MemberView::member, "The array that it is a member of."),
      field("users", &MemberView::users, "Who holds it open."),
  };
};

template <>
struct Table<ArrayView> {
  static constexpr auto rows = std::tuple{
      field("name", &ArrayView::name, "The array as the config names it.", {.required = true}),
      field("members", &ArrayView::members, "Those of its devices that are there."),
  };
};

template <>
struct Table<VolumeView> {
  static constexpr auto rows = std::tuple{
      field("name", &VolumeView::name, "The volume as the config names it.", {.required = true}),
      field("device", &VolumeView::device, "Its device."),
      field("signature", &VolumeView::signature, "What is on that."),
      field("users", &VolumeView::users, "Who holds it open."),
      field("header", &VolumeView::header, "Its LUKS header."),
      field("open", &VolumeView::open, "The UUID of the volume that is open under the name; empty: none is."),
      field("recoveryKept", &VolumeView::recovery_kept, "Whether a recovery key is kept that the target is to get."),
      field("secureKeyKept", &VolumeView::secure_key_kept, "The same of a secure key."),
  };
};

template <>
struct Table<CardsView> {
  static constexpr auto rows = std::tuple{
      field("bus", &CardsView::bus, "Whether the kernel has the bus of CryptoExpress cards."),
      field("domains", &CardsView::domains, "The domains of cards in CCA mode that are online."),
      field("zkey", &CardsView::zkey, "Whether zkey and zkey-cryptsetup can be run."),
      field("key", &CardsView::key, "Whether the initramfs has a key for such volumes."),
  };
};

template <>
struct Table<PhysicalVolumeView> {
  static constexpr auto rows = std::tuple{
      field("device", &PhysicalVolumeView::device, "The device.", {.required = true}),
      field("signature", &PhysicalVolumeView::signature, "What is on it."),
      field("users", &PhysicalVolumeView::users, "Who holds it open."),
  };
};

template <>
struct Table<VolumeGroupView> {
  static constexpr auto rows = std::tuple{
      field("name", &VolumeGroupView::name, "The volume group as the config names it.", {.required = true}),
      field("members", &VolumeGroupView::members, "Those of its devices that are there."),
  };
};

template <>
struct Table<LogicalVolumeView> {
  static constexpr auto rows = std::tuple{
      field("name", &LogicalVolumeView::name, "Its name.", {.required = true}),
      field("type", &LogicalVolumeView::type, "Its type, by lvmreport(7)."),
      field("bytes", &LogicalVolumeView::bytes, "Its size.", {.unit = "bytes"}),
      field("stripes", &LogicalVolumeView::stripes, "Over how many devices it lies."),
      field("pool", &LogicalVolumeView::pool, "The pool that it is in."),
      field("active", &LogicalVolumeView::active, "Whether the kernel has it."),
      field("open", &LogicalVolumeView::open, "Whether something has it open."),
  };
};

template <>
struct Table<VolumeGroupFound> {
  static constexpr auto rows = std::tuple{
      field("name", &VolumeGroupFound::name, "Its name.", {.required = true}),
      field("uuid", &VolumeGroupFound::uuid, "Its UUID."),
      field("extentBytes", &VolumeGroupFound::extent_bytes, "The size of an extent.", {.unit = "bytes"}),
      field("freeExtents", &VolumeGroupFound::free_extents, "How many extents are free."),
      field("physical", &VolumeGroupFound::physical, "The UUIDs of its physical volumes."),
      field("nodes", &VolumeGroupFound::nodes, "The nodes of those that are there."),
      field("missing", &VolumeGroupFound::missing, "How many are not."),
      field("logical", &VolumeGroupFound::logical, "Its logical volumes."),
  };
};

template <>
struct Table<FileView> {
  static constexpr auto rows = std::tuple{
      field("path", &FileView::path, "The path inside the target root.", {.required = true}),
      field("kind", &FileView::kind, "regular, directory, symlink or other."),
      field("mode", &FileView::mode, "The permission bits."),
      field("uid", &FileView::uid, "The owner."),
      field("gid", &FileView::gid, "The group."),
      field("target", &FileView::target, "Where a link points."),
      field("digest", &FileView::digest, "The digest of the content."),
      field("sha512", &FileView::sha512, "The same by SHA-512, where the config gives such a hash."),
      field("appended", &FileView::appended, "Whether the content ends with what the config appends."),
      field("extended", &FileView::extended, "The digest of the content with what the config appends."),
      field("sameAs", &FileView::same_as, "Which path of the config is the same file."),
      field("text", &FileView::text,
            "The content, where it decides something: of the preset file, the machine id, unit files."),
      field("attributesFixed", &FileView::attributes_fixed, "The file system keeps no modes and owners."),
  };
};

template <>
struct Table<PolicyView> {
  static constexpr auto rows = std::tuple{
      field("name", &PolicyView::name, "The policy's name; empty: there is none."),
      field("setfiles", &PolicyView::setfiles, "Whether setfiles can be run."),
  };
};

template <>
struct Table<UserView> {
  static constexpr auto rows = std::tuple{
      field("name", &UserView::name, "The user's name.", {.required = true}),
      field("uid", &UserView::uid, "Its number."),
      field("gid", &UserView::gid, "The number of its primary group."),
      field("gecos", &UserView::gecos, "Its full name and the like."),
      field("home", &UserView::home, "Its home directory."),
      field("shell", &UserView::shell, "Its login shell."),
      field("inEtc", &UserView::in_etc, "Whether its line is in /etc/passwd, not in a read-only database."),
  };
};

template <>
struct Table<GroupView> {
  static constexpr auto rows = std::tuple{
      field("name", &GroupView::name, "The group's name.", {.required = true}),
      field("gid", &GroupView::gid, "Its number."),
      field("members", &GroupView::members, "Its members."),
      field("inEtc", &GroupView::in_etc, "Whether its line is in /etc/group, not in a read-only database."),
  };
};

template <>
struct Table<Accounts> {
  static constexpr auto rows = std::tuple{
      field("users", &Accounts::users, "The users, in the order in which they are looked up."),
      field("groups", &Accounts::groups, "The groups, in the order in which they are looked up."),
  };
};

template <>
struct Table<AccountRules> {
  static constexpr auto rows = std::tuple{
      field("uidMin", &AccountRules::uid_min, "UID_MIN."),
      field("uidMax", &AccountRules::uid_max, "UID_MAX."),
      field("sysUidMin", &AccountRules::sys_uid_min, "SYS_UID_MIN."),
      field("sysUidMax", &AccountRules::sys_uid_max, "SYS_UID_MAX."),
      field("gidMin", &AccountRules::gid_min, "GID_MIN."),
      field("gidMax", &AccountRules::gid_max, "GID_MAX."),
      field("sysGidMin", &AccountRules::sys_gid_min, "SYS_GID_MIN."),
      field("sysGidMax", &AccountRules::sys_gid_max, "SYS_GID_MAX."),
      field("subUidMin", &AccountRules::sub_uid_min, "SUB_UID_MIN."),
      field("subUidMax", &AccountRules::sub_uid_max, "SUB_UID_MAX."),
      field("subUidCount", &AccountRules::sub_uid_count, "SUB_UID_COUNT."),
      field("subGidMin", &AccountRules::sub_gid_min, "SUB_GID_MIN."),
      field("subGidMax", &AccountRules::sub_gid_max, "SUB_GID_MAX."),
      field("subGidCount", &AccountRules::sub_gid_count, "SUB_GID_COUNT."),
      field("passMinDays", &AccountRules::pass_min_days, "PASS_MIN_DAYS; -1: not set."),
      field("passMaxDays", &AccountRules::pass_max_days, "PASS_MAX_DAYS; -1: not set."),
      field("passWarnAge", &AccountRules::pass_warn_age, "PASS_WARN_AGE; -1: not set."),
      field("umask", &AccountRules::umask, "UMASK, decimal."),
      field("homeMode", &AccountRules::home_mode, "HOME_MODE, decimal; -1: not set."),
      field("userGroups", &AccountRules::user_groups, "USERGROUPS_ENAB."),
      field("mailDir", &AccountRules::mail_dir, "MAIL_DIR."),
      field("group", &AccountRules::group, "GROUP of /etc/default/useradd."),
      field("home", &AccountRules::home, "HOME of it."),
      field("skel", &AccountRules::skel, "SKEL of it."),
      field("shell", &AccountRules::shell, "SHELL of it."),
      field("mailSpool", &AccountRules::mail_spool, "CREATE_MAIL_SPOOL of it."),
      field("inactive", &AccountRules::inactive, "INACTIVE of it."),
      field("expire", &AccountRules::expire, "EXPIRE of it, as a day since 1970; -1: not set."),
  };
};

template <>
struct Table<SubRange> {
  static constexpr auto rows = std::tuple{
      field("owner", &SubRange::owner, "The user.", {.required = true}),
      field("start", &SubRange::start, "The first id."),
      field("count", &SubRange::count, "How many."),
  };
};

template <>
struct Table<PasswordView> {
  static constexpr auto rows = std::tuple{
      field("name", &PasswordView::name, "The user or group.", {.required = true}),
      field("digest", &PasswordView::digest, "The digest of its password field."),
  };
};

template <>
struct Table<AccountFiles> {
  static constexpr auto rows = std::tuple{
      field("shadow", &AccountFiles::shadow, "Whether there is an /etc/shadow."),
      field("gshadow", &AccountFiles::gshadow, "Whether there is an /etc/gshadow."),
      field("subUid", &AccountFiles::sub_uid, "Whether there is an /etc/subuid."),
      field("subGid", &AccountFiles::sub_gid, "Whether there is an /etc/subgid."),
      field("subUids", &AccountFiles::sub_uids, "Its ranges."),
      field("subGids", &AccountFiles::sub_gids, "Its ranges."),
      field("userPasswords", &AccountFiles::user_passwords, "Digests of the password fields of the users named."),
      field("groupPasswords", &AccountFiles::group_passwords, "Digests of the password fields of the groups named."),
      field("rules", &AccountFiles::rules, "What login.defs and /etc/default/useradd say."),
      field("today", &AccountFiles::today, "The day since 1970."),
  };
};

template <>
struct Table<JournalPlace> {
  static constexpr auto rows = std::tuple{
      field("mount", &JournalPlace::mount, "Where its file system is mounted."),
      field("directory", &JournalPlace::directory, "Its directory in that."),
      field("stamp", &JournalPlace::stamp, "The stamp in that."),
      field("name", &JournalPlace::name, "By which name the next boot finds the file system."),
  };
};

template <>
struct Table<Inventory> {
  static constexpr auto rows = std::tuple{
      field("machine", &Inventory::machine, "The machine's identity."),
      field("disks", &Inventory::disks, "The disks that the config names."),
      field("arrays", &Inventory::arrays, "The RAID arrays of the config."),
      field("volumes", &Inventory::volumes, "The encrypted volumes of the config."),
      field("cards", &Inventory::cards, "What protects the keys of some, where the config wants that."),
      field("volumeGroups", &Inventory::volume_groups, "The volume groups of the config."),
      field("foundGroups", &Inventory::found_groups, "The volume groups that are there, of their names or devices."),
      field("devices", &Inventory::devices, "The devices that hold file systems."),
      field("growths", &Inventory::growths, "The sizes of the file systems that shall grow."),
      field("files", &Inventory::files, "What exists at the paths that the config names."),
      field("mounts", &Inventory::mounts, "What is mounted in the target root."),
      field("policy", &Inventory::policy, "The target's SELinux policy."),
      field("accounts", &Inventory::accounts, "The target's users and groups."),
      field("accountFiles", &Inventory::account_files, "What is needed to add to them."),
      field("root", &Inventory::root, "The name of the root file system whose files must be kept."),
      field("kept", &Inventory::kept, "The names of other file systems whose files must be kept."),
      field("journal", &Inventory::journal, "Where the journal is, if that file system may be made anew."),
      field("wholeDisks", &Inventory::whole_disks, "All disks of the machine, where the config selects some."),
  };
};

}  // namespace provision::fields

PROVISION_INSTANTIATE_RECORD(provision::host::DeviceRef);
PROVISION_INSTANTIATE_RECORD(provision::host::Partition);
PROVISION_INSTANTIATE_RECORD(provision::host::Table);
PROVISION_INSTANTIATE_RECORD(provision::host::DiskFacts);
PROVISION_INSTANTIATE_RECORD(provision::host::WholeDisk);
PROVISION_INSTANTIATE_RECORD(provision::host::Signature);
PROVISION_INSTANTIATE_RECORD(provision::host::ArrayMember);
PROVISION_INSTANTIATE_RECORD(provision::host::LuksHeader);
PROVISION_INSTANTIATE_RECORD(provision::host::Machine);
PROVISION_INSTANTIATE_RECORD(provision::host::MountEntry);
PROVISION_INSTANTIATE_RECORD(provision::host::SubvolumeEntry);
PROVISION_INSTANTIATE_RECORD(provision::model::PartitionView);
PROVISION_INSTANTIATE_RECORD(provision::model::BootRecordEntry);
PROVISION_INSTANTIATE_RECORD(provision::model::DiskView);
PROVISION_INSTANTIATE_RECORD(provision::model::DeviceView);
PROVISION_INSTANTIATE_RECORD(provision::host::FilesystemSize);
PROVISION_INSTANTIATE_RECORD(provision::model::GrowthView);
PROVISION_INSTANTIATE_RECORD(provision::model::MemberView);
PROVISION_INSTANTIATE_RECORD(provision::model::ArrayView);
PROVISION_INSTANTIATE_RECORD(provision::model::VolumeView);
PROVISION_INSTANTIATE_RECORD(provision::model::CardsView);
PROVISION_INSTANTIATE_RECORD(provision::model::PhysicalVolumeView);
PROVISION_INSTANTIATE_RECORD(provision::model::VolumeGroupView);
PROVISION_INSTANTIATE_RECORD(provision::model::LogicalVolumeView);
PROVISION_INSTANTIATE_RECORD(provision::model::VolumeGroupFound);
PROVISION_INSTANTIATE_RECORD(provision::model::FileView);
PROVISION_INSTANTIATE_RECORD(provision::model::PolicyView);
PROVISION_INSTANTIATE_RECORD(provision::model::UserView);
PROVISION_INSTANTIATE_RECORD(provision::model::GroupView);
PROVISION_INSTANTIATE_RECORD(provision::model::Accounts);
PROVISION_INSTANTIATE_RECORD(provision::model::AccountRules);
PROVISION_INSTANTIATE_RECORD(provision::model::SubRange);
PROVISION_INSTANTIATE_RECORD(provision::model::PasswordView);
PROVISION_INSTANTIATE_RECORD(provision::model::AccountFiles);
PROVISION_INSTANTIATE_RECORD(provision::model::JournalPlace);
PROVISION_INSTANTIATE_RECORD(provision::model::Inventory);
