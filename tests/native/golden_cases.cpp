// SPDX-License-Identifier: Apache-2.0
// Each case of tests/golden that has a plan, on loop devices and real file systems made of its inventory: what is
// predicted is what is seen when it has been carried out. Cases for which something is missing here are skipped by
// name. Those in which what is on a disk stands against the config are refused there too, and no byte of a disk
// changes; but not those with what loop devices cannot have (a volume that stands on a disk), of which tests/vm has
// some.
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <exception>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/path.hpp"
#include "base/text.hpp"
#include "cli/images.hpp"
#include "host/forwarded_disks.hpp"
#include "host/intake.hpp"
#include "host/linux/isolation.hpp"
#include "host/linux/linux_host.hpp"
#include "spec/references.hpp"
#include "support/boot_record.hpp"
#include "support/capability.hpp"
#include "support/golden_machine.hpp"
#include "support/golden_run.hpp"

using namespace provision;
using namespace provision::test;
namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 4> program_places{"/usr/sbin", "/usr/bin", "/sbin", "/bin"};
constexpr std::string_view what = "predictions on loop devices of the golden case ";
constexpr std::string_view what_is_refused = "nothing is changed on loop devices in the golden case ";

// What cannot be made is a fault of the test, and ends the case.
template <class T>
T must(Result<T> result, const std::string& doing) {
  if (!result) {
    throw std::runtime_error(doing + ": " + to_string(result.error()));
  }
  if constexpr (!std::is_void_v<T>) {
    return *std::move(result);
  }
}

void must(bool good, const std::string& doing) {
  if (!good) {
    throw std::runtime_error(doing + " failed: " + std::to_string(errno));
  }
}

void must_program(const std::string& program, std::vector<std::string> arguments) {
  host::LinuxProcesses processes;
  const auto exit = must(processes.run({program, std::move(arguments), {}, std::chrono::seconds(60)}), program);
  must(exit.status == 0, program + ": " + exit.output);
}

void write_bytes(const std::string& path, std::uint64_t offset, const std::string& bytes) {
  std::fstream file(path, std::ios::binary | std::ios::in | std::ios::out);
  file.seekp(static_cast<std::streamoff>(offset));
  file << bytes << std::flush;
  must(file.good(), "writing " + path);
}

void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  file << bytes << std::flush;
  must(file.good(), "writing " + path);
}

// Its data, each run of it with its place, and not its holes.
void add_file(Hasher& hasher, const std::string& path) {
  const host::Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  must(file.valid(), "opening " + path);
  for (off_t from = ::lseek(file.get(), 0, SEEK_DATA); from >= 0; from = ::lseek(file.get(), from, SEEK_DATA)) {
    const off_t end = ::lseek(file.get(), from, SEEK_HOLE);
    std::string bytes(static_cast<std::size_t>(end - from), '\0');
    must(::pread(file.get(), bytes.data(), bytes.size(), from) == end - from, "reading " + path);
    hasher.add(std::to_string(from) + ":");
    hasher.add(bytes);
    from = end;
  }
}

bool have_program(const std::string& name) {
  return std::any_of(program_places.begin(), program_places.end(),
                     [&](std::string_view place) { return ::access(path::join(place, name).c_str(), X_OK) == 0; });
}

// --- Signatures that no program here makes

// A header of LUKS 1 (cryptsetup's LUKS1 On-Disk Format Specification): the magic, version 1, and the UUID at byte 168.
std::string luks_header(const std::string& uuid) {
  std::string header("LUKS\xba\xbe\x00\x01", 8);
  header.resize(168, '\0');
  header += uuid;
  header.resize(592, '\0');
  return header;
}

// LVM2's CRC-32 (lib/misc/crc.c): the usual polynomial with another start and no inversion at the end.
std::uint32_t lvm_crc(std::string_view bytes) {
  std::uint32_t crc = 0xf597a6cfU;
  for (const char c : bytes) {
    crc ^= static_cast<unsigned char>(c);
    for (int i = 0; i < 8; ++i) {
      crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xedb88320U : 0U);
    }
  }
  return crc;
}

// The second sector of a physical volume (lib/format_text/layout.h): label header and the UUID without its dashes.
std::string lvm_label(std::string uuid) {
  std::erase(uuid, '-');
  std::string rest = little_endian(32, 4) + "LVM2 001" + uuid;
  rest.resize(512 - 20, '\0');
  return "LABELONE" + little_endian(1, 8) + little_endian(lvm_crc(rest), 4) + rest;
}

