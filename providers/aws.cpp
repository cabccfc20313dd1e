// SPDX-License-Identifier: Apache-2.0
// Amazon EC2: the instance metadata service, version 2 (a session token) and, where that is not known, version 1 ("Use
// IMDS" in the EC2 user guide). Two requests in all; nothing of the region is asked.
#include <array>

#include "providers/list.hpp"
#include "providers/metadata.hpp"

namespace provision::providers {
namespace {

constexpr std::array<std::string_view, 2> addresses{"http://169.254.169.254", "http://[fd00:ec2::254]"};
constexpr std::array<long, 2> no_tokens{404, 405};
// The whole service is off for this instance ("HttpEndpoint": "disabled").
constexpr std::array<long, 1> switched_off{403};
constexpr Token session{"/latest/api/token",
                        {"X-aws-ec2-metadata-token-ttl-seconds", "300"},
                        "X-aws-ec2-metadata-token",
                        no_tokens,
                        switched_off};
constexpr Service service{"AWS", addresses, "/2019-10-01/user-data", {}, &session};

}  // namespace

Result<Outcome> fetch_aws(const Asking& asking) { return ask(asking, service); }

}  // namespace provision::providers
