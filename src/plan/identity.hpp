// SPDX-License-Identifier: Apache-2.0
// Identities of what we make: fixed in the plan, so that a rerun makes, or recognises, the very same thing.
#pragma once

#include <string>

#include "base/digest.hpp"
#include "base/uuid.hpp"
#include "host/firmware.hpp"
#include "model/inventory.hpp"

namespace provision::plan {

// What derived UUIDs rest on: the machine (SMBIOS uuid and serial), the disk (serial and WWN, or where it has neither
// its place in the hardware), the config's meaning, and the config path. Nothing that a run of ours, or anyone else,
// writes to the disk. Machines made from one image differ by the machine's part; a machine that has no identity at all
// gets a random seed in its place when its first boot begins, kept in the journal (docs/exactly-once.md).
struct Identity {
  host::Machine machine;
  Digest config;

  [[nodiscard]] Uuid disk(const host::DiskFacts& facts, const std::string& config_path) const;
  [[nodiscard]] Uuid partition(const host::DiskFacts& facts, const std::string& config_path) const;
  [[nodiscard]] Uuid filesystem(const host::DiskFacts& facts, const std::string& config_path) const;
  [[nodiscard]] Uuid volume(const host::DiskFacts& facts, const std::string& config_path) const;
  // Of a physical volume of LVM.
  [[nodiscard]] Uuid physical(const host::DiskFacts& facts, const std::string& config_path) const;
  // On several disks: none of them counts.
  [[nodiscard]] Uuid array(const std::string& config_path) const;

 private:
  [[nodiscard]] Uuid derive(std::string_view kind, const host::DiskFacts& facts, const std::string& config_path) const;
};

}  // namespace provision::plan