constexpr std::uint64_t kibibyte = 1024;

// A uuid as its 16 bytes.
std::string raw(const std::string& uuid) {
  std::string hex = uuid;
  std::erase(hex, '-');
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(hex.substr(i, 2), nullptr, 16));
  }
  return bytes;
}

// The superblock of version 1.0, which is at the end of the device: the place that is forgotten most easily
// (linux/raid/md_p.h, struct mdp_superblock_1).
std::string raid_superblock(const host::Signature& wanted, std::uint64_t at) {
  std::string name = wanted.label;
  name.resize(32, '\0');
  std::string block = little_endian(0xa92b4efc, 4) + little_endian(1, 4) + std::string(8, '\0') + raw(wanted.uuid) +
                      name + little_endian(0, 8) + little_endian(1, 4) + little_endian(0, 4) +
                      little_endian(at / 512, 8) + little_endian(0, 4) + little_endian(2, 4);
  block.resize(144, '\0');
  block += little_endian(at / 512, 8);
  block.resize(220, '\0');
  block += little_endian(2, 4);
  block.resize(256, '\0');
  block += little_endian(0, 2) + little_endian(1, 2);
  // Two devices; the sum is of all words while its own place, byte 216, is zero.
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i + 4 <= block.size(); i += 4) {
    std::uint32_t word = 0;
    std::memcpy(&word, block.data() + i, 4);
    sum += word;
  }
  return block.replace(216, 4, little_endian((sum & 0xffffffffU) + (sum >> 32U), 4));
}

std::uint64_t size_of(const std::string& node) {
  std::ifstream file(node, std::ios::binary | std::ios::ate);
  return static_cast<std::uint64_t>(file.tellg());
}

void make_raid_member(const std::string& node, const host::Signature& wanted) {
  const std::uint64_t at = (size_of(node) / 512 - 16) / 8 * 8 * 512;
  write_bytes(node, at, raid_superblock(wanted, at));
}

// The four labels of a device of a pool, two at each end, each with all of its uberblocks (ZFS On-Disk Specification,
// chapter 1: 128 of 1 KiB in the upper half of 256 KiB).
void make_zfs_member(const std::string& node) {
  const std::uint64_t label = 256 * kibibyte;
  const std::uint64_t end = size_of(node) / label * label;
  std::string uberblock = little_endian(0x00bab10c, 8) + little_endian(5000, 8);
  uberblock.resize(kibibyte, '\0');
  std::string all;
  for (int i = 0; i < 128; ++i) {
    all += uberblock;
  }
  for (const std::uint64_t at : {std::uint64_t{0}, label, end - 2 * label, end - label}) {
    write_bytes(node, at + 128 * kibibyte, all);
  }
}

// The superblock of a backing device (bcache's on-disk format: struct cache_sb), with its checksum.
void make_bcache_device(const std::string& node, const host::Signature& wanted) {
  const std::string magic("\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81", 16);
  std::string block = little_endian(8, 8) + little_endian(1, 8) + magic + raw(wanted.uuid);
  // To the end of the list of journal buckets, of which there are none.
  block.resize(208 - 8, '\0');
  std::uint64_t sum = ~std::uint64_t{0};
  for (const char c : block) {
    sum ^= static_cast<std::uint64_t>(static_cast<unsigned char>(c)) << 56U;
    for (int i = 0; i < 8; ++i) {
      sum = (sum << 1U) ^ ((sum >> 63U) != 0 ? 0x42f0e1eba9ea3693U : 0U);
    }
  }
  write_bytes(node, 4 * kibibyte, little_endian(~sum, 8) + block);
}

// --- The machine

// The names and facts that the case's disks have, on image files. Mount points are told without the folder in which
// all of the machine is.
class GoldenDisks final : public host::ForwardedDisks {
 public:
  GoldenDisks(cli::ImageDisks& images, std::map<std::string, host::DiskFacts> facts,
              std::vector<host::WholeDisk> whole_disks, std::string place)
      : ForwardedDisks(images),
        facts_(std::move(facts)),
        whole_disks_(std::move(whole_disks)),
        place_(std::move(place)) {}

