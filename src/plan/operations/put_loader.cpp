// SPDX-License-Identifier: Apache-2.0
// PutLoader: a kept boot loader where it is to be found from now on; the boot code, which goes on to the partition,
// after that.
#include "plan/operations/loader.hpp"

namespace provision::plan {
namespace {

host::DeviceRef disk_of(const PutLoader& operation) { return {operation.device.disk, {}, 0}; }

// As it is to be there; nothing: nobody has it any more.
Result<std::optional<Loader>> wanted(host::Host& host, const PutLoader& operation) {
  auto kept = TRY(kept_loader(host.state, operation.kept, operation.bytes));
  if (!kept) {
    return std::optional<Loader>{};
  }
  return std::optional(TRY(relocated(*std::move(kept), operation.from, operation.to)));
}

Result<bool> is_there(host::Host& host, const PutLoader& operation, const Loader& loader) {
  if (!host.disks.await(operation.device, std::chrono::milliseconds(0))) {
    return false;
  }
  const std::string partition = TRY(host.disks.read(operation.device, loader.partition.size()));
  const std::string boot_code = TRY(host.disks.read(disk_of(operation), loader.boot_code.size()));
  return partition == loader.partition && boot_code == loader.boot_code;
}

}  // namespace

Result<Observation> observe(host::Host& host, const PutLoader& operation) {
  Observation seen;
  seen.fingerprint = std::string(model::absent_fingerprint);
  const auto loader = TRY(wanted(host, operation));
  const bool there = loader && TRY(is_there(host, operation, *loader));
  seen.state = there ? State::satisfied : State::absent;
  return seen;
}

Result<void> apply(Work& work, const PutLoader& operation) {
  constexpr std::chrono::seconds patience{30};
  const auto loader = TRY(wanted(work.host, operation));
  if (!loader) {
    return Error(Code::conflict, "the boot loader of " + loader_words(operation.kind) +
                                     " is nowhere to be found: it was kept beside the journal, and the image must be "
                                     "written to the disk again");
  }
  TRY(work.host.disks.await(operation.device, patience));
  TRY(work.host.disks.write(operation.device, loader->partition));
  return loader->boot_code.empty() ? Result<void>() : work.host.disks.write(disk_of(operation), loader->boot_code);
}

void predict(model::Inventory& /*inventory*/, const PutLoader& /*operation*/) {}

std::string describe(const PutLoader& operation) {
  return "put the boot loader on " + loader_words(operation.kind) + " " + std::to_string(operation.device.number) +
         " of " + operation.device.disk;
}

Traits traits(const PutLoader& /*operation*/) {
  return {.sync_path = {}, .observation_proves = true, .lasts = true, .keeps = true};
}

}  // namespace provision::plan
