// SPDX-License-Identifier: Apache-2.0
#include "host/linux/block_device.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <climits>
#include <cstdlib>
#include <memory>

#include "base/path.hpp"
#include "base/text.hpp"
#include "host/linux/device_mapper.hpp"
#include "host/linux/mounts.hpp"

namespace provision::host {
namespace {

struct Freed {
  void operator()(char* text) const { std::free(text); }  // NOLINT(cppcoreguidelines-no-malloc)
  void operator()(DIR* directory) const { ::closedir(directory); }
};

// Where a link of sysfs leads. Its links are relative and lead to a directory without a further link; to ask
// realpath(3), which looks at every component, would take ten times as long.
std::string resolved(const std::string& link) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink(link.c_str(), target.data(), target.size());
  return size <= 0 ? std::string()
                   : path::clean(link + "/../" + std::string(target.data(), static_cast<std::size_t>(size)));
}

std::vector<std::string> entries_of(const std::string& directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, Freed> open(::opendir(directory.c_str()));
  while (open) {
    const dirent* entry = ::readdir(open.get());
    if (entry == nullptr) {
      break;
    }
    const std::string name(&entry->d_name[0]);
    if (name != "." && name != "..") {
      names.push_back(name);
    }
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<std::int64_t> kernel_number(const std::string& path) {
  const std::string text = kernel_text(path);
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  return failure == std::errc{} && end == text.data() + text.size() ? std::optional(value) : std::nullopt;
}

bool exists(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

Error missing(std::string sentence, int saved_errno) {
  return {Code::device_missing, std::move(sentence), saved_errno};
}

// "uevent" of a device's sysfs directory holds the name that devtmpfs gives its node.
std::string node_of(const std::string& sysfs) {
  std::string name(path::name(sysfs));
  const std::string uevent = kernel_text(sysfs + "/uevent");
  for (const auto line : split(uevent, '\n')) {
    if (line.starts_with("DEVNAME=")) {
      name = line.substr(line.find('=') + 1);
    }
  }
  return "/dev/" + name;
}

// From a sysfs directory to the device: "dev" holds its number.
Result<BlockDevice> device_of(const std::string& sysfs) {
  const std::string number = kernel_text(sysfs + "/dev");
  const std::size_t colon = number.find(':');
  unsigned major = 0;
  unsigned minor = 0;
  if (colon == std::string::npos) {
    return missing("there is no device at " + sysfs, ENOENT);
  }
  std::from_chars(number.data(), number.data() + colon, major);
  std::from_chars(number.data() + colon + 1, number.data() + number.size(), minor);
  return BlockDevice{node_of(sysfs), makedev(major, minor), sysfs};
}

Result<BlockDevice> device_at(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return missing("there is no device " + path, errno);
  }
  if (!S_ISBLK(status.st_mode)) {
    return missing(path + " is not a block device", 0);
  }
  const std::string number = std::to_string(major(status.st_rdev)) + ":" + std::to_string(minor(status.st_rdev));
  const std::string sysfs = resolved("/sys/dev/block/" + number);
  if (sysfs.empty()) {
    return missing("the kernel knows no device " + path + " (" + number + ")", ENXIO);
  }
  return BlockDevice{node_of(sysfs), status.st_rdev, sysfs};
}

// VPD page 80h: four bytes of header, then the serial number in ASCII, padded (SPC-4, 7.8.18).
std::string vpd_serial(const std::string& path) {
  const auto page = read_kernel_file(path, 4096);
  if (!page || !*page || (*page)->size() <= 4) {
    return {};
  }
  const std::string_view text = std::string_view(**page).substr(4);
  return std::string(trim(text.substr(0, text.find('\0'))));
}

// One component, without the numbers that depend on the order of detection. `until` is the path up to it.
std::string settled(std::string_view component, const std::string& until) {
  if (is_numbered(component, "host") || is_numbered(component, "nvme") || is_numbered(component, "mmc")) {
    return std::string(component.substr(0, component.find_first_of("0123456789")));
  }
  if (is_numbered(component, "ata")) {
    const std::string port = kernel_text(until + "/ata_port/" + std::string(component) + "/port_no");
    return port.empty() ? std::string(component) : "ata-port" + port;
  }
  // "target2:0:1" and "2:0:1:0": the host's number leads.
  const std::size_t colon = component.find(':');
  const std::string_view head = component.substr(0, colon);
  const bool address = std::count(component.begin(), component.end(), ':') == 3 && is_numbered(head, "");
  if (colon != std::string_view::npos && (is_numbered(head, "target") || address)) {
    return "scsi" + std::string(component.substr(colon));
  }
  if (colon != std::string_view::npos && is_numbered(head, "mmc")) {
    return "mmc" + std::string(component.substr(colon));
  }
  return std::string(component);
}

// "\040" and the like, as /proc writes blanks in names.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    int value = 0;
    if (text[i] == '\\' && i + 3 < text.size() &&
        std::from_chars(text.data() + i + 1, text.data() + i + 4, value, 8).ptr == text.data() + i + 4) {
      plain += static_cast<char>(value);
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

dev_t number_of_node(const std::string& path) {
  struct stat status {};
  return ::stat(path.c_str(), &status) == 0 && S_ISBLK(status.st_mode) ? status.st_rdev : dev_t{0};
}

bool swapped_on(const std::vector<dev_t>& numbers) {
  const auto table = read_kernel_file("/proc/swaps");
  if (!table || !*table) {
    return false;
  }
  for (const auto line : split(**table, '\n')) {
    const dev_t number = number_of_node(unescaped(line.substr(0, line.find_first_of(" \t"))));
    if (number != 0 && std::find(numbers.begin(), numbers.end(), number) != numbers.end()) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool is_numbered(std::string_view component, std::string_view prefix) {
  return component.size() > prefix.size() && component.starts_with(prefix) &&
         component.find_first_not_of("0123456789", prefix.size()) == std::string_view::npos;
}

// The first of these places that says something. virtio_blk; NVMe and MMC; SCSI and libata.
std::string serial_of(const std::string& sysfs) {
  for (const char* place : {"/serial", "/device/serial"}) {
    const std::string text = kernel_text(sysfs + place);
    if (!text.empty()) {
      return printable(text);
    }
  }
  return printable(vpd_serial(sysfs + "/device/vpd_pg80"));
}

std::string wwn_of(const std::string& sysfs) {
  for (const char* place : {"/wwid", "/device/wwid", "/device/cid"}) {
    const std::string text = kernel_text(sysfs + place);
    if (!text.empty()) {
      return printable(text);
    }
  }
  return {};
}

Result<BlockDevice> find_device(const DeviceRef& device) {
  if (device.number <= 0 || device.disk.empty()) {
    return device_at(device.path);
  }
  const BlockDevice disk = TRY(device_at(device.disk));
  for (auto& partition : TRY(partitions_of(disk))) {
    if (partition.number == device.number) {
      return std::move(partition.device);
    }
  }
  return missing("the kernel knows no partition " + std::to_string(device.number) + " on " + device.disk, ENOENT);
}

Result<BlockDevice> whole_disk(const BlockDevice& device) {
  if (!exists(device.sysfs + "/partition")) {
    return device;
  }
  return device_of(path::parent(device.sysfs));
}

namespace {

// Of a device-mapper device: those maps above it that are partitions of it.
Result<std::vector<KernelPartition>> maps_of(const BlockDevice& disk, const Mapped& mapped) {
  std::vector<KernelPartition> partitions;
  for (const auto& holder : holders_of(disk)) {
    const std::string sysfs = resolved(disk.sysfs + "/holders/" + holder);
    const auto map = mapped_device(sysfs);
    const auto number = map ? partition_number(*map, mapped) : std::nullopt;
    const auto size = kernel_number(sysfs + "/size");
    if (number && size) {
      auto device = TRY(device_of(sysfs));
      partitions.push_back({std::move(device), *number, TRY(start_of_map(map->name)), *size});
    }
  }
  std::sort(partitions.begin(), partitions.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return partitions;
}

// A holder that is a partition of the device is no user of it: who uses the partition is.
bool is_partition_of(const std::string& holder, const BlockDevice& disk) {
  const auto mapped = mapped_device(disk.sysfs);
  const auto map = mapped ? mapped_device(disk.sysfs + "/holders/" + holder) : std::nullopt;
  return map && partition_number(*map, *mapped);
}

}  // namespace

Result<std::vector<BlockDevice>> whole_disks() {
  std::vector<BlockDevice> disks;
  for (const auto& name : entries_of("/sys/block")) {
    const bool in_memory = name.starts_with("loop") || name.starts_with("ram") || name.starts_with("zram");
    if (in_memory || kernel_number("/sys/block/" + name + "/size").value_or(0) == 0) {
      continue;
    }
    if (auto device = device_of(resolved("/sys/block/" + name))) {
      disks.push_back(std::move(*device));
    }
  }
  return disks;
}

Result<std::vector<KernelPartition>> partitions_of(const BlockDevice& disk) {
  if (const auto mapped = mapped_device(disk.sysfs)) {
    return maps_of(disk, *mapped);
  }
  std::vector<KernelPartition> partitions;
  // The kernel names a partition after its disk (bdevname); the many other entries need not be looked into.
  const std::string prefix(path::name(disk.sysfs));
  for (const auto& name : entries_of(disk.sysfs)) {
    const std::string sysfs = disk.sysfs + "/" + name;
    if (!name.starts_with(prefix)) {
      continue;
    }
    const auto number = kernel_number(sysfs + "/partition");
    const auto start = kernel_number(sysfs + "/start");
    const auto size = kernel_number(sysfs + "/size");
    if (!number || !start || !size) {
      continue;
    }
    auto device = device_of(sysfs);
    if (device) {
      partitions.push_back({std::move(*device), *number, *start, *size});
    }
  }
  std::sort(partitions.begin(), partitions.end(), [](const auto& a, const auto& b) { return a.number < b.number; });
  return partitions;
}

Result<Descriptor> open_device(const std::string& node, int flags) {
  // O_NONBLOCK: a drive without a medium, or one that is not ready, must not hold us up.
  Descriptor file(uninterrupted([&] { return ::open(node.c_str(), flags | O_CLOEXEC | O_NONBLOCK); }));
  if (!file.valid()) {
    const int saved = errno;
    const Code code = saved == EBUSY ? Code::device_busy : saved == ENOENT ? Code::device_missing : Code::io;
    return Error(code, "cannot open " + node, saved);
  }
  return file;
}

Result<DiskFacts> disk_facts(const BlockDevice& disk) {
  const BlockDevice whole = TRY(whole_disk(disk));
  const Descriptor file = TRY(open_device(disk.node, O_RDONLY));
  int sector_size = 0;
  std::uint64_t bytes = 0;
  if (::ioctl(file.get(), BLKSSZGET, &sector_size) != 0 || ::ioctl(file.get(), BLKGETSIZE64, &bytes) != 0) {
    return io_error("cannot learn the size of " + disk.node);
  }
  if (sector_size <= 0) {
    return Error(Code::io, disk.node + " has no sector size");
  }
  DiskFacts facts;
  facts.sector_size = sector_size;
  facts.sectors = static_cast<std::int64_t>(bytes) / sector_size;
  facts.serial = serial_of(whole.sysfs);
  facts.wwn = wwn_of(whole.sysfs);
  facts.hardware_path = hardware_path(whole.sysfs);
  return facts;
}

std::string hardware_path(const std::string& sysfs) {
  constexpr std::string_view top = "/sys/devices/";
  if (!sysfs.starts_with(top) || sysfs.starts_with("/sys/devices/virtual/")) {
    return {};
  }
  std::string until = path::parent(top);
  std::vector<std::string> kept;
  for (const auto component : split(std::string_view(sysfs).substr(top.size()), '/')) {
    if (component == "block") {
      break;
    }
    until = path::join(until, component);
    kept.push_back(settled(component, until));
  }
  // An NVMe name space stands below its controller without a "block" between: "…/nvme/nvme0/nvme0n1".
  const std::size_t name_space = kept.size() >= 2 && kept[kept.size() - 2] == "nvme" ? kept.back().rfind('n') : 0;
  if (name_space != 0 && name_space != std::string::npos) {
    kept.back() = kept.back().substr(name_space);
  }
  return join(kept, "/");
}

namespace {

// What a device that stands on another one is, for a person: the kernel's own name of it ("dm-3") tells nothing. The
// kind is in the UUID that its maker gave it (dmsetup(8): LVM-…, CRYPT-…, mpath-…).
std::string holder_words(const std::string& sysfs, const std::string& name) {
  const auto text = [&](std::string_view file) { return std::string(trim(kernel_text(path::join(sysfs, file)))); };
  if (const std::string level = text("md/level"); !level.empty()) {
    return "the RAID array " + name + " (" + printable(level) + ")";
  }
  const std::string mapped = printable(text("dm/name"));
  if (mapped.empty()) {
    return name;
  }
  const std::string uuid = text("dm/uuid");
  constexpr std::array<std::pair<std::string_view, std::string_view>, 3> kinds{{
      {"LVM-", "the logical volume "},
      {"CRYPT-", "the encrypted volume "},
      {"mpath-", "the multipath device "},
  }};
  for (const auto& [prefix, words] : kinds) {
    if (uuid.starts_with(prefix)) {
      return std::string(words) + mapped;
    }
  }
  return "the mapped device " + mapped;
}

}  // namespace

std::vector<std::string> holders_of(const BlockDevice& device) { return entries_of(device.sysfs + "/holders"); }

Result<std::vector<std::string>> users_of(const std::vector<BlockDevice>& devices) {
  std::vector<dev_t> numbers;
  numbers.reserve(devices.size());
  for (const auto& one : devices) {
    numbers.push_back(one.number);
  }
  std::vector<std::string> users;
  for (auto& mount : TRY(kernel_mounts())) {
    const dev_t source = mount.entry.source.starts_with("/dev/") ? number_of_node(mount.entry.source) : dev_t{0};
    if (std::any_of(numbers.begin(), numbers.end(), [&](dev_t n) { return n == mount.device || n == source; })) {
      users.push_back(std::move(mount.entry.target));
    }
  }
  if (swapped_on(numbers)) {
    users.emplace_back("swap");
  }
  for (const auto& one : devices) {
    for (auto& holder : holders_of(one)) {
      if (!is_partition_of(holder, one)) {
        users.push_back(holder_words(one.sysfs + "/holders/" + holder, holder));
      }
    }
  }
  return users;
}

}  // namespace provision::host