  // Its size is its own.
  Result<host::DiskFacts> facts(const host::DeviceRef& disk) override {
    host::DiskFacts facts = TRY(ForwardedDisks::facts(disk));
    const host::DiskFacts& wanted = facts_.at(disk.path);
    facts.serial = wanted.serial;
    facts.wwn = wanted.wwn;
    facts.hardware_path = wanted.hardware_path;
    return facts;
  }
  Result<std::vector<host::WholeDisk>> whole_disks(const host::DiskSearch& /*search*/) override { return whole_disks_; }
  Result<std::vector<std::string>> users(const host::DeviceRef& device) override {
    auto users = TRY(ForwardedDisks::users(device));
    for (auto& user : users) {
      user = path::is_within(user, place_) ? user.substr(place_.size()) : user;
    }
    return users;
  }

 private:
  std::map<std::string, host::DiskFacts> facts_;
  std::vector<host::WholeDisk> whole_disks_;
  std::string place_;
};

class GoldenFirmware final : public host::Firmware {
 public:
  explicit GoldenFirmware(host::Machine machine) : machine_(std::move(machine)) {}
  Result<std::string> command_line() override { return std::string(); }
  Result<std::string> boot_id() override { return std::string("boot"); }
  Result<host::Machine> machine() override { return machine_; }
  Result<std::string> confidential() override { return std::string(); }
  Result<std::optional<std::string>> fw_cfg(std::string_view /*name*/) override { return std::optional<std::string>{}; }
  Result<bool> measure(std::string_view /*event*/) override { return false; }

 private:
  host::Machine machine_;
};

class GoldenClock final : public host::Clock {
 public:
  explicit GoldenClock(const std::string& date) : wall_(date + "T12:00:00Z") {}
  std::chrono::microseconds monotonic() override { return real_.monotonic(); }
  std::string wall() override { return wall_; }
  void sleep(std::chrono::milliseconds time) override { real_.sleep(time); }

 private:
  host::LinuxClock real_;
  std::string wall_;
};

class Pages final : public host::Fetcher {
 public:
  explicit Pages(std::map<std::string, host::HttpAnswer, std::less<>> pages) : pages_(std::move(pages)) {}
  Result<void> configure(const host::FetchSettings& /*settings*/) override { return {}; }
  host::Ticket start(const host::FetchRequest& request, host::Sink& sink) override {
    const std::lock_guard lock(mutex_);
    waiting_.emplace(++last_, std::pair(request, &sink));
    return last_;
  }
  Result<host::Fetched> wait(host::Ticket ticket) override {
    const std::lock_guard lock(mutex_);
    const auto asked = waiting_.extract(ticket);
    const auto& [request, sink] = asked.mapped();
    const auto page = pages_.find(request.url);
    if (page == pages_.end()) {
      return Error(Code::network, "no answer from " + request.url);
    }
    host::Intake intake(request, *sink);
    TRY(intake.add(page->second.body));
    return intake.finish();
  }
  void cancel(host::Ticket ticket) override {
    const std::lock_guard lock(mutex_);
    waiting_.erase(ticket);
  }
  std::vector<host::FetchProgress> progress() override { return {}; }

 private:
  std::mutex mutex_;
  std::map<std::string, host::HttpAnswer, std::less<>> pages_;
  host::Ticket last_ = 0;
  std::map<host::Ticket, std::pair<host::FetchRequest, host::Sink*>> waiting_;
};

