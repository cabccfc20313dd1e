// SPDX-License-Identifier: Apache-2.0
// QEMU: the firmware configuration device (docs/specs/fw_cfg in QEMU). Needs no network.
#include "providers/list.hpp"

namespace provision::providers {

Result<Outcome> fetch_qemu(host::Host& host) {
  constexpr std::string_view item = "opt/com.coreos/config";
  auto bytes = TRY_WHILE(host.firmware.fw_cfg(item), "asking QEMU's fw_cfg for " + std::string(item));
  if (!bytes) {
    return Outcome(None{"QEMU has no fw_cfg item " + std::string(item)});
  }
  return Outcome(UserData{*std::move(bytes), "fw_cfg " + std::string(item)});
}

}  // namespace provision::providers
