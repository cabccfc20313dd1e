// SPDX-License-Identifier: Apache-2.0
// The operations: a closed set of idempotent changes. For each there are, found by overload, so that a missing one does
// not compile: observe (is it so already?), apply (make it so), predict (its pure effect on an inventory), describe
// (one sentence), and a few facts about it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "base/digest.hpp"
#include "base/result.hpp"
#include "fields/engine.hpp"
#include "host/host.hpp"
#include "model/inventory.hpp"
#include "plan/contents.hpp"

namespace provision::plan {

class Downloads;

// Makes the disk's GPT exactly `table` (entries that stay are in it too).
struct WriteTable {
  host::DeviceRef disk;
  std::int64_t sector_size = 512;
  host::Table table;
  bool operator==(const WriteTable&) const = default;
};

// A RAID array of md, and sets it up; what is on its devices goes. One of that UUID that has been started once is set
// up and never made again.
struct MakeArray {
  std::string name;
  // Its node, by the name that mdadm's rules of udev give it.
  std::string path;
  // "linear", "raid0", …
  std::string level;
  // The last ones are spares.
  std::vector<host::DeviceRef> members;
  std::int64_t spares = 0;
  Uuid uuid;
  // It is there already and is only set up; it is not made.
  bool there = false;
  // Further arguments of mdadm.
  std::vector<std::string> options;
  bool operator==(const MakeArray&) const = default;
};

// A LUKS2 volume, and opens it; what is on its device goes. One with this UUID that its kept key opens is only opened.
struct MakeVolume {
  std::string name;
  host::DeviceRef device;
  std::string uuid;
  std::string label;
  // The config path of its key ("$.storage.luks.0.keyFile"); empty: one is made.
  std::string key;
  // Each opening lets discards through.
  bool discard = false;
  // It is there already and is only opened; it is not made.
  bool there = false;
  // Clevis opens it, or is going to: of one that is there the binding takes the place of a key that is not given.
  bool bound = false;
  // The config path of what is enrolled for it ("$.provision.enrollments.0"), where a TPM opens it or is going to: this
  // takes that place, too. Empty: none does.
  std::string enrolled{};
  // CryptoExpress cards protect its volume key, and these domains of theirs make it ("01.0004"). Of one that is there
  // the key of the image's initramfs takes that place.
  bool cex = false;
  std::vector<std::string> domains{};
  // Further arguments of cryptsetup luksFormat and luksOpen (plan/luks_options.hpp).
  std::vector<std::string> options;
  std::vector<std::string> open_options;
  bool operator==(const MakeVolume&) const = default;
};

// Binds a volume that this first boot makes to what Clevis opens it by, and sees that it does.
struct BindVolume {
  std::string name;
  host::DeviceRef device;
  std::string uuid;
  // The volume's config path ("$.storage.luks.0"), where its pins are.
  std::string volume;
  // The pins, for a person.
  std::string to;
  bool operator==(const BindVolume&) const = default;
};

// Enrolls what else opens a volume that its kept key opens, as systemd-cryptenroll(1) does, and sees that it does: a
// TPM, a recovery key.
struct EnrollVolume {
  std::string name;
  host::DeviceRef device;
  std::string uuid;
  // The config path of what is enrolled ("$.provision.enrollments.0").
  std::string enrollment;
  // This first boot makes the volume: all its key slots are ours.
  bool made = false;
  // What is enrolled, for a person.
  std::string what;
  bool tpm2 = false;
  bool recovery = false;
  bool operator==(const EnrollVolume&) const = default;
};

// Makes an empty file system; format "none": wipes what is there.
struct MakeFilesystem {
  host::DeviceRef device;
  std::string format;
  std::string label;
  // Its UUID, or the serial of a vfat, as libblkid shows it.
  std::string id;
  // Further arguments of the mkfs program, before all others.
  std::vector<std::string> options;
  bool operator==(const MakeFilesystem&) const = default;
};

// Lets a file system that is there take all of its device. What is in it stays.
struct GrowFilesystem {
  host::DeviceRef device;
  std::string format;
  // The size that it gets, in bytes; 0: nobody can know yet.
  std::int64_t bytes = 0;
  bool operator==(const GrowFilesystem&) const = default;
};

// Mounts the device at `path` inside the target; of a virtiofs `device` has the tag as its path.
struct Mount {
  host::DeviceRef device;
  std::string path;
  std::string format;
  std::vector<std::string> options;
  // Of a Btrfs: which subvolume, by its path in the top level; empty: the default one.
  std::string subvolume{};
  bool operator==(const Mount&) const = default;
};

// A subvolume of a Btrfs. One that is there stays as it is, but for being the default.
struct MakeSubvolume {
  host::DeviceRef device;
  // Its path in the top level of the file system.
  std::string name;
  std::int64_t mode = 0755;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  bool no_copy_on_write = false;
  bool is_default = false;
  // It is there already, and only becomes the default.
  bool there = false;
  bool operator==(const MakeSubvolume&) const = default;
};

// A directory that is there keeps what is in it, unless it is made anew.
struct PutDirectory {
  std::string path;
  std::int64_t mode = 0755;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  // In the place of whatever is there, a directory with all that is in it too.
  bool anew = false;
  bool operator==(const PutDirectory&) const = default;
};

// A symbolic link, owned as given; or a hard one, whose `target` is a path of the target.
struct PutLink {
  std::string path;
  std::string target;
  bool hard = false;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  // A directory may be in its place, with all that is in it.
  bool over_tree = false;
  bool operator==(const PutLink&) const = default;
};

struct PutFile {
  std::string path;
  // What it begins with; nothing where what is there stays.
  Contents contents;
  // What follows, in this order.
  std::vector<Contents> append;
  // The content that is there, has this digest and stays as the beginning; empty: none does. With nothing to append
  // only mode and owner are set.
  Digest keeps;
  // Of the whole; empty where only fetching tells.
  Digest whole;
  std::int64_t mode = 0644;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  // A directory may be in its place, with all that is in it.
  bool over_tree = false;
  // This directory and those below it that are missing on the way are made 0700 with the file's owner; those that are
  // there below it must be real ones. Empty: the way is 0755 root.
  std::string private_below{};
  bool operator==(const PutFile&) const = default;
};

// Puts what an archive (tar, tar.gz, tar.zst) holds into a directory, which is made if it is not there. What is there
// just so stays.
struct UnpackArchive {
  // The archive's, in the config.
  std::string name;
  // The directory.
  std::string path;
  Contents contents;
  // How many parts of each name in the archive are left out, from its beginning.
  std::int64_t strip = 0;
  // Of all that is made.
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  // Files and links that are there may be replaced.
  bool overwrite = false;
  bool operator==(const UnpackArchive&) const = default;
};

// Writes the unit's file or one of its drop-ins, or masks the unit by a link to /dev/null.
struct PutUnit {
  std::string name;
  // Empty: the unit itself.
  std::string dropin;
  Contents contents;
  bool masked = false;
  bool operator==(const PutUnit&) const = default;
};

// Writes the key that opens a volume, 0600 root; /etc/luks, or zkey's repository, is 0700 if it has to be made.
struct PutVolumeKey {
  std::string volume;
  std::string path;
  // It is the recovery key.
  bool recovery = false;
  // It is a part of the secure key: "skey", "info" (model/cards.hpp). Empty: it is not.
  std::string part{};
  bool operator==(const PutVolumeKey&) const = default;
};

// Copies what the root file system holds to where it is kept while its device is made anew, or what another one holds
// that the image says must be kept. Nothing is done where the new one has it already.
struct SaveRoot {
  // By which name the boot finds the root file system ("LABEL=ROOT"), or the name of the other one.
  std::string root;
  // Where it is now.
  host::DeviceRef device;
  std::string format;
  std::string id;
  // The new file system of the config that keeps the copy; without a path: memory does, and a power cut takes it.
  host::DeviceRef keeper;
  std::string keeper_format;
  // The file system that is going to be the root. Where several get the files, the one that gets them last.
  host::DeviceRef to;
  std::string to_format;
  std::string to_id;
  // Which one it is of those that are kept besides the root: "kept-1". Empty: it is the root.
  std::string kept{};
  // A new one is a FAT, and this one is not: it must hold nothing but what a FAT can.
  bool plain = false;
  // Bytes of the smallest new one, where the tables tell; 0: they do not, or it is the root.
  std::int64_t room = 0;
  // The journal is in it, and goes into memory before. Without a mount: it is not.
  model::JournalPlace journal{};
  bool operator==(const SaveRoot&) const = default;
};

// Copies what SaveRoot kept into the new file system, and removes the copy.
struct RestoreRoot {
  std::string root;
  host::DeviceRef device;
  std::string format;
  std::string id;
  // As in SaveRoot.
  host::DeviceRef keeper;
  std::string keeper_format;
  std::string kept{};
  // The copy stays, since another file system gets the files after this one.
  bool stays = false;
  // The journal goes there from memory, and is there from then on. Without a mount: it does not.
  model::JournalPlace journal{};
  bool operator==(const RestoreRoot&) const = default;
};

// Keeps a boot loader that lies outside of file systems, beside the journal: all of the partition and, of a BIOS boot
// partition, the boot code of its disk.
struct SaveLoader {
  // By which its copy is known: the GUID of the partition.
  std::string kept;
  host::DeviceRef device;
  std::int64_t bytes = 0;
  // As in LoaderKind.
  std::string kind;
  bool operator==(const SaveLoader&) const = default;
};

// Writes what SaveLoader kept into another partition, and onto the disk that it is on. GRUB is told where it is then.
struct PutLoader {
  std::string kept;
  host::DeviceRef device;
  std::int64_t bytes = 0;
  std::string kind;
  // Where the old partition began, and this one: in units of 512 bytes, as a BIOS counts.
  std::int64_t from = 0;
  std::int64_t to = 0;
  bool operator==(const PutLoader&) const = default;
};

// A volume group of LVM. Its devices become physical volumes, whatever was on them is erased.
struct MakeVolumeGroup {
  std::string name;
  std::vector<host::DeviceRef> members;
  // The UUIDs of the physical volumes, in LVM's form and in the order of the members.
  std::vector<std::string> physical;
  bool operator==(const MakeVolumeGroup&) const = default;
};

// A logical volume, active; a new one is blank.
struct MakeLogicalVolume {
  std::string group;
  std::string name;
  // As lvcreate has it ("raid1").
  std::string type;
  // 0: all that is left of the group.
  std::int64_t size_mib = 0;
  // 0: the type has none.
  std::int64_t stripes = 0;
  std::int64_t mirrors = 0;
  std::string pool;
  // It is there, and only activated.
  bool there = false;
  std::vector<std::string> options;
  bool operator==(const MakeLogicalVolume&) const = default;
};

// Removes a symbolic link, if it leads to `target`: a unit's mask, or what enables a unit.
struct RemoveLink {
  std::string path;
  std::string target;
  bool operator==(const RemoveLink&) const = default;
};

// Tells those who come later of this provisioning (/etc/.ignition-result.json): the boot's id, the date, whether there
// was a config, and what the file said before.
struct PutResult {
  bool config_provided = true;
  // Of what is there; empty: nothing.
  Digest before;
  // Of the whole; known once it is written.
  Digest whole;
  bool operator==(const PutResult&) const = default;
};

// Labels paths, and what is below them, by the target's SELinux policy. Whether a label is right only the policy can
// tell, so its result is not looked at: the step is done when the program says so.
struct Relabel {
  std::string policy;
  std::vector<std::string> paths;
  bool operator==(const Relabel&) const = default;
};

// Ids that a user may give to others, as /etc/subuid and /etc/subgid have them; none if the count is 0.
struct IdRange {
  std::int64_t start = 0;
  std::int64_t count = 0;
  bool operator==(const IdRange&) const = default;
};

// A group's lines as they shall be.
struct AccountGroup {
  std::string name;
  // Its lines go.
  bool absent = false;
  // It is new here: it has no line in /etc/group yet.
  bool made = false;
  std::int64_t gid = 0;
  // Without a digest the field stays as it is.
  Contents password;
  // Members that it shall have, and that it shall not have; all others stay.
  std::vector<std::string> add;
  std::vector<std::string> remove;
  bool operator==(const AccountGroup&) const = default;
};

// A user's lines as they shall be. Days count from 1970; -1 is a field that stays empty.
struct AccountUser {
  std::string name;
  // Its lines go, also from the groups.
  bool absent = false;
  // It is new: what else is there under its name is a left-over.
  bool made = false;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::string gecos;
  std::string home;
  std::string shell;
  // Without a digest the field stays as it is.
  Contents password;
  // Of a line in /etc/shadow that is made; `changed` also where the password changes.
  std::int64_t changed = -1;
  std::int64_t min_days = -1;
  std::int64_t max_days = -1;
  std::int64_t warn_days = -1;
  std::int64_t inactive = -1;
  std::int64_t expire = -1;
  IdRange sub_uids;
  IdRange sub_gids;
  // What lastlog and faillog may still say about an earlier owner of the uid is cleared.
  bool reset_logs = false;
  bool operator==(const AccountUser&) const = default;
};

// Changes /etc/passwd, shadow, group, gshadow, subuid and subgid of the target, all in one pass.
struct WriteAccounts {
  std::vector<AccountGroup> groups;
  std::vector<AccountUser> users;
  bool operator==(const WriteAccounts&) const = default;
};

// A user's home directory, and its mail spool.
struct MakeHome {
  std::string user;
  std::string path;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  std::int64_t mode = 0700;
  // The directory is made, with a copy of what is in here.
  bool made = false;
  std::string skel;
  // It is the one that was here before.
  std::string moved_from;
  // What in it belongs to these ids becomes the user's; -1: nothing.
  std::int64_t old_uid = -1;
  std::int64_t old_gid = -1;
  // Directories that were made for mount points: they become the user's, 0700.
  std::vector<std::string> claimed;
  // An empty spool is made here, 0660 and of this group, or 0600.
  std::string mail;
  std::int64_t mail_gid = 0;
  std::int64_t mail_mode = 0660;
  // The directory and the spool are removed.
  bool absent = false;
  bool operator==(const MakeHome&) const = default;
};

using Operation = std::variant<WriteTable, MakeFilesystem, Mount, PutFile, PutUnit, PutDirectory, PutLink, RemoveLink,
                               PutResult, Relabel, WriteAccounts, MakeHome, MakeArray, MakeVolume, PutVolumeKey,
                               BindVolume, SaveRoot, RestoreRoot, GrowFilesystem, MakeSubvolume, MakeVolumeGroup,
                               MakeLogicalVolume, EnrollVolume, UnpackArchive, SaveLoader, PutLoader>;

enum class State : std::uint8_t {
  satisfied,    // it is as the operation would leave it
  absent,       // nothing is in the way
  partly_ours,  // the operation's own work, not complete
  foreign,      // something else is there
};

struct Observation {
  State state = State::absent;
  // As model::fingerprint.
  std::string fingerprint;
  // What is there, in a few words; for a conflict's message.
  std::string found;
};

// What apply() may use besides the host.
struct Work {
  host::Host& host;
  const ContentSource& contents;
  // What is under way of the contents that are fetched.
  Downloads* downloads = nullptr;
  // Records the digest of what is about to be put in place, where the plan could not know it, so that it is recognised
  // after a power cut. `durably`: on return it is on the medium.
  std::function<Result<void>(const Digest& digest, bool durably)> note = {};
  // The content of files is on the medium before their names, and a new home when it is made.
  bool safe_names = false;
  // An earlier attempt has noted something.
  bool was_noted = false;
};

Result<Observation> observe(host::Host& host, const WriteTable& operation);
Result<Observation> observe(host::Host& host, const MakeFilesystem& operation);
Result<Observation> observe(host::Host& host, const Mount& operation);
Result<Observation> observe(host::Host& host, const PutFile& operation);
Result<Observation> observe(host::Host& host, const PutUnit& operation);
Result<Observation> observe(host::Host& host, const PutDirectory& operation);
Result<Observation> observe(host::Host& host, const PutLink& operation);
Result<Observation> observe(host::Host& host, const RemoveLink& operation);
Result<Observation> observe(host::Host& host, const PutResult& operation);
Result<Observation> observe(host::Host& host, const Relabel& operation);
Result<Observation> observe(host::Host& host, const WriteAccounts& operation);
Result<Observation> observe(host::Host& host, const MakeHome& operation);
Result<Observation> observe(host::Host& host, const MakeArray& operation);
Result<Observation> observe(host::Host& host, const MakeVolume& operation);
Result<Observation> observe(host::Host& host, const PutVolumeKey& operation);
Result<Observation> observe(host::Host& host, const BindVolume& operation);
Result<Observation> observe(host::Host& host, const SaveRoot& operation);
Result<Observation> observe(host::Host& host, const RestoreRoot& operation);
Result<Observation> observe(host::Host& host, const SaveLoader& operation);
Result<Observation> observe(host::Host& host, const PutLoader& operation);
Result<Observation> observe(host::Host& host, const GrowFilesystem& operation);
Result<Observation> observe(host::Host& host, const MakeSubvolume& operation);
Result<Observation> observe(host::Host& host, const MakeVolumeGroup& operation);
Result<Observation> observe(host::Host& host, const MakeLogicalVolume& operation);
Result<Observation> observe(host::Host& host, const EnrollVolume& operation);
Result<Observation> observe(host::Host& host, const UnpackArchive& operation);

Result<void> apply(Work& work, const WriteTable& operation);
Result<void> apply(Work& work, const MakeFilesystem& operation);
Result<void> apply(Work& work, const Mount& operation);
Result<void> apply(Work& work, const PutFile& operation);
Result<void> apply(Work& work, const PutUnit& operation);
Result<void> apply(Work& work, const PutDirectory& operation);
Result<void> apply(Work& work, const PutLink& operation);
Result<void> apply(Work& work, const RemoveLink& operation);
Result<void> apply(Work& work, const PutResult& operation);
Result<void> apply(Work& work, const Relabel& operation);
Result<void> apply(Work& work, const WriteAccounts& operation);
Result<void> apply(Work& work, const MakeHome& operation);
Result<void> apply(Work& work, const MakeArray& operation);
Result<void> apply(Work& work, const MakeVolume& operation);
Result<void> apply(Work& work, const PutVolumeKey& operation);
Result<void> apply(Work& work, const BindVolume& operation);
Result<void> apply(Work& work, const SaveRoot& operation);
Result<void> apply(Work& work, const RestoreRoot& operation);
Result<void> apply(Work& work, const SaveLoader& operation);
Result<void> apply(Work& work, const PutLoader& operation);
Result<void> apply(Work& work, const GrowFilesystem& operation);
Result<void> apply(Work& work, const MakeSubvolume& operation);
Result<void> apply(Work& work, const MakeVolumeGroup& operation);
Result<void> apply(Work& work, const MakeLogicalVolume& operation);
Result<void> apply(Work& work, const EnrollVolume& operation);
Result<void> apply(Work& work, const UnpackArchive& operation);

void predict(model::Inventory& inventory, const WriteTable& operation);
void predict(model::Inventory& inventory, const MakeFilesystem& operation);
void predict(model::Inventory& inventory, const Mount& operation);
void predict(model::Inventory& inventory, const PutFile& operation);
void predict(model::Inventory& inventory, const PutUnit& operation);
void predict(model::Inventory& inventory, const PutDirectory& operation);
void predict(model::Inventory& inventory, const PutLink& operation);
void predict(model::Inventory& inventory, const RemoveLink& operation);
void predict(model::Inventory& inventory, const PutResult& operation);
void predict(model::Inventory& inventory, const Relabel& operation);
void predict(model::Inventory& inventory, const WriteAccounts& operation);
void predict(model::Inventory& inventory, const MakeHome& operation);
void predict(model::Inventory& inventory, const MakeArray& operation);
void predict(model::Inventory& inventory, const MakeVolume& operation);
void predict(model::Inventory& inventory, const PutVolumeKey& operation);
void predict(model::Inventory& inventory, const BindVolume& operation);
void predict(model::Inventory& inventory, const SaveRoot& operation);
void predict(model::Inventory& inventory, const RestoreRoot& operation);
void predict(model::Inventory& inventory, const SaveLoader& operation);
void predict(model::Inventory& inventory, const PutLoader& operation);
void predict(model::Inventory& inventory, const GrowFilesystem& operation);
void predict(model::Inventory& inventory, const MakeSubvolume& operation);
void predict(model::Inventory& inventory, const MakeVolumeGroup& operation);
void predict(model::Inventory& inventory, const MakeLogicalVolume& operation);
void predict(model::Inventory& inventory, const EnrollVolume& operation);
void predict(model::Inventory& inventory, const UnpackArchive& operation);

std::string describe(const WriteTable& operation);
std::string describe(const MakeFilesystem& operation);
std::string describe(const Mount& operation);
std::string describe(const PutFile& operation);
std::string describe(const PutUnit& operation);
std::string describe(const PutDirectory& operation);
std::string describe(const PutLink& operation);
std::string describe(const RemoveLink& operation);
std::string describe(const PutResult& operation);
std::string describe(const Relabel& operation);
std::string describe(const WriteAccounts& operation);
std::string describe(const MakeHome& operation);
std::string describe(const MakeArray& operation);
std::string describe(const MakeVolume& operation);
std::string describe(const PutVolumeKey& operation);
std::string describe(const BindVolume& operation);
std::string describe(const SaveRoot& operation);
std::string describe(const RestoreRoot& operation);
std::string describe(const SaveLoader& operation);
std::string describe(const PutLoader& operation);
std::string describe(const GrowFilesystem& operation);
std::string describe(const MakeSubvolume& operation);
std::string describe(const MakeVolumeGroup& operation);
std::string describe(const MakeLogicalVolume& operation);
std::string describe(const EnrollVolume& operation);
std::string describe(const UnpackArchive& operation);

// Facts about an operation that the executor goes by.
struct Traits {
  // The path in the target whose file system must be synced before the stage is done; empty: the operation is durable
  // by itself, or leaves nothing that lasts.
  std::string sync_path;
  // What `observe` sees proves that the work is whole. False where a cut in the middle can look whole: then only a
  // record that it was done, or doing it again, counts; `sync_path` is synced before that record.
  bool observation_proves = true;
  // Its effect outlives the boot. Where it does not, nothing of an interrupted boot can be in the way.
  bool lasts = true;
  // It keeps what it replaces: attributes change, or lines are added, and nothing is lost.
  bool keeps = false;
  // It puts what may not be lost into what steps before it have made: that they are done is on record, durably, before
  // it begins, so that none of them is done again.
  bool rests_on_record = false;
  // The paths that have a new inode after it, which a security policy must label.
  std::vector<std::string> labels = {};
};

Traits traits(const WriteTable& operation);
Traits traits(const MakeFilesystem& operation);
Traits traits(const Mount& operation);
Traits traits(const PutFile& operation);
Traits traits(const PutUnit& operation);
Traits traits(const PutDirectory& operation);
Traits traits(const PutLink& operation);
Traits traits(const RemoveLink& operation);
Traits traits(const PutResult& operation);
Traits traits(const Relabel& operation);
Traits traits(const WriteAccounts& operation);
Traits traits(const MakeHome& operation);
Traits traits(const MakeArray& operation);
Traits traits(const MakeVolume& operation);
Traits traits(const PutVolumeKey& operation);
Traits traits(const BindVolume& operation);
Traits traits(const SaveRoot& operation);
Traits traits(const RestoreRoot& operation);
Traits traits(const SaveLoader& operation);
Traits traits(const PutLoader& operation);
Traits traits(const GrowFilesystem& operation);
Traits traits(const MakeSubvolume& operation);
Traits traits(const MakeVolumeGroup& operation);
Traits traits(const MakeLogicalVolume& operation);

// A subvolume that is there, as MakeSubvolume's observation has it.
inline constexpr std::string_view subvolume_fingerprint = "subvolume";
// What a mount is, as Mount's observation has it.
std::string mount_fingerprint(const host::MountEntry& entry);
Traits traits(const EnrollVolume& operation);
Traits traits(const UnpackArchive& operation);

// The same for whichever operation it is.
Result<Observation> observe(host::Host& host, const Operation& operation);
Result<void> apply(Work& work, const Operation& operation);
void predict(model::Inventory& inventory, const Operation& operation);
std::string describe(const Operation& operation);
Traits traits(const Operation& operation);
// Whether a part of it is fetched.
bool fetches(const PutFile& operation);
// The operation, with what was noted of its result (see Work::note).
Operation noted(Operation operation, const Digest& digest);
// "write-table", "make-filesystem", …: the operation's name in plans.
std::string_view kind_of(const Operation& operation);

}  // namespace provision::plan

