// SPDX-License-Identifier: Apache-2.0
// NoCloud: a small file system labelled cidata, as libvirt, virt-install and many others attach it. That there is none
// is known by its not coming.
#include <array>

#include "providers/drive.hpp"
#include "providers/list.hpp"

namespace provision::providers {
namespace {

constexpr std::array<std::string_view, 2> labels{"cidata", "CIDATA"};
constexpr Drive drive{"the cidata drive", labels, "/user-data"};
constexpr std::chrono::milliseconds drive_patience{30'000};

}  // namespace

Result<Outcome> fetch_nocloud(const Asking& asking) {
  const auto patience = std::min(drive_patience, asking.patience);
  if (auto found = TRY(look_on_drive(asking, drive, patience))) {
    return *std::move(found);
  }
  return Outcome(None{"no drive labelled cidata came within " +
                      std::to_string(std::chrono::duration_cast<std::chrono::seconds>(patience).count()) + " seconds"});
}

}  // namespace provision::providers
