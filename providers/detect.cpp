// SPDX-License-Identifier: Apache-2.0
#include "providers/detect.hpp"

#include <array>
#include <string_view>

#include "base/path.hpp"
#include "base/text.hpp"
#include "providers/trust.hpp"

namespace provision::providers {
namespace {

constexpr std::string_view dmi = "/sys/class/dmi/id";
constexpr std::size_t max_bytes = 4096;

struct Mark {
  std::string_view id;
  // A file in /sys/class/dmi/id.
  std::string_view field;
  std::string_view value;
  // The value is only its beginning.
  bool is_prefix = false;
};

// As cloud-init's ds-identify and systemd's hwdb tell them; specific ones first.
constexpr std::array marks{
    Mark{"aws", "sys_vendor", "Amazon EC2"},
    Mark{"aws", "bios_vendor", "Amazon EC2"},
    Mark{"gcp", "product_name", "Google Compute Engine"},
    Mark{"gcp", "product_serial", "GoogleCloud-", true},
    Mark{"azure", "chassis_asset_tag", "7783-7084-3265-9085-8269-3286-77"},
    Mark{"digitalocean", "sys_vendor", "DigitalOcean"},
    Mark{"hetzner", "sys_vendor", "Hetzner"},
    Mark{"vultr", "sys_vendor", "Vultr"},
    Mark{"scaleway", "sys_vendor", "Scaleway"},
    Mark{"oraclecloud", "chassis_asset_tag", "OracleCloud.com"},
    Mark{"exoscale", "product_name", "Exoscale", true},
    Mark{"akamai", "sys_vendor", "Akamai"},
    Mark{"akamai", "sys_vendor", "Linode"},
    Mark{"aliyun", "product_name", "Alibaba Cloud ECS"},
    Mark{"upcloud", "sys_vendor", "UpCloud"},
    Mark{"cloudstack", "product_name", "CloudStack", true},
    Mark{"openstack", "product_name", "OpenStack Nova"},
    Mark{"openstack", "product_name", "OpenStack Compute"},
    Mark{"openstack", "chassis_asset_tag", "OpenStack Nova"},
    Mark{"openstack", "chassis_asset_tag", "OpenStack Compute"},
    Mark{"openstack", "chassis_asset_tag", "OpenTelekomCloud"},
    Mark{"openstack", "chassis_asset_tag", "SAP CCloud VM"},
    Mark{"openstack", "chassis_asset_tag", "HUAWEICLOUD"},
    Mark{"openstack", "chassis_asset_tag", "Samsung Cloud Platform"},
};

struct Place {
  std::string_view id;
  std::string_view path;
};
constexpr std::array places{
    Place{"nocloud", "/dev/disk/by-label/cidata"},      Place{"nocloud", "/dev/disk/by-label/CIDATA"},
    Place{"openstack", "/dev/disk/by-label/config-2"},  Place{"openstack", "/dev/disk/by-label/CONFIG-2"},
    Place{"qemu", "/sys/firmware/qemu_fw_cfg/by_name"},
};

// Empty where the firmware says nothing.
Result<std::string> field(host::Files& own, std::string_view name) {
  const std::string path = path::join(dmi, name);
  if (!TRY(own.look(path))) {
    return std::string();
  }
  return std::string(trim(TRY(own.read(path, max_bytes))));
}

}  // namespace

Result<std::optional<Detected>> detect(host::Files& own, std::string_view confidential) {
  if (!confidential.empty()) {
    return Error(Code::no_platform, not_believed("what tells its platform", confidential) +
                                        "; name the platform by ignition.platform.id=");
  }
  for (const auto& mark : marks) {
    const std::string value = TRY(field(own, mark.field));
    if (mark.is_prefix ? value.starts_with(mark.value) : value == mark.value) {
      return std::optional(
          Detected{std::string(mark.id), std::string(mark.field) + " is \"" + printable(value) + "\""});
    }
  }
  for (const auto& place : places) {
    if (TRY(own.look(place.path))) {
      return std::optional(Detected{std::string(place.id), "there is " + std::string(place.path)});
    }
  }
  return std::optional<Detected>{};
}

}  // namespace provision::providers
