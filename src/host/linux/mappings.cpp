// SPDX-License-Identifier: Apache-2.0
#include "host/linux/mappings.hpp"

#include <libdevmapper.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "base/text.hpp"
#include "host/linux/descriptor.hpp"
#include "host/linux/device_mapper.hpp"

namespace provision::host {
namespace {

constexpr std::size_t uuid_digits = 32;

bool is_hex(std::string_view text) { return text.find_first_not_of("0123456789abcdef") == std::string_view::npos; }

template <std::size_t count>
bool any_there(const std::array<const char*, count>& paths) {
  return std::any_of(paths.begin(), paths.end(), [](const char* path) { return ::access(path, F_OK) == 0; });
}

// The rule that tells libdevmapper that udevd is done, and the program that it calls for it.
bool udev_will_answer() {
  constexpr std::array rules{"/usr/lib/udev/rules.d/95-dm-notify.rules", "/lib/udev/rules.d/95-dm-notify.rules",
                             "/etc/udev/rules.d/95-dm-notify.rules", "/run/udev/rules.d/95-dm-notify.rules"};
  constexpr std::array programs{"/usr/sbin/dmsetup", "/sbin/dmsetup", "/usr/bin/dmsetup", "/bin/dmsetup"};
  return ::access("/run/udev/control", F_OK) == 0 && any_there(rules) && any_there(programs);
}

}  // namespace

std::string luks_uuid_of(std::string_view mapping_uuid, std::string_view name) {
  constexpr std::string_view kind = "CRYPT-LUKS";
  // "CRYPT-LUKS2-", the digits, "-", the name, of which a long one is cut.
  constexpr std::size_t digits_at = kind.size() + 2;
  if (!mapping_uuid.starts_with(kind) || mapping_uuid.size() < digits_at + uuid_digits + 2) {
    return {};
  }
  const std::string_view digits = mapping_uuid.substr(digits_at, uuid_digits);
  const std::string_view rest = mapping_uuid.substr(digits_at + uuid_digits);
  if (mapping_uuid[digits_at - 1] != '-' || !is_hex(digits) || rest[0] != '-' || !name.starts_with(rest.substr(1))) {
    return {};
  }
  std::string uuid;
  for (const char digit : digits) {
    const std::size_t at = uuid.size();
    uuid += at == 8 || at == 13 || at == 18 || at == 23 ? "-" : "";
    uuid += digit;
  }
  return uuid;
}

bool is_mapping_name(std::string_view name) {
  // libdm-common.c, _is_whitelisted_char; DM_NAME_LEN with its end.
  constexpr std::string_view plain = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz#+-.:=@_";
  return !name.empty() && name.size() < 128 && name != "." && name != ".." && name != "control" &&
         name.find_first_not_of(plain) == std::string_view::npos;
}

std::optional<Mapping> mapping_named(const std::string& name) {
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator("/sys/block", none)) {
    const std::string kernel_name = entry.path().filename();
    const auto mapped = kernel_name.starts_with("dm-") ? mapped_device(entry.path()) : std::nullopt;
    if (mapped && mapped->name == name) {
      const std::string size = kernel_text(entry.path().string() + "/size");
      return Mapping{luks_uuid_of(mapped->uuid, name), "/dev/" + kernel_name, size == "0"};
    }
  }
  return std::nullopt;
}

void choose_udev_sync() { dm_udev_set_sync_support(udev_will_answer() ? 1 : 0); }

Result<void> ensure_node(const std::string& name) {
  const std::string path = "/dev/mapper/" + name;
  if (::access(path.c_str(), F_OK) != 0 && (dm_mknodes(name.c_str()) == 0 || ::access(path.c_str(), F_OK) != 0)) {
    return Error(Code::io, path + " was not made");
  }
  return {};
}

}  // namespace provision::host
