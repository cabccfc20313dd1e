// SPDX-License-Identifier: Apache-2.0
// The interfaces of host/, each over one World.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "host/clock.hpp"
#include "host/disks.hpp"
#include "host/files.hpp"
#include "host/firmware.hpp"
#include "host/http.hpp"
#include "host/mounts.hpp"
#include "host/processes.hpp"
#include "host/sim/world.hpp"

namespace provision::host::sim {

enum class MissingRoot : std::uint8_t { is_an_error, make };

// `root` is a path of this process: "/", "/sysroot". Where it is missing it may be made (0700) at the first change.
class SimFiles final : public Files {
 public:
  SimFiles(World& world, std::string root, MissingRoot missing = MissingRoot::is_an_error)
      : world_(world), root_(std::move(root)), missing_(missing) {}

  Result<std::optional<Node>> look(std::string_view path) override;
  Result<std::string> read(std::string_view path, std::size_t max_bytes) override;
  Result<Digest> digest(std::string_view path, HashFunction function) override;
  Result<void> replace(std::string_view path, std::string_view content, std::uint32_t mode, Owner owner) override;
  Result<void> append(std::string_view path, std::string_view bytes) override;
  Result<void> make_directory(std::string_view path, std::uint32_t mode, Owner owner) override;
  Result<void> make_link(std::string_view path, std::string_view target) override;
  Result<void> remove(std::string_view path) override;
  Result<void> sync(std::string_view path) override;
  Result<std::vector<std::string>> list(std::string_view path) override;
  Result<std::unique_ptr<Lock>> lock(std::string_view path) override;
  Result<void> replace_safely(std::string_view path, std::string_view content, std::uint32_t mode,
                              Owner owner) override;
  Result<void> set_owner(std::string_view path, Owner owner) override;
  Result<void> move(std::string_view from, std::string_view to) override;
  Result<void> remove_directory(std::string_view path) override;

 private:
  template <class Steps>
  Result<void> change(std::string_view name, std::string_view path, Steps steps);
  Result<void> make_root();
  Result<Place> writable(std::string_view path);
  Result<const Entry*> regular_file(std::string_view path);
  Result<void> run(std::string_view path, const Result<std::vector<Mutation>>& steps, std::size_t count);
  Result<std::vector<Mutation>> put_steps(const Place& place, Entry entry);
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
  Result<Table> read_table(const DeviceRef& disk) override;
  Result<std::vector<Partition>> kernel_partitions(const DeviceRef& disk) override;
  Result<void> write_table(const DeviceRef& disk, const Table& table) override;
  Result<Signature> probe(const DeviceRef& device) override;
  Result<void> wipe_signatures(const DeviceRef& device) override;
  Result<void> flush(const DeviceRef& device) override;
  Result<std::vector<std::string>> users(const DeviceRef& device) override;

 private:
  Result<Device> there(const DeviceRef& ref);
  Result<Device> whole_disk(const DeviceRef& ref);
  Result<void> free_for_table(const Device& disk, const Table& table);
  Result<Device> free(const DeviceRef& ref);

  World& world_;
};

class SimMounts final : public Mounts {
 public:
  explicit SimMounts(World& world) : world_(world) {}

  Result<std::vector<MountEntry>> list() override;
  Result<void> mount(std::string_view node, std::string_view target, std::string_view type,
                     std::string_view options) override;
  Result<void> unmount(std::string_view target) override;

 private:
  Result<void> attach(std::string_view node, std::string_view target, std::string_view type, std::string_view options);
  Result<void> detach(std::string_view target);
  Result<void> check_target(std::string_view target);
  std::optional<std::size_t> topmost(std::string_view target);

  World& world_;
};

// Knows mkfs.ext4 as `mkfs.ext4 -F -q -U UUID [-L LABEL] [OPTION…] NODE`, and modprobe.
class SimProcesses final : public Processes {
 public:
  explicit SimProcesses(World& world) : world_(world) {}

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
  Result<std::optional<std::string>> fw_cfg(std::string_view name) override;

 private:
  World& world_;
};

class SimHttp final : public Http {
 public:
  explicit SimHttp(World& world) : world_(world) {}

  Result<HttpAnswer> get(const HttpRequest& request) override;

 private:
  World& world_;
};

}  // namespace provision::host::sim
