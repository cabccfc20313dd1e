// SPDX-License-Identifier: Apache-2.0
#include "plan/kept_names.hpp"

#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "model/inventory.hpp"
#include "plan/operations/make_filesystem.hpp"

namespace provision::plan {
namespace {

constexpr std::string_view esp_type = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b";
constexpr std::array<std::string_view, 5> beginnings{"LABEL=", "UUID=", "PARTLABEL=", "PARTUUID=", "/dev/"};

bool begins_name(std::string_view text) {
  return text == any_esp || text.starts_with(std::string(any_esp) + ":") ||
         std::any_of(beginnings.begin(), beginnings.end(), [&](auto begin) { return text.starts_with(begin); });
}

}  // namespace

std::string KeptName::path() const {
  if (kind == "PARTLABEL") {
    return "/dev/disk/by-partlabel/" + model::udev_encoded(value);
  }
  if (kind == "PARTUUID") {
    return "/dev/disk/by-partuuid/" + lower_ascii(value);
  }
  return kind.empty() ? value : std::string();
}

KeptName parse_kept_name(const std::string& name) {
  if (name == any_esp) {
    return {name, {}};
  }
  const std::size_t equals = name.find('=');
  if (name.starts_with("/dev/") || equals == std::string::npos) {
    return {{}, name};
  }
  return {name.substr(0, equals), name.substr(equals + 1)};
}

std::vector<std::string> names_of_kept(std::string_view entry) {
  std::vector<std::string> names;
  for (std::size_t begin = 0;;) {
    const bool is_path = entry.substr(begin).starts_with("/dev/");
    std::size_t end = entry.find(':', begin);
    while (is_path && end != std::string_view::npos && !begins_name(entry.substr(end + 1))) {
      end = entry.find(':', end + 1);
    }
    names.emplace_back(entry.substr(begin, end == std::string_view::npos ? end : end - begin));
    if (end == std::string_view::npos) {
      return names;
    }
    begin = end + 1;
  }
}

bool is_called(const KeptName& name, const host::Signature& signature, const host::Partition* partition) {
  if (signature.ambivalent) {
    return false;
  }
  if (name.kind == any_esp) {
    return partition != nullptr && partition->type.text() == esp_type && signature.type == "vfat";
  }
  return name.kind == "LABEL"  ? signature.label == shown_label(name.value)
         : name.kind == "UUID" ? lower_ascii(signature.uuid) == lower_ascii(name.value)
                               : false;
}

}  // namespace provision::plan
