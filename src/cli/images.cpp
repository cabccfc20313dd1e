// SPDX-License-Identifier: Apache-2.0
#include "cli/images.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <set>

#include "base/path.hpp"
#include "base/text.hpp"
#include "host/linux/isolation.hpp"
#include "host/linux/mounts.hpp"
#include "model/inventory.hpp"
#include "model/volume_groups.hpp"

namespace provision::cli {
namespace {

constexpr std::string_view target_path = "/run/provision/root";
constexpr std::string_view state_path = "/run/provision/state";

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

// "/dev/vda", …, "/dev/vdz", "/dev/vdaa": as virtio_blk counts.
std::string virtio_name(std::size_t index) {
  std::string letters;
  for (std::size_t rest = index + 1; rest > 0; rest = (rest - 1) / 26) {
    letters.insert(letters.begin(), static_cast<char>('a' + (rest - 1) % 26));
  }
  return "/dev/vd" + letters;
}

Result<void> take_word(ImageSpec& image, const std::string& word) {
  std::string& place = word.starts_with('/') ? image.name : image.serial;
  if (word.empty() || !place.empty()) {
    return Error(Code::usage, "an image is given as FILE[:NAME][:SERIAL], the name as an absolute path");
  }
  place = word;
  return {};
}

Result<ImageSpec> parse_image(const std::string& argument) {
  std::size_t end = argument.size();
  while (!is_there(argument.substr(0, end))) {
    end = end == 0 ? std::string::npos : argument.rfind(':', end - 1);
    if (end == std::string::npos) {
      return Error(Code::usage, "there is no image file " + printable(argument.substr(0, argument.find(':'))), ENOENT);
    }
  }
  ImageSpec image;
  image.file = argument.substr(0, end);
  while (end < argument.size()) {
    const std::size_t next = std::min(argument.find(':', end + 1), argument.size());
    TRY(take_word(image, argument.substr(end + 1, next - end - 1)));
    end = next;
  }
  return image;
}

std::optional<std::int64_t> number_of(std::string_view digits) {
  std::int64_t value = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  const bool whole = failure == std::errc{} && end == digits.data() + digits.size();
  return whole && value > 0 ? std::optional(value) : std::nullopt;
}

struct Split {
  std::string disk;
  std::int64_t number = 0;
};

// A partition's name is its disk's and the number: with "-part" between in links (systemd:
// 60-persistent-storage.rules), with "p" after a digit in the kernel's names, else with nothing.
std::optional<Split> split_partition(const std::string& path) {
  const std::size_t digits = path.find_last_not_of("0123456789") + 1;
  const auto number = number_of(std::string_view(path).substr(digits));
  if (!number) {
    return std::nullopt;
  }
  std::string disk = path.substr(0, digits);
  if (disk.ends_with("-part")) {
    return Split{disk.substr(0, disk.size() - 5), *number};
  }
  const bool after_digit =
      disk.size() >= 2 && disk.ends_with('p') && disk[disk.size() - 2] >= '0' && disk[disk.size() - 2] <= '9';
  if (after_digit) {
    disk.pop_back();
  }
  return Split{std::move(disk), *number};
}

std::string file_name(const Image& image) { return printable(path::name(image.spec.file)); }

Error no_such_device(const host::DeviceRef& device, const std::vector<Image>& images) {
  std::vector<std::string> names;
  names.reserve(images.size());
  for (const auto& image : images) {
    names.push_back(image.spec.name + " (" + file_name(image) +
                    (image.spec.serial.empty() ? "" : ", serial " + printable(image.spec.serial)) + ")");
  }
  const std::string wanted = device.path.empty() ? device.disk : device.path;
  return {Code::device_missing, "no image is, or has, " + printable(wanted) + "; the images are " + join(names, ", ") +
                                    ". Name one with --image FILE:NAME"};
}

Result<std::string> new_boot_id() {
  const std::string id = host::kernel_text("/proc/sys/kernel/random/uuid");
  return id.empty() ? Result<std::string>(host::io_error("cannot read /proc/sys/kernel/random/uuid")) : id;
}

Result<host::Descriptor> open_directory(const std::string& path) {
  host::Descriptor directory(::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!directory.valid()) {
    return Error(Code::usage, "cannot open the directory " + printable(path), errno);
  }
  return directory;
}

// The directories of this run, in the private /run.
Result<void> make_places(const host::Descriptor& journal) {
  TRY(host::make_private_run());
  for (const auto& place : {std::string("/run/provision"), std::string(target_path), std::string(state_path)}) {
    if (::mkdir(place.c_str(), 0755) != 0) {
      return host::io_error("cannot make " + place);
    }
  }
  if (journal.valid()) {
    const std::string source = "/proc/self/fd/" + std::to_string(journal.get());
    if (::mount(source.c_str(), std::string(state_path).c_str(), nullptr, MS_BIND, nullptr) != 0) {
      return host::io_error("cannot use the directory of the journal");
    }
  }
  return {};
}

Result<std::vector<Image>> attach_all(const ImageHost::Settings& settings) {
  std::vector<Image> images;
  for (const auto& spec : settings.images) {
    images.push_back({spec, TRY(host::LoopDevice::attach({spec.file, settings.read_only, settings.sector_size}))});
  }
  return images;
}

std::string list_of(const std::vector<ImageDisks::Found>& found) {
  std::vector<std::string> texts;
  for (const auto& one : found) {
    const std::string label = one.signature.label.empty() ? "no label" : "\"" + printable(one.signature.label) + "\"";
    texts.push_back(label + " (" + one.signature.type + ", " + one.place + ")");
  }
  return texts.empty() ? "there is no file system on the images" : "there are " + join(texts, ", ");
}

}  // namespace

Result<std::vector<ImageSpec>> parse_images(const std::vector<std::string>& arguments) {
  std::vector<ImageSpec> images;
  images.reserve(arguments.size());
  for (const auto& argument : arguments) {
    images.push_back(TRY(parse_image(argument)));
  }
  std::set<std::string> names;
  for (const auto& image : images) {
    if (!image.name.empty() && !names.insert(image.name).second) {
      return Error(Code::usage, "two images are called " + printable(image.name));
    }
  }
  std::size_t next = 0;
  for (auto& image : images) {
    while (image.name.empty()) {
      if (auto name = virtio_name(next++); names.insert(name).second) {
        image.name = std::move(name);
      }
    }
  }
  return images;
}

bool names_disk(const ImageSpec& image, const std::string& path) {
  if (path == image.name) {
    return true;
  }
  const std::string_view link(path);
  if (image.serial.empty() || !link.starts_with("/dev/disk/by-id/") || !link.ends_with(image.serial)) {
    return false;
  }
  const char before = link[link.size() - image.serial.size() - 1];
  return before == '/' || before == '-' || before == '_';
}

std::optional<std::int64_t> names_partition(const ImageSpec& image, const std::string& path) {
  const auto split = split_partition(path);
  return split && names_disk(image, split->disk) ? std::optional(split->number) : std::nullopt;
}

const Image* ImageDisks::image_named(const std::string& path) const {
  const auto found = std::find_if(images_.begin(), images_.end(), [&](const Image& image) {
    return names_disk(image.spec, path) || image.loop.node() == path;
  });
  return found == images_.end() ? nullptr : &*found;
}

Result<std::optional<host::DeviceRef>> ImageDisks::by_link(const std::string& path) {
  for (const auto& image : images_) {
    if (names_disk(image.spec, path) || image.loop.node() == path) {
      return std::optional(host::DeviceRef{image.loop.node(), {}, 0});
    }
    const auto split = split_partition(path);
    const bool of_node = split && split->disk == image.loop.node();
    if (const auto number = of_node ? std::optional(split->number) : names_partition(image.spec, path)) {
      return std::optional(host::DeviceRef{path, image.loop.node(), *number});
    }
  }
  return std::optional<host::DeviceRef>{};
}

Result<std::optional<host::DeviceRef>> ImageDisks::by_table(const std::string& path) {
  model::Inventory tables;
  for (const auto& image : images_) {
    model::DiskView view;
    view.device = image.loop.node();
    view.table = TRY(real_.read_table({image.loop.node(), {}, 0}));
    tables.disks.push_back(std::move(view));
  }
  const host::DeviceRef ref = model::resolve(tables, path);
  return ref.disk.empty() ? std::optional<host::DeviceRef>{} : std::optional(ref);
}

Result<std::optional<host::DeviceRef>> ImageDisks::by_content(const std::string& path) {
  constexpr std::string_view by_label = "/dev/disk/by-label/";
  constexpr std::string_view by_uuid = "/dev/disk/by-uuid/";
  if (!path.starts_with(by_label) && !path.starts_with(by_uuid)) {
    return std::optional<host::DeviceRef>{};
  }
  for (const auto& found : TRY(filesystems())) {
    const host::Signature& signature = found.signature;
    const bool same_label =
        !signature.label.empty() && path == std::string(by_label) + model::udev_encoded(signature.label);
    const bool same_uuid = !signature.uuid.empty() && path == std::string(by_uuid) + signature.uuid;
    if (same_label || same_uuid) {
      return std::optional(found.device);
    }
  }
  return std::optional<host::DeviceRef>{};
}

namespace {

Error not_on_images() { return {Code::unsupported, "encrypted volumes are not made or opened on images"}; }

}  // namespace

Result<host::LuksHeader> ImageCrypt::header(const host::DeviceRef& device) {
  return real_.header(TRY(disks_.real(device)));
}

Result<void> ImageCrypt::format(const host::DeviceRef& /*device*/, const host::LuksFormat& /*format*/,
                                const Secret& /*key*/) {
  return not_on_images();
}

Result<void> ImageCrypt::format_with(const host::DeviceRef& /*device*/, const host::LuksFormat& /*format*/,
                                     const Secret& /*key*/, const Secret& /*volume_key*/) {
  return not_on_images();
}

Result<bool> ImageCrypt::open(const host::DeviceRef& /*device*/, const std::string& /*name*/,
                              const host::LuksOpen& /*options*/, const Secret& /*key*/) {
  return not_on_images();
}

Result<std::optional<host::OpenVolume>> ImageCrypt::opened(const std::string& /*name*/) {
  return std::optional<host::OpenVolume>{};
}

Result<void> ImageCrypt::close(const std::string& /*name*/) { return not_on_images(); }

Result<host::LuksSlots> ImageCrypt::slots(const host::DeviceRef& device) {
  return real_.slots(TRY(disks_.real(device)));
}

Result<int> ImageCrypt::add_key(const host::DeviceRef& /*device*/, const Secret& /*key*/, const Secret& /*added*/) {
  return not_on_images();
}

Result<void> ImageCrypt::add_token(const host::DeviceRef& /*device*/, const std::string& /*json*/) {
  return not_on_images();
}

Result<void> ImageCrypt::remove_slot(const host::DeviceRef& /*device*/, int /*slot*/) { return not_on_images(); }

Result<host::DeviceRef> ImageDisks::real(const host::DeviceRef& device) {
  if (!device.disk.empty() && device.number > 0) {
    if (const Image* image = image_named(device.disk)) {
      return host::DeviceRef{device.path, image->loop.node(), device.number};
    }
    return no_such_device(device, images_);
  }
  for (const auto find : {&ImageDisks::by_link, &ImageDisks::by_table, &ImageDisks::by_content}) {
    if (auto found = TRY((this->*find)(device.path))) {
      return *std::move(found);
    }
  }
  return no_such_device(device, images_);
}

// Nobody else makes devices here: what is not there does not come.
Result<std::string> ImageDisks::await(const host::DeviceRef& device, std::chrono::milliseconds /*patience*/) {
  return real_.await(TRY(real(device)), std::chrono::milliseconds(0));
}

Result<host::DiskFacts> ImageDisks::facts(const host::DeviceRef& disk) {
  const host::DeviceRef ref = TRY(real(disk));
  host::DiskFacts facts = TRY(real_.facts(ref));
  const Image* image = image_named(ref.disk.empty() ? ref.path : ref.disk);
  facts.serial = image != nullptr ? image->spec.serial : "";
  facts.wwn.clear();
  facts.hardware_path.clear();
  return facts;
}

namespace {

// As the kernel names disks. Nothing else tells how the image will be attached.
std::string transport_of(const std::string& name) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> prefixes{
      {{"/dev/vd", "virtio"}, {"/dev/nvme", "nvme"}, {"/dev/mmcblk", "mmc"}, {"/dev/xvd", "xen"}}};
  for (const auto& [prefix, transport] : prefixes) {
    if (name.starts_with(prefix)) {
      return std::string(transport);
    }
  }
  return {};
}

}  // namespace

