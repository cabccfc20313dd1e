// SPDX-License-Identifier: Apache-2.0
#include "stages/disk_stamp.hpp"

#include "base/path.hpp"
#include "plan/identity.hpp"
#include "run/journal.hpp"

namespace provision::stages {
namespace {

using Stamp = Evidence::Stamp;
using Record = Evidence::Record;

// As the kernel has it: a partition is a directory of its disk's.
Result<host::DeviceRef> disk_of_the_journal(Context& context) {
  host::Files& own = context.host.own;
  const std::string& device = context.first_boot.device;
  const std::string node = TRY(context.host.disks.await({device, {}, 0}, context.patience));
  const std::string name(path::name(node));
  const auto link = TRY(own.look("/sys/class/block/" + name));
  const std::string place = link ? path::clean(path::join("/sys/class/block", link->target)) : std::string();
  const auto number = place.empty() ? std::nullopt : TRY(own.look(path::join(place, "partition")));
  if (!number) {
    return Error(Code::io, device + " is no partition of a disk, so no disk GUID tells whether this is a first boot");
  }
  return host::DeviceRef{"/dev/" + std::string(path::name(path::parent(place))), {}, 0};
}

bool has_guid(const host::Table& table) {
  const bool readable = table.kind == host::TableKind::gpt || table.kind == host::TableKind::damaged;
  return readable && !table.disk_guid.empty();
}

Result<host::Table> table_of(Context& context, const host::DeviceRef& disk) {
  host::Table table = TRY(context.host.disks.read_table(disk));
  if (!has_guid(table)) {
    return Error(Code::io, "there is no GPT on " + disk.path + " whose disk GUID could tell");
  }
  return table;
}

Result<Uuid> own_guid(Context& context, const host::DeviceRef& disk) {
  const run::Journal journal = TRY(run::Journal::open(context.host.state));
  host::Machine machine = TRY(context.host.firmware.machine());
  machine.seed = journal.begun() ? journal.begun()->seed : std::string();
  const Digest config = journal.begun() ? journal.begun()->config : Digest();
  const host::DiskFacts facts = TRY(context.host.disks.facts(disk));
  return plan::Identity{std::move(machine), config}.disk(facts, "provision.stamp");
}

}  // namespace

Result<Stamp> look_at_disk_guid(Context& context, Record record) {
  if (record == Record::begun || record == Record::all_done) {
    return Stamp::unknown;
  }
  const host::DeviceRef disk = TRY(disk_of_the_journal(context));
  const host::Table table = TRY(table_of(context, disk));
  return host::is_placeholder(table.disk_guid) ? Stamp::present : Stamp::absent;
}

// Written also where the GUID is no longer the image's: a power cut may have left the backup copy with it.
Result<void> replace_disk_guid(Context& context) {
  const host::DeviceRef disk = TRY(disk_of_the_journal(context));
  host::Table table = TRY(table_of(context, disk));
  table.kind = host::TableKind::gpt;
  table.grown = false;
  if (host::is_placeholder(table.disk_guid)) {
    table.disk_guid = TRY(own_guid(context, disk));
  }
  TRY(context.host.disks.write_table(disk, table));
  const host::Table now = TRY(context.host.disks.read_table(disk));
  if (now.kind != host::TableKind::gpt || now.disk_guid != table.disk_guid || now.partitions != table.partitions) {
    return Error(Code::not_satisfied, "nothing failed, yet the table of " + disk.path + " is another");
  }
  return {};
}

}  // namespace provision::stages
