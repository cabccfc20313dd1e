// SPDX-License-Identifier: Apache-2.0
#include "providers/list.hpp"

#include <array>

namespace provision::providers {
namespace {

constexpr std::array list{
    Platform{"metal", "none of its own: the image or the kernel command line says where", &fetch_metal},
    Platform{"qemu", "fw_cfg item opt/com.coreos/config", &fetch_qemu},
};

}  // namespace

std::span<const Platform> platforms() { return list; }

const Platform* find_platform(std::string_view id) {
  for (const auto& platform : list) {
    if (platform.id == id) {
      return &platform;
    }
  }
  return nullptr;
}

std::string known_platforms() {
  std::string text;
  for (const auto& platform : list) {
    text += text.empty() ? "" : ", ";
    text += platform.id;
  }
  return text;
}

}  // namespace provision::providers