// There is nothing to wait for.
Result<std::vector<host::WholeDisk>> ImageDisks::whole_disks(const host::DiskSearch& /*search*/) {
  std::vector<host::WholeDisk> disks;
  for (const auto& image : images_) {
    host::WholeDisk disk;
    disk.node = image.spec.name;
    disk.facts = TRY(facts({image.spec.name, {}, 0}));
    disk.transport = transport_of(image.spec.name);
    disks.push_back(std::move(disk));
  }
  return disks;
}

Result<host::Table> ImageDisks::read_table(const host::DeviceRef& disk) { return real_.read_table(TRY(real(disk))); }

Result<std::vector<host::Partition>> ImageDisks::kernel_partitions(const host::DeviceRef& disk) {
  return real_.kernel_partitions(TRY(real(disk)));
}

Result<void> ImageDisks::write_table(const host::DeviceRef& disk, const host::Table& table) {
  return real_.write_table(TRY(real(disk)), table);
}

Result<host::ArrayMember> ImageDisks::array_member(const host::DeviceRef& device) {
  return real_.array_member(TRY(real(device)));
}

Result<host::Signature> ImageDisks::probe(const host::DeviceRef& device) { return real_.probe(TRY(real(device))); }

Result<std::string> ImageDisks::read(const host::DeviceRef& device, std::size_t max_bytes) {
  return real_.read(TRY(real(device)), max_bytes);
}

