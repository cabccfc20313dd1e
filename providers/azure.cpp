// SPDX-License-Identifier: Apache-2.0
// Azure: user data by the instance metadata service, and where that is empty the custom data on the provisioning DVD.
// Azure Stack Hub has the DVD alone. Both answers are authoritative; a DVD that does not come is not.
#include <array>
#include <cerrno>
#include <optional>

#include "providers/list.hpp"
#include "providers/metadata.hpp"
#include "providers/waiting.hpp"

namespace provision::providers {
namespace {

constexpr std::array<std::string_view, 1> addresses{"http://169.254.169.254"};
constexpr std::array<Header, 1> headers{Header{"Metadata", "true"}};
// It says so while it does not know the machine yet.
constexpr std::array<long, 2> not_yet{404, 410};
constexpr Service service{"Azure", addresses, "/metadata/instance/compute/userData?api-version=2021-01-01&format=text",
                          headers, nullptr,   {},
                          {},      not_yet,   Coding::base64};

constexpr std::string_view proof = "/ovf-env.xml";
constexpr std::string_view custom_data = "/CustomData.bin";
constexpr std::string_view block_devices = "/sys/class/block";

Result<Outcome> custom_data_of(const Asking& asking, const std::string& node, const std::string& type) {
  const std::string document = "CustomData.bin on the provisioning DVD " + node;
  auto bytes = asking.host.mounts.read_file(node, type, custom_data, max_user_data);
  if (!bytes && bytes.error().system_error == ENOENT) {
    return Outcome(None{"there is no " + document});
  }
  if (!bytes) {
    return Error(Code::config_unavailable, bytes.error().what, bytes.error().system_error);
  }
  return unwrap(*std::move(bytes), Coding::raw, document);
}

// A drive that is not ready, or whose disc is another, is looked at again: `last` says what there was.
Result<std::optional<Outcome>> look(const Asking& asking, std::string& last) {
  host::Files& own = asking.host.own;
  const bool known = TRY(own.look(block_devices)).has_value();
  for (const auto& name : known ? TRY(own.list(block_devices)) : std::vector<std::string>{}) {
    if (!name.starts_with("sr")) {
      continue;
    }
    const std::string node = "/dev/" + name;
    const auto signature = asking.host.disks.probe({node, {}, 0});
    if (!signature || (signature->type != "udf" && signature->type != "iso9660")) {
      last = node + (signature ? " has no disc with udf or iso9660" : ": " + signature.error().what);
      continue;
    }
    if (const auto found = asking.host.mounts.read_file(node, signature->type, proof, max_user_data); !found) {
      last = found.error().what;
      continue;
    }
    return std::optional<Outcome>(TRY(custom_data_of(asking, node, signature->type)));
  }
  return std::optional<Outcome>{};
}

Result<Outcome> wait_for_dvd(const Asking& asking) {
  const std::string what = "the provisioning DVD of Azure";
  std::string last = "there is no drive";
  auto found = TRY(wait_for(asking, what, asking.patience, last, [&] { return look(asking, last); }));
  if (!found) {
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(asking.patience).count();
    return Error(Code::config_unavailable,
                 what + " did not come within " + std::to_string(seconds) + " seconds: " + last);
  }
  return *std::move(found);
}

}  // namespace

Result<Outcome> fetch_azure(const Asking& asking) {
  Outcome outcome = TRY(ask(asking, service));
  const auto* const none = std::get_if<None>(&outcome);
  return none != nullptr && none->foreign.empty() ? wait_for_dvd(asking) : Result<Outcome>(std::move(outcome));
}

Result<Outcome> fetch_azurestack(const Asking& asking) { return wait_for_dvd(asking); }

}  // namespace provision::providers
