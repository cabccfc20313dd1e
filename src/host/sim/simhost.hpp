// SPDX-License-Identifier: Apache-2.0
// One simulated machine behind the seams of host/.
//
// The fault model: what may break here, and what may not.
//
// *A call may fail.* It returns an error and has had no effect; a program exits with 1. It may fail just this once, or
// everything on its target may be dead from now on. Calls that only look are never made to fail: looking changes
// nothing, so that the engine may do it again.
//
// *A call may lie.* It reports success without effect: a controller with a lying cache, a program that exits with 0. A
// liar lies about one call, not about what is read afterwards. A sync that lies does harm only if the power goes later,
// and against both at once there is no defence.
//
// *The power may go*, before, midway or after a mutating call. What programs see is volatile; what is on the medium is
// durable. Of each file system the medium holds what was last synced, and of the changes since then, which are kept in
// their order, nothing, everything, or some first part: file systems with a journal of their metadata promise that
// order. The *contents* written since are not ordered with the names (delayed allocation): a file may be there with its
// new name and be empty or cut short. Content that was synced, and a name that was synced, are never lost. File systems
// are independent of each other: what was written first on one may be lost while what was written later on another
// stays. Unmounting promises nothing about all this; only sync does. FAT, which promises no order, is not simulated.
//
// *A file is replaced* by a temporary beside it and a rename; a directory is made the same way. A cut may leave the
// temporary, under a name that is always the same for the same place, so that the next attempt replaces it. What takes
// the place of a directory exchanges names with it, and then the old one is removed: a cut may leave that. *An append*
// may come in halves.
//
// *A partition table* is written as libfdisk does it, with an fsync after each part: the copy at the end of the disk,
// the copy at its beginning, the protective boot record; of each copy the entries before the header. A cut midway stops
// it anywhere, within a part too. Then the copies differ, or one is broken that was there before, or there is no boot
// record yet: all that counts as damaged. When write_table has returned, all is durable. The kernel reads the first
// copy at boot, and sees no partition if that is broken or there is no boot record. On a disk that the system runs from
// the firmware has put the other copy in its place by then (UEFI 2.10, 5.3.2: it should, where the platform's policy
// lets it): without such firmware, or "gpt" on the kernel's command line, that machine would not boot at all, and
// nothing of ours would run.
//
// *mkfs* makes a file system that is durable after a flush of the device or a sync of the mounted file system. Until
// then a cut leaves what was there before, a blank, two signatures at once, the new file system, or a *torn* one: it
// has the right UUID and label and can be mounted, and only problems() tells that it was never finished. A cut midway
// in mkfs never leaves a whole one.
//
// *A subvolume* of a Btrfs is made under a name of its own, and has its name when it has all else: a cut midway leaves
// some first part of that. When make_subvolume has returned all is durable, what mkfs made too.
//
// *A vfat* has no journal: a power cut that finds changes on their way damages it. Its files look as those of any other
// file system would, and only problems() tells.
//
// *Wiping* is durable when it returns; midway it leaves the old signature, none, or an ambivalent rest.
//
// *An array* is made by superblocks on its members, each durable when it is written, and started after that: a cut
// midway leaves them on some first members or on all, of an array that was never started and can't be assembled. What
// the array holds is as on a disk: volatile until it is flushed, whatever its members are told. An array that is made
// where one was holds what that one held, until it is wiped. No array stays assembled without power. A member that was
// missing for a while comes back as good as the others: nothing is resynchronized.
//
// *An encrypted volume* is made in steps, each durable: the place of its header is wiped, the header is written, and
// then its key slot. A cut midway leaves what was there before, a blank, a header without a key slot, which nothing
// opens, or the volume. When format has returned all is durable. What it holds is as on a disk: volatile until the
// mapping is flushed, whatever is done to the device below. A new header has a new volume key: what was there before
// can't be read by anybody, and the volume is blank. The flags that a header keeps are written when it is opened: a cut
// midway leaves those of before or of after. No volume stays open without power. Keys are not random here: the seed
// decides them, and no two are the same.
//
// *Mounts, /run and everything else of the initramfs* are gone with the power. The machine's identity, its command
// line and its fw_cfg are the same on each boot; the boot id never is.
//
// What may not break: bytes do not rot, the kernel and the engine's own memory are sound, nobody else writes, and the
// clock never goes back. Sector contents move with their place: a partition that begins at the same sector as before
// holds what it held, under whatever number.
//
// A run is repeated by its seed and its faults alone; see trace().
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/host.hpp"
#include "host/sim/fault.hpp"
#include "host/sim/machine.hpp"
#include "host/sim/seams.hpp"
#include "host/sim/world.hpp"

namespace provision::host::sim {

class SimHost {
 public:
  // The machine has been switched on: its first boot runs.
  explicit SimHost(const MachineSpec& spec, FaultPlan plan = {});

  // References to this object, which must outlive it.
  Host host();

  // After a PowerCut, or pulled just now: what was not synced is lost as `loss` says. A new boot begins.
  void reboot(Loss loss);
  // An orderly reboot: everything is written back first.
  void reboot_orderly();
  // Somebody gives the machine another fw_cfg item, or the same one anew.
  void set_fw_cfg(const std::string& name, std::string bytes) { world_.set_fw_cfg(name, std::move(bytes)); }
  // The distro's initramfs mounts what it mounts behind the stage `disks` (OsMount::late).
  void mount_late() { world_.mount_late(); }
  // What had died works again.
  void repair() { world_.gate().repair(); }

  // --- What tests ask

  // The durable state as canonical text; see snapshot() in world.hpp.
  [[nodiscard]] std::string snapshot(const std::vector<std::string>& ignored = {}) const;
  // What is wrong with the disks: torn file systems, tables of which a copy is broken, overlapping partitions, volumes
  // that no key opens.
  [[nodiscard]] std::vector<std::string> problems() const { return check(world_); }
  // The LUKS header that the device has durably: what opens it, how it was made. Nothing: it has none, or is not
  // there. Also of an array that is not assembled, by the name that it was made under.
  [[nodiscard]] std::optional<Luks> luks(std::string_view device) const;
  // What has been changed since the machine was made: kernel nodes, and paths of this process.
  [[nodiscard]] std::vector<std::string> touched() const;
  // What its TPM was extended by in this boot.
  [[nodiscard]] const std::vector<std::string>& measured() const { return world_.measured(); }
  // The number of this boot, from 1.
  [[nodiscard]] std::size_t boot() { return world_.gate().boot(); }
  // Mutating calls so far, over all boots.
  [[nodiscard]] std::size_t calls() { return world_.gate().calls(); }
  [[nodiscard]] const FaultPlan& plan() { return world_.gate().plan(); }
  // How many of the planned faults have come to pass.
  [[nodiscard]] std::size_t fired() { return world_.gate().fired(); }
  // How many calls went wrong: those, and all on targets that were dead.
  [[nodiscard]] std::size_t disturbed() { return world_.gate().disturbed(); }
  // The seed and the faults as they are given to a test to repeat this run, and each call with what became of it.
  [[nodiscard]] std::string trace();

 private:
  World world_;
  SimFiles target_;
  SimFiles state_;
  SimFiles own_;
  SimDisks disks_;
  SimCrypt crypt_;
  SimMounts mounts_;
  SimProcesses processes_;
  SimClock clock_;
  SimFirmware firmware_;
  SimHttp http_;
  SimFetcher fetcher_;
};

}  // namespace provision::host::sim
