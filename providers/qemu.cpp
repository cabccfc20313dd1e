// SPDX-License-Identifier: Apache-2.0
// QEMU: the firmware configuration device (docs/specs/fw_cfg in QEMU). Needs no network.
#include "providers/list.hpp"
#include "providers/payload.hpp"

namespace provision::providers {

Result<Outcome> fetch_qemu(const Asking& asking) {
  constexpr std::string_view item = "opt/com.coreos/config";
  auto bytes = TRY_WHILE(asking.host.firmware.fw_cfg(item), "asking QEMU's fw_cfg for " + std::string(item));
  if (!bytes) {
    return Outcome(None{"QEMU has no fw_cfg item " + std::string(item)});
  }
  return unwrap(*std::move(bytes), Coding::raw, "fw_cfg " + std::string(item));
}

}  // namespace provision::providers
