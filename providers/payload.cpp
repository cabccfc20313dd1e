// SPDX-License-Identifier: Apache-2.0
#include "providers/payload.hpp"

#include <algorithm>
#include <array>

#include "base/gzip.hpp"
#include "base/text.hpp"
#include "base/zstd.hpp"

namespace provision::providers {
namespace {

struct Foreign {
  std::string_view beginning;
  std::string_view what;
};
// As cloud-init tells its own formats (doc/userdata-formats), each at the very beginning.
constexpr std::array foreign_formats{
    Foreign{"#cloud-config", "a cloud-config"},
    Foreign{"#cloud-boothook", "a cloud-boothook"},
    Foreign{"#include", "an include file of cloud-init"},
    Foreign{"#part-handler", "a part handler of cloud-init"},
    Foreign{"## template: jinja", "a template of cloud-init"},
    Foreign{"#!", "a script"},
    Foreign{"Content-Type:", "a MIME message"},
    Foreign{"content-type:", "a MIME message"},
    Foreign{"MIME-Version:", "a MIME message"},
    Foreign{"From: ", "a MIME message"},
};
constexpr std::string_view gzip_magic = "\x1f\x8b";

Error unreadable(const std::string& document, const std::string& why) {
  return {Code::config_unavailable, document + " cannot be read: " + why};
}

bool is_packed(std::string_view bytes) { return bytes.starts_with(gzip_magic) || is_zstd(bytes); }

// What it is begins so, or nothing that is known does.
bool is_known(std::string_view bytes) {
  return trim(bytes).starts_with('{') || is_packed(bytes) ||
         std::any_of(foreign_formats.begin(), foreign_formats.end(),
                     [&](const Foreign& format) { return bytes.starts_with(format.beginning); });
}

// Many encode once more what the platform's API is given in base64. No JSON is base64 as a whole.
void decode_once_more(std::string& bytes) {
  if (is_known(bytes)) {
    return;
  }
  auto decoded = base64_decode(bytes);
  if (decoded && is_known(*decoded)) {
    bytes = *std::move(decoded);
  }
}

}  // namespace

bool is_html(std::string_view bytes) {
  const std::string beginning = lower_ascii(trim(bytes).substr(0, 16));
  return beginning.starts_with("<!doctype html") || beginning.starts_with("<html");
}

Result<Outcome> unwrap(std::string bytes, Coding coding, const std::string& document) {
  if (coding == Coding::base64) {
    auto decoded = base64_decode(bytes);
    if (!decoded) {
      return unreadable(document, decoded.error().what);
    }
    bytes = *std::move(decoded);
  }
  if (!is_packed(bytes)) {
    bytes.erase(bytes.find_last_not_of('\0') + 1);
  }
  decode_once_more(bytes);
  if (bytes.starts_with(gzip_magic)) {
    auto unpacked = gunzip(bytes, max_user_data, Behind::zeros);
    if (!unpacked) {
      return unreadable(document, unpacked.error().what);
    }
    bytes = *std::move(unpacked);
  }
  if (is_zstd(bytes)) {
    auto unpacked = unzstd(bytes, max_user_data, Behind::zeros);
    if (!unpacked) {
      return unreadable(document, unpacked.error().what);
    }
    bytes = *std::move(unpacked);
  }
  bytes.erase(bytes.find_last_not_of('\0') + 1);
  if (trim(bytes).empty()) {
    return Outcome(None{document + " is empty"});
  }
  for (const auto& format : foreign_formats) {
    if (bytes.starts_with(format.beginning)) {
      return Outcome(None{document + " is " + std::string(format.what) + ", which is not for provision",
                          std::string(format.what)});
    }
  }
  return Outcome(UserData{std::move(bytes), document});
}

}  // namespace provision::providers
