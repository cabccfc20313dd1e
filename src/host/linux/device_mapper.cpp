// SPDX-License-Identifier: Apache-2.0
#include "host/linux/device_mapper.hpp"

#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <sys/ioctl.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <vector>

#include "base/text.hpp"
#include "host/linux/descriptor.hpp"

namespace provision::host {
namespace {

// "This event is from whoever changed the map": without it udev's rules (10-dm.rules) take it for a spurious one and
// make no links. In the upper half of the event number, which the kernel hands on as DM_COOKIE (libdevmapper.h).
constexpr std::uint32_t primary_source = 0x0040U << 16U;

// One command with its piece of data. The kernel writes its answer over it.
class Command {
 public:
  explicit Command(const std::string& name, const std::string& uuid = {}) : buffer_(bytes) {
    header().version[0] = DM_VERSION_MAJOR;
    header().data_size = bytes;
    header().data_start = sizeof(dm_ioctl);
    fits_ = name.size() < sizeof header().name && uuid.size() < sizeof header().uuid;
    if (fits_) {
      std::memcpy(&header().name[0], name.data(), name.size());
      std::memcpy(&header().uuid[0], uuid.data(), uuid.size());
    }
  }

  dm_ioctl& header() { return *at<dm_ioctl>(0); }

  void set_linear(const std::string& disk_number, const Extent& extent) {
    auto& target = *at<dm_target_spec>(sizeof(dm_ioctl));
    target.length = static_cast<std::uint64_t>(extent.size);
    std::strncpy(&target.target_type[0], "linear", sizeof target.target_type - 1);
    const std::string parameters = disk_number + " " + std::to_string(extent.start);
    std::memcpy(&buffer_[sizeof(dm_ioctl) + sizeof(dm_target_spec)], parameters.data(), parameters.size());
    header().target_count = 1;
  }

  Result<void> run(unsigned long request, const std::string& doing) {
    const std::string sentence = "cannot " + doing + " the map " + std::string(&header().name[0]);
    if (!fits_) {
      return Error(Code::unsupported, sentence + ": its name is too long");
    }
    const Descriptor control(::open("/dev/mapper/control", O_RDWR | O_CLOEXEC));
    if (!control.valid()) {
      return io_error("cannot open /dev/mapper/control");
    }
    if (::ioctl(control.get(), request, buffer_.data()) != 0) {
      const int saved = errno;
      return Error(saved == EBUSY ? Code::device_busy : Code::io, sentence, saved);
    }
    return {};
  }

  // Of the answer to DM_TABLE_STATUS: the parameters of the only target; empty if there are more, or another kind.
  std::string linear_parameters() {
    const auto& target = *at<dm_target_spec>(header().data_start);
    if (header().target_count != 1 || std::string_view(&target.target_type[0]) != "linear") {
      return {};
    }
    return {&buffer_[header().data_start + sizeof(dm_target_spec)]};
  }

 private:
  static constexpr std::size_t bytes = 16384;

  template <class T>
  T* at(std::size_t offset) {
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): the kernel's structures, where it has them
    return reinterpret_cast<T*>(&buffer_[offset]);
  }

  std::vector<char> buffer_;
  bool fits_ = false;
};

Result<void> load_and_resume(const std::string& name, const std::string& disk_number, const Extent& extent) {
  Command load(name);
  load.set_linear(disk_number, extent);
  TRY(load.run(DM_TABLE_LOAD, "load"));
  Command resume(name);
  resume.header().event_nr = primary_source;
  return resume.run(DM_DEV_SUSPEND, "resume");
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = failure == std::errc{} && end == text.data() + text.size();
  return whole && value > 0 ? std::optional(value) : std::nullopt;
}

}  // namespace

std::optional<Mapped> mapped_device(const std::string& sysfs) {
  std::string name = kernel_text(sysfs + "/dm/name");
  if (name.empty()) {
    return std::nullopt;
  }
  return Mapped{std::move(name), kernel_text(sysfs + "/dm/uuid")};
}

std::optional<std::int64_t> partition_number(const Mapped& map, const Mapped& disk) {
  constexpr std::string_view prefix = "part";
  if (!disk.uuid.empty()) {
    const std::size_t dash = map.uuid.find('-');
    const bool ours =
        map.uuid.starts_with(prefix) && dash != std::string::npos && map.uuid.substr(dash + 1) == disk.uuid;
    return ours ? whole_number(std::string_view(map.uuid).substr(prefix.size(), dash - prefix.size())) : std::nullopt;
  }
  const std::string start = partition_map(disk, 1).name;
  const std::string_view stem = std::string_view(start).substr(0, start.size() - 1);
  const std::string_view name = map.name;
  return name.starts_with(stem) ? whole_number(name.substr(stem.size())) : std::nullopt;
}

Mapped partition_map(const Mapped& disk, std::int64_t number) {
  const std::string digits = std::to_string(number);
  const bool ends_in_digit = !disk.name.empty() && disk.name.back() >= '0' && disk.name.back() <= '9';
  return {disk.name + (ends_in_digit ? "p" : "") + digits,
          disk.uuid.empty() ? std::string() : "part" + digits + "-" + disk.uuid};
}

Result<std::int64_t> start_of_map(const std::string& name) {
  Command command(name);
  command.header().flags = DM_STATUS_TABLE_FLAG;
  TRY(command.run(DM_TABLE_STATUS, "look at"));
  const std::string parameters = command.linear_parameters();
  const std::size_t blank = parameters.find(' ');
  std::int64_t start = 0;
  const char* end = parameters.data() + parameters.size();
  const bool linear =
      blank != std::string::npos && std::from_chars(parameters.data() + blank + 1, end, start).ec == std::errc{};
  if (!linear) {
    return Error(Code::unsupported, "the map " + printable(name) + " is not one linear piece");
  }
  return start;
}

Result<void> create_map(const Mapped& map, const std::string& disk_number, const Extent& extent) {
  Command create(map.name, map.uuid);
  TRY(create.run(DM_DEV_CREATE, "create"));
  if (auto loaded = load_and_resume(map.name, disk_number, extent); !loaded) {
    // An empty map would be in the way of the next attempt.
    static_cast<void>(remove_map(map.name));
    return loaded;
  }
  return {};
}

Result<void> resize_map(const std::string& name, const std::string& disk_number, const Extent& extent) {
  // Resuming puts a loaded table in the place of the old one, after what was under way has ended.
  return load_and_resume(name, disk_number, extent);
}

Result<void> remove_map(const std::string& name) {
  Command command(name);
  command.header().event_nr = primary_source;
  return command.run(DM_DEV_REMOVE, "remove");
}

}  // namespace provision::host