// Everything in one folder: the root is a directory in it, each disk a file. Gone, with all mounts, at the end.
class LoopMachine {
 public:
  LoopMachine(const std::string& name, const host::sim::MachineSpec& spec)
      : spec_(spec),
        place_("/run/" + name),
        own_(place_ + "/own"),
        linux_(root(), place_ + "/state"),
        firmware_(spec.identity),
        clock_(spec.date),
        pages_(spec.http) {
    fs::create_directories(root());
    fs::create_directories(place_ + "/own/usr/sbin");
    for (const auto& program : spec.programs) {
      write_file(place_ + "/own/usr/sbin/" + program, "");
    }
    std::vector<cli::Image> images;
    std::map<std::string, host::DiskFacts> facts;
    std::vector<host::WholeDisk> whole_disks;
    for (const auto& disk : spec.disks) {
      if (disk.node == root_node) {
        make_tree(root(), disk.content->files);
        continue;
      }
      const std::string known_as = disk.links.empty() ? disk.node : disk.links.front();
      facts.emplace(known_as, disk.facts);
      whole_disks.push_back({disk.node, disk.facts, disk.model, disk.transport, disk.unfit});
      images.push_back({{file_of(disk), known_as, disk.facts.serial}, make_disk(disk)});
    }
    images_.emplace(linux_.disks, std::move(images), place_ + "/none");
    disks_.emplace(*images_, std::move(facts), std::move(whole_disks), place_);
    for (const auto& mount : spec.mounts) {
      if (mount.device != root_node) {
        const std::string node = must(images_->await({mount.device, {}, 0}, {}), mount.device);
        fs::create_directories(place_ + mount.target);
        must(::mount(node.c_str(), (place_ + mount.target).c_str(), mount.type.c_str(), 0, nullptr) == 0, "mounting");
      }
    }
  }
  LoopMachine(const LoopMachine&) = delete;
  LoopMachine& operator=(const LoopMachine&) = delete;
  LoopMachine(LoopMachine&&) = delete;
  LoopMachine& operator=(LoopMachine&&) = delete;
  ~LoopMachine() {
    auto entries = linux_.mounts.list().value_or(std::vector<host::MountEntry>{});
    std::reverse(entries.begin(), entries.end());
    for (const auto& entry : entries) {
      if (path::is_within(entry.target, place_)) {
        ::umount2(entry.target.c_str(), MNT_DETACH);
      }
    }
    disks_.reset();
    images_.reset();
    std::error_code ignored;
    fs::remove_all(place_, ignored);
  }

  // Of all that was ever written to the disks: their files are sparse.
  [[nodiscard]] Digest digest_of_disks() const {
    Hasher hasher(HashFunction::sha256);
    for (const auto& disk : spec_.disks) {
      if (disk.node != root_node) {
        add_file(hasher, file_of(disk));
      }
    }
    return hasher.finish();
  }

  // A root that must be kept is mounted at a path of this process, so that only the true initramfs will do: this
  // process has a /run of its own.
  host::Host host(bool keeps_root) {
    host::Files& own = keeps_root ? static_cast<host::Files&>(linux_.own) : own_;
    return {linux_.target, root(),           linux_.state, own,       *disks_,     linux_.crypt,
            linux_.mounts, linux_.processes, clock_,       firmware_, linux_.http, pages_};
  }

 private:
  [[nodiscard]] std::string root() const { return place_ + spec_.target_path; }
  [[nodiscard]] std::string file_of(const host::sim::DiskSpec& disk) const {
    return place_ + "/" + std::string(path::name(disk.node));
  }

  static void make_tree(const std::string& at, const host::sim::Tree& tree) {
    std::map<std::uint64_t, std::string> inodes;
    for (const auto& [inner, entry] : tree) {
      const std::string full = at + (inner == "/" ? "" : inner);
      const auto known = inodes.find(entry.inode);
      if (entry.inode != 0 && known != inodes.end()) {
        fs::create_hard_link(known->second, full);
        continue;
      }
      make_entry(full, entry);
      inodes.emplace(entry.inode, full);
    }
  }

  static void make_entry(const std::string& full, const host::sim::Entry& entry) {
    if (entry.is_subvolume) {
      must_program("btrfs", {"subvolume", "create", full});
      if (entry.is_default) {
        must_program("btrfs", {"subvolume", "set-default", full});
      }
    } else if (entry.node.kind == host::NodeKind::directory) {
      fs::create_directories(full);
    } else if (entry.node.kind == host::NodeKind::symlink) {
      fs::create_symlink(entry.node.target, full);
    } else {
      write_file(full, entry.content);
    }
    must(
        ::lchown(full.c_str(), static_cast<uid_t>(entry.node.owner.uid), static_cast<gid_t>(entry.node.owner.gid)) == 0,
        "chown");
    if (entry.node.kind != host::NodeKind::symlink) {
      must(::chmod(full.c_str(), entry.node.mode) == 0, "chmod");
    }
  }

  host::LoopDevice attach(const host::sim::DiskSpec& disk, std::uint64_t bytes) {
    write_file(file_of(disk), "");
    must(::truncate(file_of(disk).c_str(), static_cast<off_t>(bytes)) == 0, "making an image");
    return attach_again(disk);
  }
  host::LoopDevice attach_again(const host::sim::DiskSpec& disk) {
    const auto sector = static_cast<std::uint32_t>(disk.facts.sector_size);
    return must(host::LoopDevice::attach({file_of(disk), false, sector}), "attaching an image");
  }

