// SPDX-License-Identifier: Apache-2.0
#include "stages/root.hpp"

#include <array>
#include <utility>
#include <vector>

#include "base/path.hpp"
#include "base/text.hpp"
#include "plan/kept_names.hpp"
#include "plan/loaders.hpp"
#include "plan/operations/kept_root.hpp"
#include "plan/operations/loader.hpp"
#include "stages/sources.hpp"

namespace provision::stages {
namespace {

// Links of udev's that say the same as the names that fstab has.
constexpr std::array<std::pair<std::string_view, std::string_view>, 4> links{{
    {"/dev/disk/by-label/", "LABEL="},
    {"/dev/disk/by-uuid/", "UUID="},
    {"/dev/disk/by-partlabel/", "PARTLABEL="},
    {"/dev/disk/by-partuuid/", "PARTUUID="},
}};

bool is_named(std::string_view name) {
  if (name.starts_with("/dev/")) {
    return true;
  }
  for (const auto& [link, key] : links) {
    if (name.starts_with(key) && name.size() > key.size()) {
      return true;
    }
  }
  return false;
}

// As the planner has it: a link of udev's that says the same as a name is that name.
std::string as_name(const std::string& name) {
  for (const auto& [link, key] : links) {
    if (name.starts_with(link)) {
      return std::string(key) + name.substr(link.size());
    }
  }
  return name;
}

Result<std::string> kept_entry(std::string_view entry) {
  if (plan::is_loader_kind(entry)) {
    return std::string(entry);
  }
  std::vector<std::string> names;
  for (const auto& name : plan::names_of_kept(entry)) {
    if (name != plan::any_esp && !is_named(name)) {
      return Error(Code::unsupported,
                   "provision.keep= on the kernel command line has \"" + printable(name) +
                       "\", which names no file system: LABEL=, UUID=, PARTLABEL= and PARTUUID= do, paths below /dev, "
                       "and esp. By themselves bios and prep name partitions that have a boot loader");
    }
    names.push_back(as_name(name));
  }
  return join(names, ":");
}

// Of the file system that is mounted there.
Result<void> check_old(host::Host& host, const plan::SaveRoot& save) {
  return plan::with_readable(host, {save.device, save.format, save.id}, plan::places_of(save.kept).before, save.journal,
                             [&](const std::string& path) { return plan::check_fits(host.own, path, save); });
}

// What a mount shows is copied, which is the default subvolume alone: with the others, the device would take away what
// nobody has a copy of.
Result<void> check_is_one_tree(host::Host& host, const plan::SaveRoot& save) {
  if (save.format != "btrfs") {
    return {};
  }
  const std::string node = TRY(host.disks.await(save.device, std::chrono::milliseconds(0)));
  if (TRY(host.mounts.has_subvolumes(node))) {
    return Error(Code::unsupported,
                 plan::kept_words(save.kept, save.root) +
                     " must be kept, and it is a Btrfs that has subvolumes, which cannot be kept: leave it as it is in "
                     "the config, or have it made anew without being kept");
  }
  return {};
}

Result<void> check_keepable(host::Host& host, const plan::SaveRoot& save) {
  TRY(check_is_one_tree(host, save));
  return save.kept.empty() ? Result<void>() : check_old(host, save);
}

// A boot loader that goes elsewhere can be told so.
Result<void> check_loader(host::Host& host, const plan::Plan& plan, const plan::PutLoader& put) {
  if (auto kept = TRY(plan::kept_loader(host.state, put.kept, put.bytes))) {
    TRY(plan::relocated(*std::move(kept), put.from, put.to));
    return {};
  }
  for (const auto& step : plan.steps) {
    const auto* const save = std::get_if<plan::SaveLoader>(&step.operation);
    if (save != nullptr && save->kept == put.kept) {
      auto loader = TRY(plan::read_loader(host.disks, *save));
      TRY(plan::relocated(std::move(loader), put.from, put.to));
    }
  }
  return {};
}

Result<void> check_loaders(host::Host& host, const plan::Plan& plan) {
  for (const auto& step : plan.steps) {
    const auto* const put = std::get_if<plan::PutLoader>(&step.operation);
    if (auto fits = put != nullptr ? check_loader(host, plan, *put) : Result<void>(); !fits) {
      return std::move(fits).error().at(step.origin);
    }
  }
  return {};
}

// The mount that `path` lies in at its top level; empty: none does.
Result<std::string> mount_above(host::Mounts& mounts, const std::string& path) {
  for (const auto& entry : TRY(mounts.list())) {
    if (entry.target == path::parent(path)) {
      return entry.target;
    }
  }
  return std::string();
}

}  // namespace

Result<model::JournalPlace> journal_place(host::Host& host, const FirstBoot& first_boot, const std::string& stamp) {
  model::JournalPlace place;
  // A disk GUID is of a disk, and not of the file system that is made anew. Where the stamp alone tells, a boot that
  // comes while there is none would be no first boot.
  if (first_boot.device.empty() || first_boot.stamp_is_disk_guid || !first_boot.asked_for) {
    return place;
  }
  place.mount = TRY(mount_above(host.mounts, first_boot.state_path));
  if (place.mount.empty()) {
    return place;
  }
  place.directory = path::name(first_boot.state_path);
  place.stamp = path::is_within(stamp, place.mount) && stamp != place.mount ? stamp.substr(place.mount.size() + 1) : "";
  place.name = as_name(first_boot.device);
  return place;
}

Result<std::string> root_to_keep(host::Firmware& firmware) {
  const std::string line = TRY(firmware.command_line());
  const auto asked = kernel_argument(line, "provision.root=");
  if (!asked) {
    return std::string();
  }
  if (*asked != "keep") {
    return Error(Code::unsupported, "provision.root=" + printable(*asked) +
                                        " on the kernel command line is not known: keep is the only value");
  }
  std::string name = kernel_argument(line, "root=").value_or("");
  // As dracut has it.
  if (constexpr std::string_view block = "block:"; name.starts_with(block)) {
    name.erase(0, block.size());
  }
  if (!is_named(name)) {
    return Error(Code::unsupported,
                 "provision.root=keep on the kernel command line needs the root file system's name "
                 "there as well, such as root=LABEL=ROOT");
  }
  return as_name(name);
}

Result<std::vector<std::string>> others_to_keep(host::Firmware& firmware) {
  const std::string line = TRY(firmware.command_line());
  std::vector<std::string> entries;
  const auto asked = kernel_argument(line, "provision.keep=");
  for (const auto entry : asked ? split(*asked, ',') : std::vector<std::string_view>{}) {
    entries.push_back(TRY(kept_entry(entry)));
  }
  return entries;
}

Result<void> check_saving(host::Host& host, const plan::Plan& plan) {
  TRY(check_loaders(host, plan));
  for (const auto& step : plan.steps) {
    const auto* const save = std::get_if<plan::SaveRoot>(&step.operation);
    if (save == nullptr) {
      continue;
    }
    const plan::Places places = plan::places_of(save->kept);
    const auto state = TRY(plan::root_state_on(host, {save->device, save->format, save->id}, places, save->journal));
    if (state == plan::RootState::empty) {
      return plan::root_is_lost(save->kept, save->root).at(step.origin);
    }
    if (auto keepable = check_keepable(host, *save); !keepable) {
      return std::move(keepable).error().at(step.origin);
    }
  }
  return {};
}

Result<void> check_root(Context& context, const spec::Parsed& /*config*/, const run::Journal& /*journal*/,
                        bool /*begun*/) {
  const std::string name = TRY(root_to_keep(context.host.firmware));
  const std::string copy = plan::places_of({}).copy;
  if (name.empty() || TRY(plan::root_state(context.host.target, "/", copy)) == plan::RootState::whole) {
    return {};
  }
  return plan::root_is_lost({}, name);
}

}  // namespace provision::stages
