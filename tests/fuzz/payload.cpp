// SPDX-License-Identifier: Apache-2.0
// Whatever a platform hands out as user-data is read, is not for us, or is refused with a reason; and never more comes
// out than the limit allows. The first byte chooses the platform's coding.
#include "providers/payload.hpp"

#include <string>

#include "fuzz/require.hpp"

using namespace provision::providers;

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  if (size == 0) {
    return 0;
  }
  const auto coding = data[0] % 2 == 0 ? Coding::raw : Coding::base64;
  const auto outcome = unwrap(std::string(data + 1, data + size), coding, "it");
  if (!outcome) {
    REQUIRE_ALWAYS(outcome.error().code == provision::Code::config_unavailable);
    REQUIRE_ALWAYS(outcome.error().what.starts_with("it cannot be read: "));
    return 0;
  }
  REQUIRE_ALWAYS(!std::holds_alternative<NeedNet>(*outcome));
  if (const auto* const found = std::get_if<UserData>(&*outcome)) {
    REQUIRE_ALWAYS(!found->bytes.empty() && found->bytes.size() <= max_user_data && found->bytes.back() != '\0');
  } else {
    REQUIRE_ALWAYS(!std::get<None>(*outcome).reason.empty());
  }
  return 0;
}