Result<void> ImageDisks::write(const host::DeviceRef& device, std::string_view bytes) {
  return real_.write(TRY(real(device)), bytes);
}

Result<void> ImageDisks::wipe_signatures(const host::DeviceRef& device) {
  return real_.wipe_signatures(TRY(real(device)));
}

Result<void> ImageDisks::flush(const host::DeviceRef& device) { return real_.flush(TRY(real(device))); }

Result<host::FilesystemSize> ImageDisks::filesystem_size(const host::DeviceRef& device) {
  return real_.filesystem_size(TRY(real(device)));
}

Result<void> ImageDisks::grow_filesystem(const host::DeviceRef& device) {
  return real_.grow_filesystem(TRY(real(device)));
}

Result<std::vector<std::string>> ImageDisks::users(const host::DeviceRef& device) {
  std::vector<std::string> users = TRY(real_.users(TRY(real(device))));
  std::erase_if(users, [&](const std::string& user) { return path::is_within(user, own_mounts_); });
  return users;
}

Result<std::vector<ImageDisks::Found>> ImageDisks::filesystems() {
  std::vector<Found> all;
  for (const auto& image : images_) {
    const host::DeviceRef disk{image.loop.node(), {}, 0};
    std::vector<Found> places{{disk, {}, file_name(image)}};
    for (const auto& partition : TRY(real_.kernel_partitions(disk))) {
      places.push_back({{{}, image.loop.node(), partition.number},
                        {},
                        "partition " + std::to_string(partition.number) + " of " + file_name(image)});
    }
    for (auto& place : places) {
      place.signature = TRY(real_.probe(place.device));
      if (!place.signature.type.empty()) {
        all.push_back(std::move(place));
      }
    }
  }
  return all;
}

