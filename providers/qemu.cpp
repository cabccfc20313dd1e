// SPDX-License-Identifier: Apache-2.0
// QEMU: the firmware configuration device (docs/specs/fw_cfg in QEMU); where a machine has none, as on s390x and
// ppc64le, a virtio block device whose serial number is "ignition" and whose bytes are the config. Needs no network.
#include <cerrno>
#include <chrono>
#include <utility>

#include "providers/list.hpp"
#include "providers/payload.hpp"
#include "providers/trust.hpp"
#include "providers/waiting.hpp"

namespace provision::providers {
namespace {

constexpr std::string_view item = "opt/com.coreos/config";
constexpr const char* drive = "/dev/disk/by-id/virtio-ignition";
constexpr std::string_view drive_in_words = "the virtio block device with the serial number \"ignition\"";

// Where QEMU has no fw_cfg the drive is all there is, and Ignition waits five minutes for it. Elsewhere it is looked
// for when the driver of fw_cfg found nothing, and udev is nearly done by then.
#if defined(__s390x__) || defined(__powerpc64__)
constexpr std::chrono::milliseconds drive_patience = std::chrono::minutes(5);
#else
constexpr std::chrono::milliseconds drive_patience = std::chrono::seconds(10);
#endif

Result<std::optional<std::string>> node_of_drive(const Asking& asking) {
  auto node = asking.host.disks.await({drive, {}, 0}, std::chrono::milliseconds(0));
  return node ? std::optional(*std::move(node)) : std::nullopt;
}

// `unasked`: why fw_cfg could not be asked.
Result<Outcome> ask_drive(const Asking& asking, Error unasked) {
  const auto look = [&] { return node_of_drive(asking); };
  const auto node = TRY(wait_for(asking, std::string(drive_in_words), drive_patience, unasked.what, look));
  if (!node) {
    unasked.what += ", and " + std::string(drive_in_words) + " has not come either";
    return unasked;
  }
  // One byte more than may be: what is behind the config is zeros, to the end of the device.
  std::string bytes = TRY_WHILE(asking.host.disks.read({drive, {}, 0}, max_user_data + 1), "reading " + *node);
  if (bytes.find_last_not_of('\0') + 1 > max_user_data) {
    return Error(Code::config_unavailable, "what is on " + std::string(drive_in_words) + ", " + *node +
                                               ", is longer than " + std::to_string(max_user_data) + " bytes");
  }
  return unwrap(std::move(bytes), Coding::raw, "the virtio block device " + *node);
}

}  // namespace

Result<Outcome> fetch_qemu(const Asking& asking) {
  if (!asking.confidential.empty()) {
    return Error(Code::config_unavailable, not_believed("QEMU's fw_cfg", asking.confidential) +
                                               "; give the config in /config.ign of an initramfs that is measured");
  }
  auto bytes = asking.host.firmware.fw_cfg(item);
  if (!bytes) {
    Error error = std::move(bytes).error().while_("asking QEMU's fw_cfg for " + std::string(item));
    return error.system_error == ENODEV ? ask_drive(asking, std::move(error)) : error;
  }
  if (!*bytes) {
    return Outcome(None{"QEMU has no fw_cfg item " + std::string(item)});
  }
  return unwrap(**std::move(bytes), Coding::raw, "fw_cfg " + std::string(item));
}

}  // namespace provision::providers
