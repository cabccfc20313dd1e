// The engine's own first boot on the simulated machine: all stages, in the order of the units.
#pragma once

#include "sim/flow.hpp"

namespace provision::test {

struct EngineSwitches {
  // Off: the executor believes what its calls say.
  bool check_after_apply = true;
};

// A disk to be partitioned, two file systems on it, one inside the other, and files and units on all of them.
Flow engine_flow(EngineSwitches switches = {});
// The same with the journal in memory: after each power cut the plans are made anew.
Flow engine_flow_without_a_journal();
// The same kind of config over disks that are in use: partitions that stay, a file system and files that may be replaced.
Flow engine_flow_over_old_work();

}  // namespace provision::test
