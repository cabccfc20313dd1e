// SPDX-License-Identifier: Apache-2.0
#include "host/linux/whole_disks.hpp"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "base/path.hpp"
#include "base/text.hpp"
#include "host/linux/block_device.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {
namespace {

// sysfs counts all sizes in these.
constexpr std::int64_t sysfs_sector = 512;

std::int64_t number_at(const std::string& path) {
  const std::string text = kernel_text(path);
  std::int64_t number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

// What the kernel makes up is below /sys/devices/virtual; but there is also the one disk of several ways to an NVMe
// namespace (kernel: drivers/nvme/host/multipath.c).
bool is_made_up(std::string_view sysfs) {
  return sysfs.starts_with("/sys/devices/virtual/") && sysfs.find("/nvme-subsystem/") == std::string_view::npos;
}

// virtio_blk has none. SCSI and NVMe; MMC.
std::string model_of(const std::string& sysfs) {
  for (const char* place : {"/device/model", "/device/name"}) {
    const std::string text = kernel_text(sysfs + place);
    if (!text.empty()) {
      return printable(trim(text));
    }
  }
  return {};
}

std::string multipath_of(const BlockDevice& disk) {
  for (const auto& holder : holders_of(disk)) {
    const std::string map = disk.sysfs + "/holders/" + holder + "/dm/";
    if (kernel_text(map + "uuid").starts_with("mpath-")) {
      return kernel_text(map + "name");
    }
  }
  return {};
}

std::string unfit_for_selection(const BlockDevice& disk) {
  if (number_at(disk.sysfs + "/ro") != 0) {
    return "is read-only";
  }
  const std::string multipath = multipath_of(disk);
  return multipath.empty() ? multipath : "is a path of the multipath device " + printable(multipath);
}

// One component of a path in sysfs, where it tells by itself.
std::string_view transport_shown_by(std::string_view component) {
  using Row = std::pair<std::string_view, std::string_view>;
  constexpr std::array<Row, 4> numbered{{{"ata", "sata"}, {"session", "iscsi"}, {"usb", "usb"}, {"mmc", "mmc"}}};
  constexpr std::array<Row, 5> named{
      {{"nvme-subsystem", "nvme"}, {"nvme", "nvme"}, {"end_device-", "sas"}, {"rport-", "fc"}, {"vbd-", "xen"}}};
  for (const auto& [prefix, transport] : numbered) {
    if (is_numbered(component, prefix)) {
      return transport;
    }
  }
  for (const auto& [name, transport] : named) {
    if (component == name || (name.ends_with('-') && component.starts_with(name))) {
      return transport;
    }
  }
  return {};
}

WholeDisk seen(const BlockDevice& disk) {
  WholeDisk view;
  view.node = disk.node;
  view.facts.sector_size = std::max<std::int64_t>(number_at(disk.sysfs + "/queue/logical_block_size"), sysfs_sector);
  view.facts.sectors = number_at(disk.sysfs + "/size") * sysfs_sector / view.facts.sector_size;
  view.facts.serial = serial_of(disk.sysfs);
  view.facts.wwn = wwn_of(disk.sysfs);
  view.facts.hardware_path = hardware_path(disk.sysfs);
  view.model = model_of(disk.sysfs);
  view.transport = transport_of(disk.sysfs);
  view.unfit = unfit_for_selection(disk);
  return view;
}

}  // namespace

std::string transport_of(std::string_view sysfs) {
  // The nearest to the disk counts: a USB bridge to a SATA disk shows USB alone.
  auto components = split(sysfs, '/');
  std::reverse(components.begin(), components.end());
  for (const auto component : components) {
    if (const std::string_view shown = transport_shown_by(component); !shown.empty()) {
      return std::string(shown);
    }
  }
  const auto any = [&](auto is) { return std::any_of(components.begin(), components.end(), is); };
  if (any([](std::string_view one) { return one.starts_with("target"); })) {
    return "scsi";
  }
  return any([](std::string_view one) { return is_numbered(one, "virtio"); }) ? "virtio" : "";
}

bool is_no_disk(std::string_view name) {
  if (is_numbered(name, "sr") || is_numbered(name, "fd")) {
    return true;
  }
  constexpr std::string_view mmc = "mmcblk";
  return name.starts_with(mmc) && !is_numbered(name, mmc);
}

bool is_udev_idle() { return ::access("/run/udev/queue", F_OK) != 0; }

Result<std::vector<WholeDisk>> look_at_whole_disks() {
  std::vector<WholeDisk> disks;
  for (const auto& disk : TRY(whole_disks())) {
    if (!is_made_up(disk.sysfs) && !is_no_disk(path::name(disk.sysfs))) {
      disks.push_back(seen(disk));
    }
  }
  return disks;
}

}  // namespace provision::host
