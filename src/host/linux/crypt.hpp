// SPDX-License-Identifier: Apache-2.0
// LUKS volumes by libcryptsetup.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <tuple>

#include "host/crypt.hpp"
#include "host/linux/crypt_device.hpp"
#include "host/linux/memory_budget.hpp"

namespace provision::host {

class LinuxCrypt final : public Crypt {
 public:
  Result<LuksHeader> header(const DeviceRef& device) override;
  Result<void> format(const DeviceRef& device, const LuksFormat& format, const Secret& key) override;
  Result<void> format_with(const DeviceRef& device, const LuksFormat& format, const Secret& key,
                           const Secret& volume_key) override;
  // The drivers of device-mapper and of dm-crypt are the kernel's to load (request_module), where it can.
  Result<bool> open(const DeviceRef& device, const std::string& name, const LuksOpen& options,
                    const Secret& key) override;
  Result<std::optional<OpenVolume>> opened(const std::string& name) override;
  Result<void> close(const std::string& name) override;
  Result<LuksSlots> slots(const DeviceRef& device) override;
  Result<int> add_key(const DeviceRef& device, const Secret& key, const Secret& added) override;
  Result<void> add_token(const DeviceRef& device, const std::string& json) override;
  Result<void> remove_slot(const DeviceRef& device, int slot) override;
  Result<Secret> new_key(std::size_t bytes) override;

 private:
  // What was measured: iterations and KiB, for a kind, a hash, milliseconds, KiB at most, threads and bytes of the key.
  using Measure = std::tuple<std::string, std::string, std::uint32_t, std::uint32_t, std::uint32_t, std::size_t>;
  struct Costs {
    std::uint32_t iterations = 0;
    std::uint32_t memory = 0;
  };

  Result<void> add_first_key(CryptDevice& device, const LuksFormat& format, const std::string& node, const Secret& key);
  Result<Costs> measured(CryptDevice& device, const crypt_pbkdf_type& kind, std::size_t key_bytes);
  Result<bool> volume_key(CryptDevice& device, const LuksOpen& options, const std::string& node, const Secret& key,
                          Secret& found);

  // Of what keys are derived in at the same time.
  MemoryBudget budget_{MemoryBudget::half_of_memory()};
  // Measuring is for one at a time, and once for all that want the same.
  std::mutex measuring_;
  std::map<Measure, Costs> measured_;
};

}  // namespace provision::host
