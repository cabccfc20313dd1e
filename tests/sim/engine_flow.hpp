// The engine's own first boot on simulated machines: all stages, in the order of the units.
#pragma once

#include "sim/flow.hpp"

namespace provision::test {

struct EngineSwitches {
  // Off: the executor believes what its calls say.
  bool check_after_apply = true;
  // As where the journal is in memory.
  bool safe_names = false;
};

// "fresh": a blank disk that comes late, two file systems on it, one inside the other, files and units on all of them.
Flow fresh_disk_flow(EngineSwitches switches = {});
// "used": over disks that are in use: a partition that stays, a file system, a table and a file that may be replaced.
Flow used_disks_flow();
// "accounts": users and groups on a root with some: made, changed, removed; homes with what is in /etc/skel; keys.
Flow accounts_flow();
// "forgetful": as "fresh" with the journal in memory, so that after each power cut the plans are made anew.
Flow forgetful_flow();
// "corrected": the first boot gets a config that may not replace what is there, each later one a config that may.
Flow corrected_flow();
// "changed": several disks whose tables change in every way, with file systems of every kind.
Flow changed_disks_flow();
// A config that may not replace what is there.
Flow conflict_flow();

}  // namespace provision::test
