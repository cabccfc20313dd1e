// SPDX-License-Identifier: Apache-2.0
// The platforms, one function each, defined in the file of that name.
#pragma once

#include "providers/provider.hpp"

namespace provision::providers {

Result<Outcome> fetch_aws(const Asking& asking);
Result<Outcome> fetch_azure(const Asking& asking);
Result<Outcome> fetch_azurestack(const Asking& asking);
Result<Outcome> fetch_gcp(const Asking& asking);
Result<Outcome> fetch_metal(const Asking& asking);
Result<Outcome> fetch_nocloud(const Asking& asking);
Result<Outcome> fetch_openstack(const Asking& asking);
Result<Outcome> fetch_qemu(const Asking& asking);

Result<void> report_azure(const Asking& asking, std::string_view failure);

}  // namespace provision::providers
