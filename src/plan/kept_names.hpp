// SPDX-License-Identifier: Apache-2.0
// The names by which the kernel command line tells the file systems whose files must be kept. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "host/disks.hpp"

namespace provision::plan {

// A name that is none of one file system: the vfat on any EFI system partition (a GPT's type
// C12A7328-F81F-11D2-BA4B-00A0C93EC93B; UEFI 2.10, 5.3.3).
inline constexpr std::string_view any_esp = "esp";

// "LABEL=ROOT" is kind "LABEL", value "ROOT"; of a path the kind is empty; of "esp" it is that.
struct KeptName {
  std::string kind;
  std::string value;

  // The path that names a device whatever is on it; empty: what is on it decides.
  [[nodiscard]] std::string path() const;
};

KeptName parse_kept_name(const std::string& name);

// The names of an entry OLD[:NEW...], as they are written. In a path a colon is its own, unless a name follows it.
std::vector<std::string> names_of_kept(std::string_view entry);

// Whether the name is that of what has this signature, and lies on this partition; null: it lies on none.
bool is_called(const KeptName& name, const host::Signature& signature, const host::Partition* partition);

}  // namespace provision::plan
