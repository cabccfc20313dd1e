// SPDX-License-Identifier: Apache-2.0
#include "providers/list.hpp"

#include <array>

namespace provision::providers {
namespace {

constexpr std::array list{
    Platform{"aws", "ec2", "instance metadata: user-data, IMDSv2 before IMDSv1", &fetch_aws},
    Platform{"azure", "", "instance metadata: userData, then the provisioning DVD: CustomData.bin", &fetch_azure,
             &report_azure},
    Platform{"azurestack", "", "the provisioning DVD: CustomData.bin", &fetch_azurestack, &report_azure},
    Platform{"gcp", "gce", "metadata server: the attribute user-data", &fetch_gcp},
    Platform{"metal", "pxe", "none of its own: the image or the kernel command line says where", &fetch_metal},
    Platform{"nocloud", "", "the drive labelled cidata: user-data", &fetch_nocloud},
    Platform{"openstack", "", "the config drive, then the metadata service: user_data", &fetch_openstack},
    Platform{"qemu", "", "fw_cfg item opt/com.coreos/config", &fetch_qemu},
};

}  // namespace

std::span<const Platform> platforms() { return list; }

const Platform* find_platform(std::string_view id) {
  for (const auto& platform : list) {
    if (platform.id == id || (!platform.also.empty() && platform.also == id)) {
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
