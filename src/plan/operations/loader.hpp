// SPDX-License-Identifier: Apache-2.0
// Boot loaders that lie outside of file systems: in a BIOS boot partition, which the boot code of its disk goes on to,
// and in a PReP partition, which the firmware of a POWER machine starts. What is kept of them, beside the journal.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "host/host.hpp"
#include "plan/operation.hpp"

namespace provision::plan {

// GRUB's manual, "BIOS installation"; the PowerPC Reference Platform's boot partition, as systemd and GRUB know it.
inline constexpr std::string_view bios_loader = "bios";
inline constexpr std::string_view prep_loader = "prep";
inline constexpr std::string_view bios_boot_type = "21686148-6449-6e6f-744e-656564454649";
inline constexpr std::string_view prep_boot_type = "9e1a2d38-c612-4316-aa26-8b49521e5a8b";
// Before the disk's signature and the table of a boot record.
inline constexpr std::size_t boot_code_bytes = 440;
// Nothing that boots is longer; all of it is held in memory.
inline constexpr std::int64_t max_loader_bytes = std::int64_t{64} << 20U;

struct Loader {
  // All of the partition.
  std::string partition;
  // Of the disk; empty: it has none, or needs none.
  std::string boot_code;
  bool operator==(const Loader&) const = default;
};

// "the BIOS boot partition" or "the PReP partition".
std::string loader_words(std::string_view kind);

// What is on the disk now.
Result<Loader> read_loader(host::Disks& disks, const SaveLoader& operation);

// For a partition that begins elsewhere, in units of 512 bytes. GRUB's boot code has the place of the partition at 0x5c
// (boot.S, kernel_sector), the first sector of that has a list of what follows, from its end down (diskboot.S,
// blocklist_default_start). Code::conflict where that is not what is there.
Result<Loader> relocated(Loader loader, std::int64_t from, std::int64_t to);

// What is kept of a partition of that size; nothing: nothing is. `state` as in host::Host.
Result<std::optional<Loader>> kept_loader(host::Files& state, const std::string& kept, std::int64_t bytes);
// Durable on return.
Result<void> keep_loader(host::Files& state, const std::string& kept, const Loader& loader);
// Removes all that is kept.
Result<void> forget_loaders(host::Files& state);

}  // namespace provision::plan