  // A disk that has grown gets its table while it is as small as it may be.
  host::LoopDevice make_disk(const host::sim::DiskSpec& disk) {
    const auto bytes = static_cast<std::uint64_t>(disk.facts.sectors * disk.facts.sector_size);
    host::LoopDevice loop = attach(disk, disk.grown ? bytes_before(disk) : bytes);
    if (!disk.disk_guid.empty() || disk.damaged) {
      write_table(disk, loop.node());
    }
    if (disk.grown) {
      { const host::LoopDevice detached = std::move(loop); }
      must(::truncate(file_of(disk).c_str(), static_cast<off_t>(bytes)) == 0, "growing an image");
      loop = attach_again(disk);
    }
    if (disk.damaged && !disk.disk_guid.empty()) {
      // As a power cut leaves it before the copy at the beginning is written.
      write_bytes(loop.node(), 0, std::string(static_cast<std::size_t>(2 * disk.facts.sector_size), '\0'));
      { const host::LoopDevice detached = std::move(loop); }
      loop = attach_again(disk);
    } else if (disk.damaged) {
      write_bytes(loop.node(), static_cast<std::uint64_t>(disk.facts.sector_size), std::string(512, 'x'));
      write_bytes(loop.node(), bytes - static_cast<std::uint64_t>(disk.facts.sector_size), std::string(512, 'x'));
    }
    if (!disk.bytes.empty()) {
      // Beside a GPT, or as the only table.
      write_bytes(loop.node(), 0, disk.bytes);
    }
    if (disk.content) {
      make_content(loop.node(), *disk.content);
    }
    for (const auto& partition : disk.partitions) {
      if (partition.content) {
        const host::DeviceRef ref{{}, loop.node(), partition.entry.number};
        make_content(must(linux_.disks.await(ref, std::chrono::seconds(5)), "a partition"), *partition.content);
      }
    }
    return loop;
  }

  static std::uint64_t bytes_before(const host::sim::DiskSpec& disk) {
    std::int64_t end = 0;
    for (const auto& partition : disk.partitions) {
      end = std::max(end, partition.entry.start + partition.entry.size);
    }
    return static_cast<std::uint64_t>(end * disk.facts.sector_size) + (std::uint64_t{1} << 20U);
  }

  void write_table(const host::sim::DiskSpec& disk, const std::string& node) {
    host::Table table;
    table.kind = host::TableKind::gpt;
    table.disk_guid = disk.disk_guid.empty() ? Uuid::derive({"damaged"}) : disk.disk_guid;
    for (const auto& partition : disk.partitions) {
      table.partitions.push_back(partition.entry);
    }
    must(linux_.disks.write_table({node, {}, 0}, table), "writing a table");
  }

  void make_content(const std::string& node, const host::sim::Content& content) {
    if (const auto raw = content.files.find(host::sim::raw_path); content.signature.type.empty()) {
      return raw == content.files.end() ? void() : write_bytes(node, 0, raw->second.content);
    }
    format(node, content.signature);
    if (content.files.size() < 2) {
      return;
    }
    const std::string at = place_ + "/filled";
    fs::create_directories(at);
    must(::mount(node.c_str(), at.c_str(), content.signature.type.c_str(), 0, nullptr) == 0, "mounting");
    make_tree(at, content.files);
    must(::umount(at.c_str()) == 0, "unmounting");
  }

