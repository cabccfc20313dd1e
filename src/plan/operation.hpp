// SPDX-License-Identifier: Apache-2.0
// The operations: a closed set of idempotent changes. For each there are, found by overload, so that a missing one does
// not compile: observe (is it so already?), apply (make it so), predict (its pure effect on an inventory), describe
// (one sentence), and a few facts about it.
#pragma once

#include <cstdint>
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

// Makes the disk's GPT exactly `table` (entries that stay are in it too).
struct WriteTable {
  host::DeviceRef disk;
  std::int64_t sector_size = 512;
  host::Table table;
  bool operator==(const WriteTable&) const = default;
};

struct MakeFilesystem {
  host::DeviceRef device;
  std::string format;
  std::string label;
  Uuid uuid;
  // Further arguments of the mkfs program, before the device.
  std::vector<std::string> options;
  bool operator==(const MakeFilesystem&) const = default;
};

// Mounts the device at `path` inside the target.
struct Mount {
  host::DeviceRef device;
  std::string path;
  std::string format;
  std::vector<std::string> options;
  bool operator==(const Mount&) const = default;
};

struct PutFile {
  std::string path;
  Contents contents;
  std::int64_t mode = 0644;
  std::int64_t uid = 0;
  std::int64_t gid = 0;
  // This directory and those below it that are missing on the way are made 0700 with the file's owner; those that are
  // there below it must be real ones. Empty: the way is 0755 root.
  std::string private_below{};
  bool operator==(const PutFile&) const = default;
};

// Writes the unit's file, or masks it by a link to /dev/null.
struct PutUnit {
  std::string name;
  Contents contents;
  bool masked = false;
  bool operator==(const PutUnit&) const = default;
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

using Operation = std::variant<WriteTable, MakeFilesystem, Mount, PutFile, PutUnit, WriteAccounts, MakeHome>;

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
};

Result<Observation> observe(host::Host& host, const WriteTable& operation);
Result<Observation> observe(host::Host& host, const MakeFilesystem& operation);
Result<Observation> observe(host::Host& host, const Mount& operation);
Result<Observation> observe(host::Host& host, const PutFile& operation);
Result<Observation> observe(host::Host& host, const PutUnit& operation);
Result<Observation> observe(host::Host& host, const WriteAccounts& operation);
Result<Observation> observe(host::Host& host, const MakeHome& operation);

Result<void> apply(Work& work, const WriteTable& operation);
Result<void> apply(Work& work, const MakeFilesystem& operation);
Result<void> apply(Work& work, const Mount& operation);
Result<void> apply(Work& work, const PutFile& operation);
Result<void> apply(Work& work, const PutUnit& operation);
Result<void> apply(Work& work, const WriteAccounts& operation);
Result<void> apply(Work& work, const MakeHome& operation);

void predict(model::Inventory& inventory, const WriteTable& operation);
void predict(model::Inventory& inventory, const MakeFilesystem& operation);
void predict(model::Inventory& inventory, const Mount& operation);
void predict(model::Inventory& inventory, const PutFile& operation);
void predict(model::Inventory& inventory, const PutUnit& operation);
void predict(model::Inventory& inventory, const WriteAccounts& operation);
void predict(model::Inventory& inventory, const MakeHome& operation);

std::string describe(const WriteTable& operation);
std::string describe(const MakeFilesystem& operation);
std::string describe(const Mount& operation);
std::string describe(const PutFile& operation);
std::string describe(const PutUnit& operation);
std::string describe(const WriteAccounts& operation);
std::string describe(const MakeHome& operation);

// Facts about an operation that the executor goes by.
struct Traits {
  // The path in the target whose file system must be synced before the stage is done; empty: the operation is durable
  // by itself, or leaves nothing that lasts.
  std::string sync_path;
  // What `observe` sees proves that the work is whole. False where a cut in the middle can look whole: then only a
  // record that it was done, or doing it again, counts.
  bool observation_proves = true;
  // Its effect outlives the boot. Where it does not, nothing of an interrupted boot can be in the way.
  bool lasts = true;
};

Traits traits(const WriteTable& operation);
Traits traits(const MakeFilesystem& operation);
Traits traits(const Mount& operation);
Traits traits(const PutFile& operation);
Traits traits(const PutUnit& operation);
Traits traits(const WriteAccounts& operation);
Traits traits(const MakeHome& operation);

// The same for whichever operation it is.
Result<Observation> observe(host::Host& host, const Operation& operation);
Result<void> apply(Work& work, const Operation& operation);
void predict(model::Inventory& inventory, const Operation& operation);
std::string describe(const Operation& operation);
Traits traits(const Operation& operation);
// "write-table", "make-filesystem", …: the operation's name in plans.
std::string_view kind_of(const Operation& operation);

}  // namespace provision::plan

PROVISION_DECLARE_RECORD(provision::plan::Contents);
PROVISION_DECLARE_RECORD(provision::plan::WriteTable);
PROVISION_DECLARE_RECORD(provision::plan::MakeFilesystem);
PROVISION_DECLARE_RECORD(provision::plan::Mount);
PROVISION_DECLARE_RECORD(provision::plan::PutFile);
PROVISION_DECLARE_RECORD(provision::plan::PutUnit);
PROVISION_DECLARE_RECORD(provision::plan::IdRange);
PROVISION_DECLARE_RECORD(provision::plan::AccountGroup);
PROVISION_DECLARE_RECORD(provision::plan::AccountUser);
PROVISION_DECLARE_RECORD(provision::plan::WriteAccounts);
PROVISION_DECLARE_RECORD(provision::plan::MakeHome);

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
