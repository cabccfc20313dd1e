// SPDX-License-Identifier: Apache-2.0
// OpenStack: the config drive where there is one, for that needs no network; else Nova's metadata service, by IPv4 and
// through each interface by IPv6 ("Metadata" in Nova's user documentation).
#include <array>

#include "providers/drive.hpp"
#include "providers/list.hpp"
#include "providers/metadata.hpp"

namespace provision::providers {
namespace {

constexpr std::array<std::string_view, 2> labels{"config-2", "CONFIG-2"};
constexpr std::string_view path = "/openstack/latest/user_data";
constexpr Drive drive{"the config drive", labels, path};
constexpr std::array<std::string_view, 2> addresses{"http://169.254.169.254", "http://[fe80::a9fe:a9fe%]"};
constexpr Service service{"OpenStack", addresses, path, {}};

}  // namespace

Result<Outcome> fetch_openstack(const Asking& asking) {
  if (auto found = TRY(look_on_drive(asking, drive, std::chrono::milliseconds(0)))) {
    return *std::move(found);
  }
  return ask(asking, service);
}

}  // namespace provision::providers