Result<void> ImageProcesses::must_have(const std::string& program) {
  if (program == model::lvm_program) {
    return Error(Code::program_missing, "volume groups are not looked at on images: there is no lvm");
  }
  return real_.must_have(program);
}

Result<host::Exit> ImageProcesses::run(const host::Command& command) {
  if (command.program == model::lvm_program) {
    TRY(must_have(command.program));
  }
  return real_.run(command);
}

Result<std::unique_ptr<ImageHost>> ImageHost::open(const Settings& settings) {
  TRY(host::ensure_device_nodes());
  // Before /run is hidden: an image, or the directory of the journal, may lie in there.
  std::vector<Image> images = TRY(attach_all(settings));
  const host::Descriptor journal =
      settings.journal.empty() ? host::Descriptor() : TRY(open_directory(settings.journal));
  TRY(make_places(journal));
  std::string boot = TRY(new_boot_id());
  // make_unique cannot call a private constructor.
  return std::unique_ptr<ImageHost>(
      new ImageHost(std::move(images), std::string(state_path), std::move(boot), settings.read_only));
}

ImageHost::ImageHost(std::vector<Image> images, const std::string& state, std::string boot, bool read_only)
    : machine_(std::string(target_path), state),
      disks_(machine_.disks, std::move(images), std::string(target_path)),
      crypt_(machine_.crypt, disks_),
      processes_(machine_.processes),
      firmware_(std::move(boot)),
      read_only_(read_only) {}

