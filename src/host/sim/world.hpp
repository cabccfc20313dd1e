// SPDX-License-Identifier: Apache-2.0
// The state of the simulated machine, to which all seams refer, and the one way to change it.
#pragma once

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/assert.hpp"
#include "base/result.hpp"
#include "host/mounts.hpp"
#include "host/sim/disk.hpp"
#include "host/sim/fault.hpp"
#include "host/sim/machine.hpp"
#include "host/sim/random.hpp"

namespace provision::host::sim {

// A block device as the kernel knows it: a whole disk (number 0) or a partition.
struct Device {
  std::size_t disk = 0;
  std::int64_t number = 0;
  std::string node;
  std::int64_t start = 0;
  std::int64_t sectors = 0;
};

// `device` is nothing for the initramfs itself, and for a tmpfs.
struct MountPoint {
  MountEntry entry;
  std::optional<Device> device;
  bool read_only = false;
  // What of the file system is shown there: a path in it.
  std::string shows = "/";
};

// Where a path leads: a file system and a path in it, whether or not something is there.
struct Place {
  std::size_t mount = 0;
  // The same as a path of this process, without symbolic links.
  std::string full;
  std::string inner;
};

// Where a member of an array lies, under whatever number.
struct MemberPlace {
  std::size_t disk = 0;
  std::int64_t start = 0;
  auto operator<=>(const MemberPlace&) const = default;
};

// Whether a superblock is of the array.
bool is_of(const ArrayMember& superblock, const ArrayMember& identity);

// An array that was made at some time. What it holds is one of World's disks, and stays there when its members are used
// for something else: it shows through in the next array that is made on the same places.
struct Array {
  // As its members tell of it.
  ArrayMember identity;
  std::size_t content = 0;
  // The devices, then the spares.
  std::vector<MemberPlace> places;
  // While it is assembled, which it never stays over a boot: "/dev/md127", the name it was given, and its members.
  std::string node;
  std::string link;
  std::vector<Device> held;
};

// How many of its devices are not among these.
std::int64_t missing(const Array& array, const std::vector<Device>& members);

// An encrypted volume that was made at some time. What it holds is one of World's disks. Once another header takes the
// place of its own nobody reads that again.
struct Volume {
  std::size_t content = 0;
  MemberPlace place;
  std::string uuid;
  // While it is open, which it never stays over a boot: "data", "/dev/dm-0", and the device that it lies on.
  std::string name;
  std::string node;
  std::optional<Device> held;
};

// A logical volume. What it holds is one of World's disks, and shows through in the next one that is made on the same
// extents.
struct LogicalVolume {
  std::string name;
  std::string type;
  std::int64_t bytes = 0;
  std::int64_t stripes = 1;
  std::string pool;
  // Extents of the group.
  std::int64_t extents = 0;
  std::size_t content = 0;
  // While it is active, which it never stays over a boot: "/dev/dm-0".
  std::string node;
};

struct PhysicalVolume {
  std::string uuid;
  // Nothing: it was lost before this machine.
  std::optional<MemberPlace> place;
};

// A volume group that was made at some time. It is there as long as one of its physical volumes is.
struct VolumeGroup {
  std::string name;
  std::string uuid;
  std::vector<PhysicalVolume> physical;
  std::vector<LogicalVolume> logical;
};

// Who has a device.
struct Use {
  Device device;
  // A mount point, "the RAID array md127 (raid1)", "the encrypted volume data".
  std::string user;
};

// "ro" of "noatime,ro".
bool has_option(std::string_view options, std::string_view wanted);

class World {
 public:
  World(const MachineSpec& spec, FaultPlan plan);

  // --- Seeing

  [[nodiscard]] const MachineSpec& spec() const { return spec_; }
  [[nodiscard]] std::chrono::milliseconds uptime() const { return uptime_; }
  [[nodiscard]] const std::vector<MountPoint>& mounts() const { return mounts_; }
  [[nodiscard]] Disk& disk(const Device& device) { return disks_[device.disk]; }
  // With what arrays and volumes hold, also those that are not assembled or open: devices lead only to those that are.
  [[nodiscard]] const std::vector<Disk>& disks() const { return disks_; }
  Gate& gate() { return gate_; }
  Random& random() { return random_; }
  [[nodiscard]] std::string boot_id() const;
  [[nodiscard]] const std::set<std::string>& touched() const { return touched_; }
  // What the TPM was extended by in this boot.
  [[nodiscard]] const std::vector<std::string>& measured() const { return measured_; }

