// SPDX-License-Identifier: Apache-2.0
// The disks of the machine as sysfs describes them, for those who look for one by its properties.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/disks.hpp"

namespace provision::host {

// As Disks::whole_disks has them, at this moment. No device is opened.
Result<std::vector<WholeDisk>> look_at_whole_disks();

// From a sysfs directory of a disk, links resolved: one of disk_transports, or empty where it shows none of them.
std::string transport_of(std::string_view sysfs);

// Whether something that the kernel calls so is no disk of its own by its name alone: an optical or floppy drive, a
// boot or other hardware partition of an eMMC, which has the serial number of the whole.
bool is_no_disk(std::string_view name);

// udev has dealt with all that the kernel told it, or does not run.
bool is_udev_idle();

}  // namespace provision::host