// The mounts would go with the process as well, and the loop devices after them.
ImageHost::~ImageHost() { static_cast<void>(unmount_all()); }

host::Host ImageHost::host() { return machine_.host_with(disks_, crypt_, processes_, firmware_); }

Result<ImageDisks::Found> ImageHost::find_root(const RootChoice& choice) {
  const auto all = TRY(disks_.filesystems());
  const std::string& first = disks_.images().front().loop.node();
  const auto matches = [&](const ImageDisks::Found& found) {
    const bool right_partition = found.device.disk == first && found.device.number == choice.partition;
    return choice.label.empty() ? right_partition : found.signature.label == choice.label;
  };
  const auto found = std::find_if(all.begin(), all.end(), matches);
  const std::string wanted = choice.label.empty() ? "in partition " + std::to_string(choice.partition)
                                                  : "labelled \"" + printable(choice.label) + "\"";
  if (found == all.end()) {
    return Error(Code::device_missing, "no image has a file system " + wanted + ": " + list_of(all));
  }
  if (std::count_if(all.begin(), all.end(), matches) > 1) {
    return Error(Code::usage,
                 "several file systems are " + wanted + ": " + list_of(all) + "; say which by --root-partition");
  }
  return *found;
}

Result<void> ImageHost::mount(const ImageDisks::Found& filesystem, const std::string& path) {
  const std::string node = TRY(disks_.await(filesystem.device, std::chrono::milliseconds(0)));
  const std::string& type = filesystem.signature.type;
  return machine_.mounts.mount(node, path::join(machine_.target_path, path), type,
                               read_only_ ? host::read_only_options(type) : std::string());
}

Result<void> ImageHost::unmount_all() {
  auto mounts = TRY(machine_.mounts.list());
  std::reverse(mounts.begin(), mounts.end());
  for (const auto& entry : mounts) {
    if (path::is_within(entry.target, machine_.target_path)) {
      TRY(machine_.mounts.unmount(entry.target));
    }
  }
  return {};
}

}  // namespace provision::cli