  // The device that a name leads to now; names under /dev/disk/ too.
  [[nodiscard]] std::optional<Device> find(const DeviceRef& ref) const;
  [[nodiscard]] std::optional<Device> find(std::string_view path) const;
  // By a kernel's or an array's name also one that the kernel does not know yet, or never does.
  [[nodiscard]] std::optional<Device> find_extent(std::string_view name) const;
  [[nodiscard]] std::vector<Use> uses() const;
  // Those of a device and of its partitions.
  [[nodiscard]] std::vector<std::string> users(const Device& device) const;

  [[nodiscard]] const std::vector<Array>& arrays() const { return arrays_; }
  // The array of which a disk is the content.
  [[nodiscard]] const Array* array_of(std::size_t disk) const;
  // The assembled array that has the device as a member.
  [[nodiscard]] const Array* holder(const Device& member) const;
  // Which of arrays() can be assembled of these, which are all members of it; nothing if none can.
  [[nodiscard]] std::optional<std::size_t> find_array(const Uuid& uuid, const std::vector<Device>& members) const;

  [[nodiscard]] const std::vector<Volume>& volumes() const { return volumes_; }
  // The volume of which a disk is the content.
  [[nodiscard]] const Volume* volume_of(std::size_t disk) const;
  // The one that is open under the name.
  [[nodiscard]] const Volume* open_volume(std::string_view name) const;
  // The device's LUKS header; nothing if it has none.
  [[nodiscard]] Luks* luks(const Device& device);
  [[nodiscard]] const Luks* luks(const Device& device) const;
  // Whether a header made so leaves room for data.
  [[nodiscard]] bool has_room(const Device& device, const LuksFormat& format) const;

  [[nodiscard]] const std::vector<VolumeGroup>& groups() const { return groups_; }
  // Those of which a physical volume is there.
  [[nodiscard]] std::vector<const VolumeGroup*> living_groups() const;
  [[nodiscard]] bool is_there(const PhysicalVolume& physical) const;
  // The group, living or not, that has the disk as the content of a logical volume, and that volume.
  [[nodiscard]] std::pair<const VolumeGroup*, const LogicalVolume*> logical_of(std::size_t disk) const;
  // The device of a physical volume as the kernel has it now.
  [[nodiscard]] std::optional<Device> device_at(const MemberPlace& place) const;
  [[nodiscard]] std::int64_t extents_of(const VolumeGroup& group) const;

  // `path` in `root`, with the links on the way followed but never out of the root, and not the last component.
  // Errors are those of the system call: ENOENT, ENOTDIR, ELOOP.
  [[nodiscard]] Result<Place> place(std::string_view root, std::string_view path);
  [[nodiscard]] FileSystem& files(const Place& place) { return file_system_of(mounts_[place.mount]); }
  [[nodiscard]] const Entry* entry(const Place& place);

  // --- Changing, for the seams only and only inside mutate()

  void wait(std::chrono::milliseconds time) { uptime_ += time; }
  void touch(std::string target) { touched_.insert(std::move(target)); }
  // Makes a file system durable, with the mkfs that made it.
  void sync(const Place& place);
  void mount(MountPoint point) { mounts_.push_back(std::move(point)); }
  // A tmpfs, which is empty when it is mounted.
  void mount_memory(std::string target);
  // What the members' superblocks say is durable at once; `events` says whether the array was ever started.
  void write_superblocks(const ArrayMember& identity, const std::vector<Device>& members);
  // A blank array, or what was on just these places under a new identity. The index in arrays().
  std::size_t add_array(const ArrayMember& identity, const std::vector<Device>& members);
  void assemble(std::size_t array, std::string link, const std::vector<Device>& members);
  void disassemble(const Device& array);
  // Whoever has the header's key sees a blank.
  void encrypt(const Device& device, Luks header);
  void encrypt_midway(const Device& device, Luks header);
  // Of a device that has a header.
  void open_volume(const Device& device, const std::string& name);
  void close_volume(std::string_view name);
  // A physical volume, durable at once. A group that had another there has lost that.
  void make_physical(const Device& device, const std::string& uuid);
  void make_group(const std::string& name, const std::vector<Device>& devices);
  // Blank, or with what one of the same size and type held in a group that was on the same devices.
  void make_logical(const std::string& group, LogicalVolume made);
  void set_active(const std::string& group, std::string_view volume, bool active);
  // Numbers for keys, which disturb no other chance.
  Random& key_random() { return key_random_; }
  void measure(std::string event) { measured_.push_back(std::move(event)); }
  void unmount(std::size_t index) { mounts_.erase(mounts_.begin() + static_cast<std::ptrdiff_t>(index)); }