PROVISION_DECLARE_RECORD(provision::plan::Contents);
PROVISION_DECLARE_RECORD(provision::plan::WriteTable);
PROVISION_DECLARE_RECORD(provision::plan::MakeFilesystem);
PROVISION_DECLARE_RECORD(provision::plan::Mount);
PROVISION_DECLARE_RECORD(provision::plan::PutFile);
PROVISION_DECLARE_RECORD(provision::plan::PutUnit);
PROVISION_DECLARE_RECORD(provision::plan::PutDirectory);
PROVISION_DECLARE_RECORD(provision::plan::PutLink);
PROVISION_DECLARE_RECORD(provision::plan::RemoveLink);
PROVISION_DECLARE_RECORD(provision::plan::PutResult);
PROVISION_DECLARE_RECORD(provision::plan::Relabel);
PROVISION_DECLARE_RECORD(provision::plan::IdRange);
PROVISION_DECLARE_RECORD(provision::plan::AccountGroup);
PROVISION_DECLARE_RECORD(provision::plan::AccountUser);
PROVISION_DECLARE_RECORD(provision::plan::WriteAccounts);
PROVISION_DECLARE_RECORD(provision::plan::MakeHome);
PROVISION_DECLARE_RECORD(provision::plan::MakeArray);
PROVISION_DECLARE_RECORD(provision::plan::MakeVolume);
PROVISION_DECLARE_RECORD(provision::plan::PutVolumeKey);
PROVISION_DECLARE_RECORD(provision::plan::BindVolume);
PROVISION_DECLARE_RECORD(provision::plan::SaveRoot);
PROVISION_DECLARE_RECORD(provision::plan::RestoreRoot);
PROVISION_DECLARE_RECORD(provision::plan::SaveLoader);
PROVISION_DECLARE_RECORD(provision::plan::PutLoader);
PROVISION_DECLARE_RECORD(provision::plan::GrowFilesystem);
PROVISION_DECLARE_RECORD(provision::plan::MakeSubvolume);
PROVISION_DECLARE_RECORD(provision::plan::MakeVolumeGroup);
PROVISION_DECLARE_RECORD(provision::plan::MakeLogicalVolume);
PROVISION_DECLARE_RECORD(provision::plan::EnrollVolume);
PROVISION_DECLARE_RECORD(provision::plan::UnpackArchive);

namespace provision::fields {
// {"kind": "put-file", …the operation's fields}
template <>
struct Codec<plan::Operation> : ScalarCodec {
  static void read(const Value& value, plan::Operation& into, Reader& reader);
  static Value write(const plan::Operation& value);
  static bool absent(const plan::Operation& /*value*/) { return false; }
  static void merge(plan::Operation& parent, const plan::Operation& child, Checker* /*checker*/) { parent = child; }
  static Shape shape() { return {Shape::Kind::record, {}, {}}; }
};
}  // namespace provision::fields