  static void format(const std::string& node, const host::Signature& wanted) {
    if (wanted.type == "crypto_LUKS") {
      return write_bytes(node, 0, luks_header(wanted.uuid));
    }
    if (wanted.type == "LVM2_member") {
      return write_bytes(node, 512, lvm_label(wanted.uuid));
    }
    if (wanted.type == "linux_raid_member") {
      return make_raid_member(node, wanted);
    }
    if (wanted.type == "zfs_member") {
      return make_zfs_member(node);
    }
    if (wanted.type == "bcache") {
      return make_bcache_device(node, wanted);
    }
    std::vector<std::string> arguments;
    const auto add = [&arguments](std::initializer_list<std::string> more) { arguments.insert(arguments.end(), more); };
    if (wanted.type == "vfat") {
      std::string serial = wanted.uuid;
      std::erase(serial, '-');
      add({"-I", "-i", serial});
    } else if (!wanted.uuid.empty()) {
      add(wanted.type == "xfs" ? std::initializer_list<std::string>{"-m", "uuid=" + wanted.uuid}
                               : std::initializer_list<std::string>{"-U", wanted.uuid});
    }
    if (wanted.type == "xfs") {
      // Also smaller than a new one should be.
      add({"--unsupported"});
    }
    if (!wanted.label.empty()) {
      add({wanted.type == "vfat" ? "-n" : "-L", wanted.label});
    }
    add({node});
    must_program(program_of(wanted.type), arguments);
  }

 public:
  static std::string program_of(const std::string& type) { return type == "swap" ? "mkswap" : "mkfs." + type; }

 private:
  const host::sim::MachineSpec& spec_;
  std::string place_;
  host::LinuxFiles own_;
  host::LinuxHost linux_;
  GoldenFirmware firmware_;
  GoldenClock clock_;
  Pages pages_;
  std::optional<cli::ImageDisks> images_;
  std::optional<GoldenDisks> disks_;
};

// --- What is missing here

bool kernel_has(const std::string& type) {
  return read_file("/proc/filesystems").find("\t" + type + "\n") != std::string::npos;
}

bool is_made_by_hand(const std::string& type) {
  constexpr std::array<std::string_view, 6> kinds{"",           "crypto_LUKS", "LVM2_member", "linux_raid_member",
                                                  "zfs_member", "bcache"};
  return std::find(kinds.begin(), kinds.end(), type) != kinds.end();
}

void need_program(const std::string& type, std::vector<std::string>& missing) {
  if (!is_made_by_hand(type) && type != "none" && !have_program(LoopMachine::program_of(type))) {
    missing.push_back(LoopMachine::program_of(type));
  }
}

void need_kernel(const std::string& type, std::vector<std::string>& missing) {
  const std::string words = type + " in the kernel";
  if (!kernel_has(type) && std::find(missing.begin(), missing.end(), words) == missing.end()) {
    missing.push_back(words);
  }
}

// What makes it, and what mounts it where there is something in it.
void need_for_content(const std::optional<host::sim::Content>& content, std::vector<std::string>& missing) {
  if (!content) {
    return;
  }
  need_program(content->signature.type, missing);
  if (content->files.size() >= 2 && !content->signature.type.empty()) {
    need_kernel(content->signature.type, missing);
  }
}

// What is mounted below /run/provision is then really mounted there.
bool keeps_files(const GoldenCase& golden) { return !golden.inventory.root.empty() || !golden.inventory.kept.empty(); }

std::string missing_for(const GoldenCase& golden, const host::sim::MachineSpec& machine) {
  std::vector<std::string> missing;
  if (!golden.inventory.journal.mount.empty()) {
    return "a boot that mounts the journal's file system (tests/vm/kept has one)";
  }
  if (!golden.config.config->storage.raid.empty()) {
    return "md in a kernel of this test's own (tests/vm/raid has one)";
  }
  if (!golden.config.config->storage.luks.empty()) {
    return "device-mapper in a kernel of this test's own (tests/vm/luks has one)";
  }
  if (!golden.config.config->provision.volume_groups.empty()) {
    return "device-mapper in a kernel of this test's own (tests/vm/lvm has one)";
  }
  for (const auto& filesystem : golden.config.config->storage.filesystems) {
    const std::string type = filesystem.format.value_or("");
    if (is_virtiofs(filesystem)) {
      return "a host that shares directories";
    }
    need_program(type, missing);
    const bool is_mounted = filesystem.path || keeps_files(golden);
    if (is_mounted && !type.empty() && type != "swap" && type != "none") {
      need_kernel(type, missing);
    }
  }
  for (const auto& grown : golden.config.config->provision.grown_filesystems) {
    const auto* const filesystem = spec::filesystem_on(*golden.config.config, grown.device);
    if (filesystem != nullptr && filesystem->format.value_or("") == "ext4" && !may_resize_ext4()) {
      missing.emplace_back("the capability to resize an ext4 (CAP_SYS_RESOURCE)");
    }
  }
  if (!golden.config.config->provision.subvolumes.empty() && !(kernel_has("btrfs") && have_program("btrfs"))) {
    missing.emplace_back("btrfs in the kernel, and its program");
  }
  for (const auto& disk : machine.disks) {
    for (const auto& partition : disk.partitions) {
      need_for_content(partition.content, missing);
    }
    if (disk.damaged && disk.content) {
      // Each mkfs clears what is left of a table.
      missing.emplace_back("a file system made without clearing a damaged table");
    }
    if (disk.node != root_node) {
      need_for_content(disk.content, missing);
    }
  }
  for (const auto& program : machine.programs) {
    if (!have_program(program)) {
      missing.push_back(program);
    }
  }
  return join(missing, ", ");
}

