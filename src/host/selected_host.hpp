// SPDX-License-Identifier: Apache-2.0
// A host on which the paths /dev/disk/by-selector/… lead to the disks that selectors have found. All else is handed on.
#pragma once

#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "host/forwarded_disks.hpp"
#include "host/host.hpp"

namespace provision::host {

// The kernel's nodes of disks, by the names of their selectors.
using SelectedNodes = std::map<std::string, std::string, std::less<>>;

// Finds the nodes when somebody first asks for one, and never again: a name must not change its disk on the way. Any
// thread may ask.
class SelectorLookup {
 public:
  explicit SelectorLookup(std::function<Result<SelectedNodes>()> find) : find_(std::move(find)) {}

  // The device by its node where `device` names a selected disk, or a partition of one, else `device` itself.
  Result<DeviceRef> real(const DeviceRef& device);
  // The nodes, found if they were not yet.
  Result<SelectedNodes> nodes();

 private:
  Result<std::string> node(const std::string& name);

  std::function<Result<SelectedNodes>()> find_;
  std::mutex mutex_;
  std::optional<Result<SelectedNodes>> found_;
};

class SelectedDisks final : public ForwardedDisks {
 public:
  // Both must outlive it.
  SelectedDisks(Disks& disks, SelectorLookup& lookup) : ForwardedDisks(disks), lookup_(lookup) {}

  Result<std::string> await(const DeviceRef& device, std::chrono::milliseconds patience) override;
  Result<DiskFacts> facts(const DeviceRef& disk) override;
  Result<Table> read_table(const DeviceRef& disk) override;
  Result<std::vector<Partition>> kernel_partitions(const DeviceRef& disk) override;
  Result<void> write_table(const DeviceRef& disk, const Table& table) override;
  Result<Signature> probe(const DeviceRef& device) override;
  Result<ArrayMember> array_member(const DeviceRef& device) override;
  Result<std::string> read(const DeviceRef& device, std::size_t max_bytes) override;
  Result<void> write(const DeviceRef& device, std::string_view bytes) override;
  Result<void> wipe_signatures(const DeviceRef& device) override;
  Result<void> flush(const DeviceRef& device) override;
  Result<FilesystemSize> filesystem_size(const DeviceRef& device) override;
  Result<void> grow_filesystem(const DeviceRef& device) override;
  Result<std::vector<std::string>> users(const DeviceRef& device) override;

 private:
  SelectorLookup& lookup_;
};

class SelectedCrypt final : public Crypt {
 public:
  // Both must outlive it.
  SelectedCrypt(Crypt& crypt, SelectorLookup& lookup) : crypt_(crypt), lookup_(lookup) {}

  Result<LuksHeader> header(const DeviceRef& device) override;
  Result<void> format(const DeviceRef& device, const LuksFormat& format, const Secret& key) override;
  Result<void> format_with(const DeviceRef& device, const LuksFormat& format, const Secret& key,
                           const Secret& volume_key) override;
  Result<bool> open(const DeviceRef& device, const std::string& name, const LuksOpen& options,
                    const Secret& key) override;
  Result<std::optional<OpenVolume>> opened(const std::string& name) override { return crypt_.opened(name); }
  Result<void> close(const std::string& name) override { return crypt_.close(name); }
  Result<LuksSlots> slots(const DeviceRef& device) override;
  Result<int> add_key(const DeviceRef& device, const Secret& key, const Secret& added) override;
  Result<void> add_token(const DeviceRef& device, const std::string& json) override;
  Result<void> remove_slot(const DeviceRef& device, int slot) override;
  Result<Secret> new_key(std::size_t bytes) override { return crypt_.new_key(bytes); }

 private:
  Crypt& crypt_;
  SelectorLookup& lookup_;
};

class SelectedHost {
 public:
  // `host` and all that it refers to must outlive it.
  SelectedHost(const Host& host, std::function<Result<SelectedNodes>()> find);

  Host& host() { return host_; }
  Result<SelectedNodes> nodes() { return lookup_.nodes(); }

 private:
  SelectorLookup lookup_;
  SelectedDisks disks_;
  SelectedCrypt crypt_;
  Host host_;
};

}  // namespace provision::host
