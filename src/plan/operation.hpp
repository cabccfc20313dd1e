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
  bool operator==(const PutFile&) const = default;
};

// Writes the unit's file, or masks it by a link to /dev/null.
struct PutUnit {
  std::string name;
  Contents contents;
  bool masked = false;
  bool operator==(const PutUnit&) const = default;
};

using Operation = std::variant<WriteTable, MakeFilesystem, Mount, PutFile, PutUnit>;

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

Result<void> apply(Work& work, const WriteTable& operation);
Result<void> apply(Work& work, const MakeFilesystem& operation);
Result<void> apply(Work& work, const Mount& operation);
Result<void> apply(Work& work, const PutFile& operation);
Result<void> apply(Work& work, const PutUnit& operation);

void predict(model::Inventory& inventory, const WriteTable& operation);
void predict(model::Inventory& inventory, const MakeFilesystem& operation);
void predict(model::Inventory& inventory, const Mount& operation);
void predict(model::Inventory& inventory, const PutFile& operation);
void predict(model::Inventory& inventory, const PutUnit& operation);

std::string describe(const WriteTable& operation);
std::string describe(const MakeFilesystem& operation);
std::string describe(const Mount& operation);
std::string describe(const PutFile& operation);
std::string describe(const PutUnit& operation);

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
