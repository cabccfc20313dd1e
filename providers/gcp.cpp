// SPDX-License-Identifier: Apache-2.0
// Google Compute Engine: the metadata server ("About VM metadata"). Its answers carry the header that it wants in each
// request, so that nothing else is taken for it. An attribute is text: what is packed is in base64, and the attribute
// user-data-encoding says so, as for cloud-init.
#include <array>

#include "providers/list.hpp"
#include "providers/metadata.hpp"

namespace provision::providers {
namespace {

constexpr std::array<std::string_view, 2> addresses{"http://169.254.169.254", "http://[fd20:ce::254]"};
constexpr std::array<Header, 1> headers{Header{"Metadata-Flavor", "Google"}};
constexpr Service service{"Google Cloud",
                          addresses,
                          "/computeMetadata/v1/instance/attributes/user-data",
                          headers,
                          nullptr,
                          {"metadata-flavor", "Google"},
                          {},
                          {},
                          Coding::raw,
                          "/computeMetadata/v1/instance/attributes/user-data-encoding"};

}  // namespace

Result<Outcome> fetch_gcp(const Asking& asking) { return ask(asking, service); }

}  // namespace provision::providers
