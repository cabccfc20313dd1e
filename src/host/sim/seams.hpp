// SPDX-License-Identifier: Apache-2.0
// The interfaces of host/, each over one World.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/clock.hpp"
#include "host/crypt.hpp"
#include "host/disks.hpp"
#include "host/fetcher.hpp"
#include "host/files.hpp"
#include "host/firmware.hpp"
#include "host/http.hpp"
#include "host/mounts.hpp"
#include "host/processes.hpp"
#include "host/sim/world.hpp"

namespace provision::host::sim {

// The device of that name now (Code::device_missing), and one that nobody uses (Code::device_busy).
Result<Device> existing(const World& world, const DeviceRef& ref);
Result<Device> unused(const World& world, const DeviceRef& ref);
// What the gate calls the device: its node, whichever name was used for it.
std::string target_of(const World& world, const DeviceRef& ref);

enum class MissingRoot : std::uint8_t { is_an_error, make };

// `root` is a path of this process: "/", "/sysroot". Where it is missing it may be made (0700) at the first change.
class SimFiles final : public Files {
 public:
  SimFiles(World& world, std::string root, MissingRoot missing = MissingRoot::is_an_error)
      : world_(world), root_(std::move(root)), missing_(missing) {}

  Result<std::optional<Node>> look(std::string_view path) override;
  Result<std::string> read(std::string_view path, std::size_t max_bytes) override;
  Result<Digest> digest(std::string_view path, HashFunction function) override;
  Result<bool> is_same(std::string_view path, std::string_view other) override;
  Result<std::unique_ptr<NewFile>> begin(std::string_view path, Parent parent) override;
  Result<void> append(std::string_view path, std::string_view bytes) override;
  Result<void> make_directory(std::string_view path, std::uint32_t mode, Owner owner) override;
  Result<void> make_directory_anew(std::string_view path, std::uint32_t mode, Owner owner) override;
  Result<void> set_attributes(std::string_view path, std::uint32_t mode, Owner owner) override;
  Result<void> make_link(std::string_view path, const NewLink& link) override;
  Result<void> remove(std::string_view path) override;
  Result<void> erase(std::string_view path) override;
  Result<void> sync(std::string_view path) override;
  Result<std::uint64_t> file_system_of(std::string_view path) override;
  Result<std::vector<std::string>> list(std::string_view path) override;
  Result<std::unique_ptr<Lock>> lock(std::string_view path) override;
  Result<void> set_owner(std::string_view path, Owner owner) override;
  Result<void> move(std::string_view from, std::string_view to) override;
  Result<void> copy_tree(std::string_view from, std::string_view to, TreeTop top) override;
  Result<void> copy_attributes(std::string_view from, std::string_view to) override;
  Result<void> remove_directory(std::string_view path) override;

 private:
  class Growing;

  template <class Steps>
  Result<void> change(std::string_view name, std::string_view path, Steps steps);
  Result<void> make_root();
  Result<Place> writable(std::string_view path);
  // What sync() is of.
  Result<Place> holder(std::string_view path);
  Result<std::vector<Mutation>> copy_steps(const Place& from, const Place& to, const std::string& fresh, TreeTop top);
  Result<const Entry*> regular_file(std::string_view path);
  Result<void> run(std::string_view path, const Result<std::vector<Mutation>>& steps, std::size_t count);
  Result<std::vector<Mutation>> put_steps(const Place& place, Mutation make, const std::string& fresh, Over over);
  Result<std::vector<Mutation>> link_steps(const Place& place, const NewLink& link);
  Result<void> commit(std::string_view path, const std::string& content, const Finish& finish);
  Result<std::vector<Mutation>> append_steps(const Place& place, std::string_view bytes);
  Result<std::vector<Mutation>> directory_steps(const Place& place, std::uint32_t mode, Owner owner);
  Result<std::vector<Mutation>> remove_steps(const Place& place);
  Result<std::vector<Mutation>> move_steps(const Place& place, const Place& to);

  World& world_;
  std::string root_;
  MissingRoot missing_;
};

class SimDisks final : public Disks {
 public:
  explicit SimDisks(World& world) : world_(world) {}

  Result<std::string> await(const DeviceRef& device, std::chrono::milliseconds patience) override;
  Result<DiskFacts> facts(const DeviceRef& disk) override;
  Result<std::vector<WholeDisk>> whole_disks(const DiskSearch& search) override;
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
  Result<Device> whole_disk(const DeviceRef& ref);
  Result<void> free_for_table(const Device& disk, const Table& table);

