// SPDX-License-Identifier: Apache-2.0
#include "host/selected_host.hpp"

#include "base/selector_path.hpp"
#include "base/text.hpp"

namespace provision::host {

Result<SelectedNodes> SelectorLookup::nodes() {
  const std::lock_guard lock(mutex_);
  if (!found_) {
    found_ = find_();
  }
  return *found_;
}

Result<std::string> SelectorLookup::node(const std::string& name) {
  const auto all = TRY(nodes());
  const auto found = all.find(name);
  if (found == all.end()) {
    return Error(Code::device_missing, "there is no disk selector \"" + printable(name) + "\"");
  }
  return found->second;
}

Result<DeviceRef> SelectorLookup::real(const DeviceRef& device) {
  if (const auto disk = parse_selector_path(device.disk); disk && device.number > 0) {
    std::string node_of_disk = TRY(node(disk->name));
    return DeviceRef{device.path, std::move(node_of_disk), device.number};
  }
  const auto path = device.disk.empty() ? parse_selector_path(device.path) : std::nullopt;
  if (!path) {
    return device;
  }
  std::string found = TRY(node(path->name));
  return path->number == 0 ? DeviceRef{std::move(found), {}, 0}
                           : DeviceRef{device.path, std::move(found), path->number};
}

Result<std::string> SelectedDisks::await(const DeviceRef& device, std::chrono::milliseconds patience) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return ForwardedDisks::await(ref, patience);
}

Result<DiskFacts> SelectedDisks::facts(const DeviceRef& disk) {
  const DeviceRef ref = TRY(lookup_.real(disk));
  return ForwardedDisks::facts(ref);
}

Result<Table> SelectedDisks::read_table(const DeviceRef& disk) {
  const DeviceRef ref = TRY(lookup_.real(disk));
  return ForwardedDisks::read_table(ref);
}

Result<std::vector<Partition>> SelectedDisks::kernel_partitions(const DeviceRef& disk) {
  const DeviceRef ref = TRY(lookup_.real(disk));
  return ForwardedDisks::kernel_partitions(ref);
}

Result<void> SelectedDisks::write_table(const DeviceRef& disk, const Table& table) {
  const DeviceRef ref = TRY(lookup_.real(disk));
  return ForwardedDisks::write_table(ref, table);
}

Result<Signature> SelectedDisks::probe(const DeviceRef& device) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return ForwardedDisks::probe(ref);
}

Result<ArrayMember> SelectedDisks::array_member(const DeviceRef& device) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return ForwardedDisks::array_member(ref);
}

Result<std::string> SelectedDisks::read(const DeviceRef& device, std::size_t max_bytes) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return ForwardedDisks::read(ref, max_bytes);
}

Result<void> SelectedDisks::write(const DeviceRef& device, std::string_view bytes) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return ForwardedDisks::write(ref, bytes);
}

Result<void> SelectedDisks::wipe_signatures(const DeviceRef& device) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return ForwardedDisks::wipe_signatures(ref);
}

Result<void> SelectedDisks::flush(const DeviceRef& device) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return ForwardedDisks::flush(ref);
}

Result<FilesystemSize> SelectedDisks::filesystem_size(const DeviceRef& device) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return ForwardedDisks::filesystem_size(ref);
}

Result<void> SelectedDisks::grow_filesystem(const DeviceRef& device) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return ForwardedDisks::grow_filesystem(ref);
}

Result<std::vector<std::string>> SelectedDisks::users(const DeviceRef& device) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return ForwardedDisks::users(ref);
}

Result<LuksHeader> SelectedCrypt::header(const DeviceRef& device) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return crypt_.header(ref);
}

Result<void> SelectedCrypt::format(const DeviceRef& device, const LuksFormat& format, const Secret& key) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return crypt_.format(ref, format, key);
}

Result<void> SelectedCrypt::format_with(const DeviceRef& device, const LuksFormat& format, const Secret& key,
                                        const Secret& volume_key) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return crypt_.format_with(ref, format, key, volume_key);
}

Result<bool> SelectedCrypt::open(const DeviceRef& device, const std::string& name, const LuksOpen& options,
                                 const Secret& key) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return crypt_.open(ref, name, options, key);
}

Result<LuksSlots> SelectedCrypt::slots(const DeviceRef& device) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return crypt_.slots(ref);
}

Result<int> SelectedCrypt::add_key(const DeviceRef& device, const Secret& key, const Secret& added) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return crypt_.add_key(ref, key, added);
}

Result<void> SelectedCrypt::add_token(const DeviceRef& device, const std::string& json) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return crypt_.add_token(ref, json);
}

Result<void> SelectedCrypt::remove_slot(const DeviceRef& device, int slot) {
  const DeviceRef ref = TRY(lookup_.real(device));
  return crypt_.remove_slot(ref, slot);
}

SelectedHost::SelectedHost(const Host& host, std::function<Result<SelectedNodes>()> find)
    : lookup_(std::move(find)),
      disks_(host.disks, lookup_),
      crypt_(host.crypt, lookup_),
      host_{host.target, host.target_path, host.state, host.own,      disks_,    crypt_,
            host.mounts, host.processes,   host.clock, host.firmware, host.http, host.fetcher} {}

}  // namespace provision::host
