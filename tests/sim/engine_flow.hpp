// The engine's own first boot on simulated machines: all stages, in the order of the units.
#pragma once

#include "sim/flow.hpp"

namespace provision::test {

struct EngineSwitches {
  // Off: the executor believes what its calls say.
  bool check_after_apply = true;
  // On: a disk is known by its disk GUID, which is written anew with its table.
  bool disks_by_guid = false;
  // Off: the distribution clears the stamp, some time after our last stage.
  bool stamp_is_ours = true;
  // On: the journal is in memory.
  bool forgets = false;
};

// "fresh": a blank disk that comes late, two file systems on it, one inside the other, files and units on all of them.
Flow fresh_disk_flow(EngineSwitches switches = {});
// "selected": disks that the config selects by what they are, one of which comes late.
Flow selected_flow();
// "distro": a short one, whose stamp the distribution clears afterwards: the power may go between the two.
Flow distro_flow();
// "used": over disks that are in use: a partition that stays, a file system, a table and a file that may be replaced.
Flow used_disks_flow(EngineSwitches switches = {});
// "accounts": users and groups on a root with some: made, changed, removed; homes with what is in /etc/skel; keys.
Flow accounts_flow();
// "forgetful": as "fresh" with the journal in memory, so that after each power cut the plans are made anew.
Flow forgetful_flow();
// "forgetful-accounts": new users and groups with the journal in memory.
Flow forgetful_accounts_flow();
// "corrected": the first boot gets a config that may not replace what is there, each later one a config that may.
Flow corrected_flow();
// "changed": several disks whose tables change in every way, with file systems of every kind.
Flow changed_disks_flow();
// "started-over": the first boot's config fails half way, each later one brings another config, and the kernel command
// line says to start over: in the end nothing of the first one is there.
Flow started_over_flow();
// "corrected-late": the first boot's config fails half way; each later one brings it corrected, and says itself that
// what is done stays.
Flow corrected_late_flow();
// "arrays": RAID arrays of partitions and of disks, and one of those arrays, with a file system on it.
Flow arrays_flow(EngineSwitches switches = {});
// "forgetful-arrays": the same with the journal in memory.
Flow forgetful_arrays_flow();
// "volumes": encrypted volumes on a partition and on an array that are made, with file systems in them; one that stays
// with what it holds; and one that is made anew. Keys of the config, a fetched one, and one that is made by chance.
Flow volumes_flow();
// "forgetful-volumes": the same with the journal in memory, and so the keys; what this makes may be made anew.
Flow forgetful_volumes_flow();
// "groups": a volume group over one of somebody's, which shows through, with a linear and a thin volume; and another on
// a new partition, with an encrypted volume on its logical one.
Flow groups_flow(EngineSwitches switches = {});
// "forgetful-groups": the same with the journal in memory.
Flow forgetful_groups_flow();
// "given-up": an array, a volume group and a volume that Clevis opens, in tables that are made anew with partitions at
// the same places, and of the same names: nothing of the old ones is set up, and all of them are made anew.
Flow given_up_flow();
// "bound": volumes that Clevis opens in later boots, one of a key that is made by chance.
Flow bound_flow();
// "enrolled": volumes that a TPM opens in later boots: one of a key that is made by chance, with a recovery key, and
// one that was there.
Flow enrolled_flow();
// "cex": volumes whose volume keys CryptoExpress cards protect: one that is made, and one that was there.
Flow cex_flow();
// "forgetful-cex": the same with the journal in memory, and so what is kept of the keys; what this makes may be made
// anew.
Flow forgetful_cex_flow();
// "root": the files of the root go to another disk, and from there to the mirror that takes its place.
// "forgetful-mirror": the same with the journal in memory: then a cut may stop the boots to come, which then change
// nothing.
Flow root_flow(bool forgets);
// "reformatted-root": the root is made anew where it is, and memory keeps its files: a power cut while it does is the
// end of them, and said to be. "forgetful-root": the same with the journal in memory.
Flow reformatted_root_flow(bool forgets);
// "same-root": the same, into a file system with the format, the label and the UUID of the old one.
Flow same_root_flow();
// "kept": two new EFI system partitions and a boot partition get the files of the old ones; another disk keeps them
// meanwhile. "forgetful-kept": the same with the journal in memory.
Flow kept_flow(bool forgets);
// "kept-in-memory": an EFI system partition is made anew where it is, and memory keeps its files.
Flow kept_in_memory_flow();
// "moved-journal": the boot partition, which has the stamp and the journal, is made anew where it is; memory keeps all.
// "moved-journal-kept-on-disk": memory keeps the journal, and another disk the files.
Flow moved_journal_flow(bool on_disk);
// "loaders": a BIOS boot partition and a PReP partition, whose boot loaders go to other places and to another disk.
Flow loaders_flow();
// "subvolumes": a new Btrfs with subvolumes that are mounted one in the other, and one of before, whose subvolume stays
// with what is in it and becomes the default.
Flow subvolumes_flow();
// "archives": one that is fetched and unpacked into a new directory, with a file of the config in it; and one that
// replaces what is in a directory of before, and stays out of the rest.
Flow archives_flow(EngineSwitches switches = {});
// "forgetful-archives": the same with the journal in memory.
Flow forgetful_archives_flow();
// A config that may not replace what is there.
Flow conflict_flow();

}  // namespace provision::test
