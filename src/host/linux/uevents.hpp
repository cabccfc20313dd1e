// SPDX-License-Identifier: Apache-2.0
// Waiting for udevd to have dealt with a device.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "host/linux/block_device.hpp"

namespace provision::host {

// Has the kernel announce a change of each device once more, each with a mark of its own (SYNTH_UUID; kernel,
// Documentation/ABI/testing/sysfs-uevent), and waits until udevd has sent every marked event on to its listeners. udevd
// takes the events of one device in their order: so all that it was told of these devices before has been dealt with as
// well. This asks about just these devices, where `udevadm settle` waits for a moment in which nothing at all is
// queued.
//
// True when all were answered; false where no udevd runs, or it does not answer within `patience`. That is no error:
// nodes are the kernel's, and whoever needs one awaits it.
bool await_udev(const std::vector<BlockDevice>& devices, std::chrono::milliseconds patience);

// The mark of an event as udevd sends it (systemd, sd-device/device-monitor.c: a header, then NUL-separated
// properties); nothing if it has none.
std::optional<std::string> mark_of(std::string_view message);

}  // namespace provision::host