  // --- Between boots, for SimHost

  void set_fw_cfg(const std::string& name, std::string bytes) { spec_.fw_cfg[name] = std::move(bytes); }
  // Everything is written back, in good order.
  void settle();
  // Power off and on: what was not settled is lost as `loss` says, and the distro's initramfs starts anew.
  void restart(Loss loss);
  // What the distro's initramfs mounts behind the stage `disks`.
  void mount_late() { mount_by_os(true); }

 private:
  [[nodiscard]] std::optional<Device> find_link(std::string_view path) const;
  [[nodiscard]] bool is_there(std::size_t disk) const;
  [[nodiscard]] std::vector<Device> devices() const;
  [[nodiscard]] bool is_link_of(const Device& device, std::string_view folder, std::string_view name) const;
  [[nodiscard]] FileSystem& file_system_of(const MountPoint& point);
  void mount_by_os(bool late);
  [[nodiscard]] Place locate(const std::string& full) const;
  void start();
  void mount_by_os(const OsMount& wanted);
  void remember(const ArraySpec& spec);
  [[nodiscard]] DiskFacts facts_of(const ArrayMember& identity, const std::vector<Device>& members) const;
  void assemble_by_os(const ArraySpec& wanted);
  [[nodiscard]] std::string kernel_node(std::size_t disk) const;
  [[nodiscard]] std::string free_array_node() const;
  [[nodiscard]] std::vector<Device> members_of(const Uuid& uuid) const;
  void remember(const VolumeSpec& spec);
  void open_by_os(const VolumeSpec& wanted);
  Luks add_volume(const Device& device, Luks header, const std::optional<Content>& content);
  [[nodiscard]] std::string free_volume_node() const;
  void remember(const VolumeGroupSpec& spec);
  void activate_by_os(const VolumeGroupSpec& wanted);
  // Each physical volume is taken to have a part of it.
  void add_uses(const VolumeGroup& group, const LogicalVolume& volume, std::vector<Use>& found) const;
  [[nodiscard]] VolumeGroup* group_named(const std::string& name);

  MachineSpec spec_;
  std::vector<Disk> disks_;
  std::vector<Array> arrays_;
  std::vector<Volume> volumes_;
  std::vector<VolumeGroup> groups_;
  FileSystem initramfs_;
  // By where they are mounted.
  std::map<std::string, FileSystem> memory_;
  std::vector<MountPoint> mounts_;
  std::chrono::milliseconds uptime_{0};
  Random random_;
  Random key_random_;
  Gate gate_;
  std::set<std::string> touched_;
  std::vector<std::string> measured_;
};

// What a call answers when it fails by plan, and when it lies.
template <class T>
struct Answers {
  Result<T> failed;
  Result<T> lied;
};

// The one way to change the world: `whole` is the call's effect, `half` what there is of it when the power goes midway.
template <class T, class Whole, class Half>
Result<T> mutate(World& world, std::string_view name, std::string_view target, Answers<T> answers, Whole whole,
                 Half half) {
  Gate& gate = world.gate();
  const Verdict verdict = gate.enter(name, target);
  switch (verdict) {
    case Verdict::fail:
      return std::move(answers.failed);
    case Verdict::lie:
      return std::move(answers.lied);
    case Verdict::cut_before:
      gate.cut();
    case Verdict::cut_midway:
      half();
      gate.cut();
    case Verdict::proceed:
    case Verdict::cut_after:
      break;
  }
  Result<T> result = whole();
  if (verdict == Verdict::cut_after) {
    gate.cut();
  }
  return result;
}

// The same for the calls that answer nothing.
template <class Whole, class Half>
Result<void> mutate(World& world, std::string_view name, std::string_view target, Whole whole, Half half) {
  Answers<void> answers{
      Error(Code::io, std::string("simulated failure of ") + std::string(name) + " " + std::string(target), EIO), {}};
  return mutate<void>(world, name, target, std::move(answers), std::move(whole), std::move(half));
}

// What fsck, gdisk -v and a person would find wrong with the disks: empty is good.
std::vector<std::string> check(const World& world);

// The durable state as canonical text, a line for each thing. Below each of `ignored` ("/dev/vda1:/provision") nothing
// is shown.
std::string snapshot(const World& world, const std::vector<std::string>& ignored);

}  // namespace provision::host::sim
