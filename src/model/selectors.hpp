// SPDX-License-Identifier: Apache-2.0
// Which disks of a machine the selectors of a config name. Pure, but for check_one_name_each.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/host.hpp"
#include "host/selected_host.hpp"
#include "model/inventory.hpp"
#include "spec/parse.hpp"

namespace provision::model {

// A selector's name, and the one disk that it is.
struct SelectedDisk {
  std::string selector;
  host::WholeDisk disk;
  bool operator==(const SelectedDisk&) const = default;
};

// Why the disk is not the one ("has another serial number"), a few words each; empty: all that is given holds, and the
// disk may be selected.
std::vector<std::string> misfits(const spec::DiskSelector& selector, const host::WholeDisk& disk);

// The disks of all selectors that the config uses, in their order. Errors, each with all that is needed to put it
// right, at the selector's line: device_missing, where no disk fits; bad_config, where several do, or two selectors
// name the same disk.
Result<std::vector<SelectedDisk>> select_disks(const spec::Parsed& config, const std::vector<host::WholeDisk>& disks);

// Whether each selector that the config uses has a disk: more need not be waited for, whether that is right or not.
bool all_found(const spec::Config& config, const std::vector<host::WholeDisk>& disks);

// Nothing but a serial number or a WWN is of one disk alone by its make. Where a selector goes by other properties, its
// disk is only known to be the only one when no other has come for so long.
std::chrono::milliseconds quiet_for(const spec::Config& config);

// The same disk, whatever node it has now: by serial number and WWN, or, where it has neither, by its place in the
// hardware; and of the same size.
bool is_same_disk(const host::WholeDisk& one, const host::WholeDisk& other);

// For people: "/dev/sdb (model "X", serial "Y", sata, 476940 MiB)".
std::string describe(const host::WholeDisk& disk);

host::SelectedNodes nodes_of(const std::vector<SelectedDisk>& selected);

// A host on which the config's paths by selectors lead to disks, of those that are there now; nobody is waited for.
// Both must outlive it.
host::SelectedHost selected_host(const host::Host& host, const spec::Parsed& config);

// A disk that a selector finds, or a partition of it, has no other name in the config: two entries would plan for one
// disk without knowing of each other. bad_config, at the later one.
Result<void> check_one_name_each(host::Host& host, const spec::Parsed& config);

}  // namespace provision::model

PROVISION_DECLARE_RECORD(provision::model::SelectedDisk);