GoldenRun run_on_loops(const GoldenCase& golden, const host::sim::MachineSpec& spec) {
  try {
    LoopMachine machine(golden.name, spec);
    return run_golden(machine.host(keeps_files(golden)), golden, spec.target_path, 4);
  } catch (const std::exception& failure) {
    return {{std::string("the machine cannot be made: ") + failure.what()}, 0};
  }
}

void say(const std::string& name, const std::vector<std::string>& complaints) {
  std::printf("%s %s%s\n", complaints.empty() ? "PASS" : "FAIL", name.c_str(),
              complaints.empty() ? "" : ": not as predicted");
  for (const auto& line : complaints) {
    std::printf("    %s\n", line.c_str());
  }
  std::fflush(stdout);
}

std::vector<std::string> refused_on_loops(const GoldenCase& golden, const host::sim::MachineSpec& spec) {
  try {
    LoopMachine machine(golden.name, spec);
    ::sync();
    const Digest before = machine.digest_of_disks();
    auto complaints = refuse_golden(machine.host(keeps_files(golden)), golden, spec.target_path);
    ::sync();
    // A file system that is mounted may be written to by the kernel at any time.
    const bool is_still = std::none_of(spec.mounts.begin(), spec.mounts.end(),
                                       [](const auto& mount) { return mount.device != root_node; });
    if (is_still && before != machine.digest_of_disks()) {
      complaints.emplace_back("a disk was written to");
    }
    return complaints;
  } catch (const std::exception& failure) {
    return {std::string("the machine cannot be made: ") + failure.what()};
  }
}

void refuse_case(const GoldenCase& golden) {
  const auto& storage = golden.config.config->storage;
  const GoldenMachine machine = machine_of(golden);
  const bool possible = machine.missing.empty() && missing_for(golden, machine.spec).empty();
  if (possible && (!storage.disks.empty() || !storage.filesystems.empty())) {
    say(std::string(what_is_refused) + golden.name, refused_on_loops(golden, machine.spec));
  }
}

void run_case(const GoldenCase& golden) {
  const std::string name = std::string(what) + golden.name;
  const GoldenMachine machine = machine_of(golden);
  if (const std::string missing = missing_for(golden, machine.spec); !missing.empty()) {
    std::printf("SKIP %s: %s\n", name.c_str(), missing.c_str());
    return;
  }
  say(name, machine.missing.empty() ? run_on_loops(golden, machine.spec).complaints : machine.missing);
}

int run_all(const std::string& only) {
  for (const auto& ready : {host::make_private_run(), host::ensure_device_nodes()}) {
    if (!ready) {
      say("golden cases on loop devices", {to_string(ready.error())});
      return 1;
    }
  }
  for (const auto& golden : golden_cases()) {
    if (!only.empty() && golden.name != only) {
      continue;
    }
    if (golden.has_plan()) {
      run_case(golden);
    } else if (golden.is_refused()) {
      refuse_case(golden);
    }
  }
  std::fflush(stdout);
  return 0;
}

}  // namespace

// An argument: the one case to run.
int main(int count, char** arguments) {
  const bool loops = ::access("/dev/loop-control", R_OK | W_OK) == 0;
  if (::geteuid() != 0 || !loops) {
    std::printf("SKIP predictions of the golden cases on loop devices: %s\n", loops ? "root" : "/dev/loop-control");
    return 0;
  }
  const std::string only = count > 1 ? arguments[1] : "";
  const auto end = host::run_isolated([&only] { return run_all(only); });
  if (!end || end->signal != 0) {
    say("golden cases on loop devices", {end ? "ended by a signal" : to_string(end.error())});
    return 1;
  }
  return end->status;
}
