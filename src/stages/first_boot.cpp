// SPDX-License-Identifier: Apache-2.0
#include "stages/first_boot.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/operations/moved_journal.hpp"
#include "run/journal.hpp"
#include "stages/disk_stamp.hpp"
#include "stages/hooks.hpp"

namespace provision::stages {
namespace {

using Stamp = Evidence::Stamp;
using Record = Evidence::Record;

// Beside the journal: the stamp that the complete first boot had, as another name of the same file.
constexpr std::string_view memory_name = "stamp";
// What udev knows of each device; a line "S:disk/by-label/BOOT" for each link that the device lays claim to.
constexpr std::string_view udev_path = "/run/udev/data";
constexpr std::size_t max_udev_bytes = std::size_t{1} << 20U;
constexpr std::string_view by_name = "/dev/disk/by-";

std::string memory_path(const Context& context) { return path::join(context.first_boot.state_path, memory_name); }

void tell(Context& context, const std::string& text) { context.listener.on({run::Event::Kind::notice, {}, text, {}}); }

// --- What there is

Result<Record> record_of(Context& context) {
  const run::Journal journal = TRY(run::Journal::open(context.host.state));
  if (!journal.begun()) {
    return Record::none;
  }
  if (journal.complete()) {
    return Record::complete;
  }
  constexpr std::array<std::string_view, 3> lasting{"disks", "mount", "files"};
  const bool all = std::all_of(lasting.begin(), lasting.end(), [&](std::string_view name) {
    const run::StageHistory* const stage = journal.stage(std::string(name));
    return stage != nullptr && !stage->done_in.empty();
  });
  return all ? Record::all_done : Record::begun;
}

// As long as the file has another name, no file that is made anew is the same.
Result<bool> is_renewed(Context& context) {
  host::Files& own = context.host.own;
  const std::string memory = memory_path(context);
  if (context.first_boot.stamp_is_ours || !TRY(own.look(memory))) {
    return false;
  }
  const bool same = TRY(own.is_same(context.stamp, memory));
  return !same;
}

Result<Stamp> stamp_of(Context& context, Record record) {
  if (context.first_boot.stamp_is_disk_guid) {
    return look_at_disk_guid(context, record);
  }
  if (context.stamp.empty()) {
    return Stamp::unknown;
  }
  if (!TRY(context.host.own.look(context.stamp))) {
    return Stamp::absent;
  }
  const bool renewed = TRY(is_renewed(context));
  return renewed ? Stamp::renewed : Stamp::present;
}

Result<Evidence> gather(Context& context) {
  Evidence evidence;
  evidence.asked_for = context.first_boot.asked_for;
  evidence.stamp_is_ours = context.first_boot.stamp_is_ours;
  evidence.record = TRY(record_of(context));
  evidence.stamp = TRY(stamp_of(context, evidence.record));
  return evidence;
}

// --- Who else has the name

std::string sys_path(host::Files& own, const std::string& number) {
  const auto node = own.look("/sys/dev/block/" + number);
  return node && *node ? path::clean(path::join("/sys/dev/block", (*node)->target)) : std::string();
}

// A part of a RAID or one of several ways to a disk has the names of the whole, and is not what anybody means.
bool is_part_of_another(host::Files& own, const std::string& device) {
  if (device.empty()) {
    return false;
  }
  const auto held = [&](const std::string& path) {
    const auto holders = own.list(path::join(path, "holders"));
    return holders && !holders->empty();
  };
  return held(device) || held(path::parent(device));
}

Result<std::vector<std::string>> devices_named(host::Files& own, const std::string& link) {
  std::vector<std::string> devices;
  if (!TRY(own.look(udev_path))) {
    return devices;
  }
  for (const auto& name : TRY(own.list(udev_path))) {
    const auto text =
        name.starts_with('b') ? own.read(path::join(udev_path, name), max_udev_bytes) : Result<std::string>(Error{});
    const auto lines = text ? split(*text, '\n') : std::vector<std::string_view>();
    if (std::find(lines.begin(), lines.end(), "S:" + link) == lines.end()) {
      continue;
    }
    const std::string device = sys_path(own, name.substr(1));
    if (!is_part_of_another(own, device)) {
      devices.push_back(device.empty() ? name.substr(1) : "/dev/" + std::string(path::name(device)));
    }
  }
  return devices;
}

// An old disk that is still attached, or a copy of this one, has the same names.
Result<void> check_alone(Context& context) {
  const std::string& device = context.first_boot.device;
  if (!device.starts_with(by_name)) {
    return {};
  }
  const auto devices = TRY(devices_named(context.host.own, device.substr(std::string_view("/dev/").size())));
  // A Btrfs of several devices is one file system.
  if (devices.size() < 2 || TRY(context.host.disks.probe({device, {}, 0})).type == "btrfs") {
    return {};
  }
  std::string list;
  for (const auto& one : devices) {
    list += (list.empty() ? "" : ", ") + one;
  }
  return Error(Code::device_missing, "more than one device is " + device + ": " + list +
                                         ". One of them is not of this machine: take it away, or give it another "
                                         "name");
}

// --- The decision

Result<Verdict> look_without_writing(Context& context) {
  host::Host& host = context.host;
  const std::string& device = context.first_boot.device;
  const host::Signature signature = TRY(host.disks.probe({device, {}, 0}));
  if (signature.type.empty() || signature.ambivalent) {
    return Error(Code::io, "there is no file system on " + device + ", or more than one");
  }
  const std::string node = TRY(host.disks.await({device, {}, 0}, std::chrono::milliseconds(0)));
  TRY(make_own_directory(host.own, std::string(look_path)));
  TRY(host.mounts.mount(node, look_path, signature.type, context.first_boot.read_only_options(signature.type)));
  const Result<Evidence> evidence = gather(context);
  TRY(host.mounts.unmount(look_path));
  return evidence ? Result<Verdict>(judge(*evidence)) : evidence.error();
}

Result<void> mark(Context& context, const std::string& why) {
  tell(context, why);
  TRY(make_own_directory(context.host.own, path::parent(not_first_boot_path)));
  return context.host.own.replace(not_first_boot_path, why + "\n", 0644, {});
}

std::string words(Context& context, Verdict verdict) {
  if (verdict == Verdict::none) {
    return "this is no first boot: " + context.first_boot.device +
           " has neither the stamp nor a first boot in progress";
  }
  const std::string text = "this first boot was complete; ";
  if (context.first_boot.stamp_is_disk_guid) {
    return text + "its disk has a GUID of its own, and nothing runs again";
  }
  if (!context.stamp.empty() && context.first_boot.stamp_is_ours) {
    return text + "its stamp is gone, and nothing runs again. To provision once more, make the stamp anew";
  }
  return text + "the distribution has yet to clear its stamp, and nothing runs again. To provision once more, remove " +
         "the file provision/journal of " + context.first_boot.device;
}

// Not seeing something is no sign of anything.
Error unknown(Error error, const std::string& device) {
  error.what =
      "it is not known whether this is a first boot, so nothing was done (to start the system without "
      "provisioning it, boot with the kernel argument provision.firstboot=0): " +
      error.what;
  return std::move(error).while_("asking " + device + " whether this is a first boot");
}

Result<void> ask(Context& context) {
  TRY(context.host.disks.await({context.first_boot.device, {}, 0}, context.patience));
  TRY(check_alone(context));
  if (context.first_boot.asked_for) {
    return {};
  }
  const Verdict verdict = TRY(look_without_writing(context));
  return verdict == Verdict::first ? Result<void>() : mark(context, words(context, verdict));
}

}  // namespace

Verdict judge(const Evidence& evidence) {
  const bool there = evidence.stamp == Stamp::present || evidence.stamp == Stamp::renewed;
  switch (evidence.record) {
    case Record::complete:
      // One of ours is gone by then, so that whatever is there is new.
      return (evidence.stamp_is_ours ? there : evidence.stamp == Stamp::renewed) ? Verdict::first : Verdict::over;
    case Record::all_done:
      return evidence.stamp_is_ours && evidence.stamp == Stamp::absent ? Verdict::over : Verdict::first;
    case Record::begun:
      return Verdict::first;
    case Record::none:
      break;
  }
  return there || evidence.asked_for ? Verdict::first : Verdict::none;
}

Result<void> decide(Context& context, run::StageReport& /*report*/) {
  // What has its journal moved was asked for before, and goes on.
  if (context.first_boot.device.empty() || TRY(plan::has_journal_moved(context.host))) {
    return {};
  }
  const auto asked = ask(context);
  return asked ? asked : unknown(asked.error(), context.first_boot.device);
}

Result<bool> is_no_first_boot(Context& context) {
  if (context.first_boot.device.empty()) {
    return false;
  }
  const Verdict verdict = judge(TRY(gather(context)));
  if (verdict == Verdict::first) {
    return false;
  }
  if (verdict == Verdict::over) {
    TRY(finish_completion(context));
  }
  TRY(mark(context, words(context, verdict)));
  return true;
}

Result<bool> is_marked_as_no_first_boot(Context& context) {
  if (context.first_boot.device.empty()) {
    return false;
  }
  return TRY(context.host.own.look(not_first_boot_path)).has_value();
}

Result<void> remember_stamp(Context& context) {
  host::Files& own = context.host.own;
  const std::string memory = memory_path(context);
  const auto stamp = TRY(own.look(context.stamp));
  TRY(own.remove(memory));
  // FAT has no second names: there a later stamp is taken for the same one.
  if (stamp && stamp->kind == host::NodeKind::regular && !stamp->attributes_fixed) {
    TRY(own.make_link(memory, {context.stamp, true, {}, host::Over::file}));
  }
  return own.sync(path::parent(memory));
}

}  // namespace provision::stages