  World& world_;
};

// LUKS headers and what they open, without the cryptography: a key opens the volume that was made with just its bytes.
class SimCrypt final : public Crypt {
 public:
  explicit SimCrypt(World& world) : world_(world) {}

  Result<LuksHeader> header(const DeviceRef& device) override;
  Result<void> format(const DeviceRef& device, const LuksFormat& format, const Secret& key) override;
  Result<void> format_with(const DeviceRef& device, const LuksFormat& format, const Secret& key,
                           const Secret& volume_key) override;
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
  Result<Luks*> header_of(const DeviceRef& device);
  Result<bool> opens(const DeviceRef& device, const LuksOpen& options, const Secret& key);
  // What it opens, if the key is right.
  Result<std::optional<Device>> to_open(const DeviceRef& device, const std::string& name, const LuksOpen& options,
                                        const Secret& key);

  World& world_;
};

class SimMounts final : public Mounts {
 public:
  explicit SimMounts(World& world) : world_(world) {}

  Result<std::vector<MountEntry>> list() override;
  Result<void> mount(std::string_view node, std::string_view target, std::string_view type,
                     std::string_view options) override;
  Result<void> unmount(std::string_view target) override;
  Result<std::string> read_file(std::string_view node, std::string_view type, std::string_view path,
                                std::size_t max_bytes) override;
  Result<std::vector<SubvolumeEntry>> subvolumes(std::string_view node, const std::vector<std::string>& names) override;
  Result<bool> has_subvolumes(std::string_view node) override;
  Result<void> make_subvolume(std::string_view node, const NewSubvolume& subvolume) override;

 private:
  // The files of the Btrfs that a node has.
  Result<FileSystem*> btrfs_on(std::string_view node);
  Result<void> attach(std::string_view node, std::string_view target, std::string_view type, std::string_view options);
  Result<void> detach(std::string_view target);
  Result<void> check_target(std::string_view target);
  std::optional<std::size_t> topmost(std::string_view target);

  World& world_;
};

// Knows modprobe, mdadm, lvm, clevis, systemd-cryptenroll, cryptsetup, what the machine has besides, and the mkfs
// programs, with the options that give identity and label, and the node last.
class SimProcesses final : public Processes {
 public:
  explicit SimProcesses(World& world) : world_(world) {}

  Result<void> must_have(const std::string& program) override;
  Result<Exit> run(const Command& command) override;

 private:
  Result<Exit> make_file_system(const Command& command, bool torn);

  World& world_;
};

class SimClock final : public Clock {
 public:
  explicit SimClock(World& world) : world_(world) {}

  std::chrono::microseconds monotonic() override;
  std::string wall() override;
  void sleep(std::chrono::milliseconds time) override;

 private:
  World& world_;
  std::int64_t ticks_ = 0;
};

class SimFirmware final : public Firmware {
 public:
  explicit SimFirmware(World& world) : world_(world) {}

  Result<std::string> command_line() override;
  Result<std::string> boot_id() override;
  Result<Machine> machine() override;
  Result<std::string> confidential() override;
  Result<std::optional<std::string>> fw_cfg(std::string_view name) override;
  Result<bool> measure(std::string_view event) override;

 private:
  World& world_;
};

class SimHttp final : public Http {
 public:
  explicit SimHttp(World& world) : world_(world) {}

  Result<HttpAnswer> get(const HttpRequest& request) override;
  // Lane after lane, each to its end; a pause takes no time, but counts.
  Result<void> converse(const std::vector<HttpQuestion>& lanes, const HttpLead& lead) override;

 private:
  World& world_;
};

// Serves MachineSpec::http. A transfer is one mutating call, made when it is waited for: it may fail, end the power, or
// say that it has come while the sink got nothing.
class SimFetcher final : public Fetcher {
 public:
  explicit SimFetcher(World& world) : world_(world) {}

  Result<void> configure(const FetchSettings& settings) override;
  Ticket start(const FetchRequest& request, Sink& sink) override;
  Result<Fetched> wait(Ticket ticket) override;
  void cancel(Ticket ticket) override;
  std::vector<FetchProgress> progress() override;

  // What was asked for last, by configure().
  [[nodiscard]] const FetchSettings& settings() const { return settings_; }

 private:
  struct Transfer {
    FetchRequest request;
    Sink* sink = nullptr;
  };

  Result<Fetched> serve(const Transfer& transfer);

  World& world_;
  FetchSettings settings_;
  Ticket last_ticket_ = 0;
  std::map<Ticket, Transfer> transfers_;
};

}  // namespace provision::host::sim
