// SPDX-License-Identifier: Apache-2.0
#include "providers/drive.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

#include "providers/waiting.hpp"

namespace provision::providers {
namespace {

using std::chrono::milliseconds;

constexpr std::array<std::string_view, 3> types{"iso9660", "vfat", "udf"};

struct Found {
  host::DeviceRef device;
  std::string node;
};

// The node of the first label that is there now.
Result<std::optional<Found>> present(const Asking& asking, const Drive& drive) {
  for (const auto label : drive.labels) {
    host::DeviceRef device{"/dev/disk/by-label/" + std::string(label), {}, 0};
    if (auto node = asking.host.disks.await(device, milliseconds(0))) {
      return std::optional(Found{std::move(device), *std::move(node)});
    }
  }
  return std::optional<Found>{};
}

Result<Outcome> read(const Asking& asking, const Drive& drive, const Found& found) {
  const std::string document = std::string(drive.path.substr(1)) + " on " + std::string(drive.name) + " " + found.node;
  const host::Signature signature = TRY(asking.host.disks.probe(found.device));
  if (std::find(types.begin(), types.end(), signature.type) == types.end()) {
    return Error(Code::config_unavailable, found.device.path + " holds " +
                                               (signature.type.empty() ? "no file system" : signature.type) + ", and " +
                                               std::string(drive.name) + " is iso9660, vfat or udf");
  }
  auto bytes = asking.host.mounts.read_file(found.node, signature.type, drive.path, max_user_data);
  if (!bytes && bytes.error().system_error == ENOENT) {
    return Outcome(None{"there is no " + document});
  }
  if (!bytes) {
    return Error(Code::config_unavailable, bytes.error().what, bytes.error().system_error);
  }
  return unwrap(*std::move(bytes), drive.coding, document);
}

}  // namespace

Result<std::optional<Outcome>> look_on_drive(const Asking& asking, const Drive& drive, milliseconds patience) {
  const std::string what = std::string(drive.name) + ", a file system labelled " + std::string(drive.labels.front());
  const auto found = TRY(wait_for(asking, what, patience, {}, [&] { return present(asking, drive); }));
  if (!found) {
    return std::optional<Outcome>{};
  }
  return std::optional<Outcome>(TRY_WHILE(read(asking, drive, *found), "reading " + std::string(drive.name)));
}

}  // namespace provision::providers
