// SPDX-License-Identifier: Apache-2.0
// Image files in the place of a machine's disks: which file is which disk of the config, a host whose disks are those
// files and nothing else, and the root file system on them.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "host/linux/linux_host.hpp"
#include "host/linux/loop_device.hpp"

namespace provision::cli {

// One --image: FILE[:NAME][:SERIAL].
struct ImageSpec {
  std::string file;
  // How the config calls the disk ("/dev/vda").
  std::string name;
  std::string serial;
  bool operator==(const ImageSpec&) const = default;
};

// The file is the longest part before a colon that is there. An image without a name is the next of /dev/vda,
// /dev/vdb, … Error: no such file, or one name for two images.
Result<std::vector<ImageSpec>> parse_images(const std::vector<std::string>& arguments);

// The names that udev would give to a disk with this name and serial number: whether `path` is one of them. Links by
// serial number are /dev/disk/by-id/BUS-SERIAL or BUS-MODEL_SERIAL.
bool names_disk(const ImageSpec& image, const std::string& path);
// The number, if `path` is such a name of one of its partitions ("/dev/vda1", "…-part1").
std::optional<std::int64_t> names_partition(const ImageSpec& image, const std::string& path);

struct Image {
  ImageSpec spec;
  host::LoopDevice loop;
};

// The disks of a machine that has these images and no other disks: a name of the config never leads to a disk of the
// machine that we run on.
class ImageDisks final : public host::Disks {
 public:
  // What is mounted within `own_mounts` does not count as a user.
  ImageDisks(host::Disks& real, std::vector<Image> images, std::string own_mounts)
      : real_(real), images_(std::move(images)), own_mounts_(std::move(own_mounts)) {}

  Result<std::string> await(const host::DeviceRef& device, std::chrono::milliseconds patience) override;
  Result<host::DiskFacts> facts(const host::DeviceRef& disk) override;
  Result<std::vector<host::WholeDisk>> whole_disks(const host::DiskSearch& search) override;
  Result<host::Table> read_table(const host::DeviceRef& disk) override;
  Result<std::vector<host::Partition>> kernel_partitions(const host::DeviceRef& disk) override;
  Result<void> write_table(const host::DeviceRef& disk, const host::Table& table) override;
  Result<host::Signature> probe(const host::DeviceRef& device) override;
  Result<host::ArrayMember> array_member(const host::DeviceRef& device) override;
  Result<std::string> read(const host::DeviceRef& device, std::size_t max_bytes) override;
  Result<void> write(const host::DeviceRef& device, std::string_view bytes) override;
  Result<void> wipe_signatures(const host::DeviceRef& device) override;
  Result<void> flush(const host::DeviceRef& device) override;
  Result<host::FilesystemSize> filesystem_size(const host::DeviceRef& device) override;
  Result<void> grow_filesystem(const host::DeviceRef& device) override;
  Result<std::vector<std::string>> users(const host::DeviceRef& device) override;

  [[nodiscard]] const std::vector<Image>& images() const { return images_; }

  // A file system on the images.
  struct Found {
    host::DeviceRef device;
    host::Signature signature;
    // For people: "partition 2 of disk.img".
    std::string place;
  };
  Result<std::vector<Found>> filesystems();
  // In the terms of the loop devices.
  Result<host::DeviceRef> real(const host::DeviceRef& device);

 private:
  [[nodiscard]] const Image* image_named(const std::string& path) const;
  Result<std::optional<host::DeviceRef>> by_link(const std::string& path);
  Result<std::optional<host::DeviceRef>> by_table(const std::string& path);
  Result<std::optional<host::DeviceRef>> by_content(const std::string& path);

  host::Disks& real_;
  std::vector<Image> images_;
  std::string own_mounts_;
};

// The headers of encrypted volumes on images. None is made or opened there: an open one would be a device of this
// machine, for all to see, and its key would lie beside the images.
class ImageCrypt final : public host::Crypt {
 public:
  ImageCrypt(host::Crypt& real, ImageDisks& disks) : real_(real), disks_(disks) {}

  Result<host::LuksHeader> header(const host::DeviceRef& device) override;
  Result<void> format(const host::DeviceRef& device, const host::LuksFormat& format, const Secret& key) override;
  Result<void> format_with(const host::DeviceRef& device, const host::LuksFormat& format, const Secret& key,
                           const Secret& volume_key) override;
  Result<bool> open(const host::DeviceRef& device, const std::string& name, const host::LuksOpen& options,
                    const Secret& key) override;
  Result<std::optional<host::OpenVolume>> opened(const std::string& name) override;
  Result<void> close(const std::string& name) override;
  Result<host::LuksSlots> slots(const host::DeviceRef& device) override;
  Result<int> add_key(const host::DeviceRef& device, const Secret& key, const Secret& added) override;
  Result<void> add_token(const host::DeviceRef& device, const std::string& json) override;
  Result<void> remove_slot(const host::DeviceRef& device, int slot) override;
  Result<Secret> new_key(std::size_t bytes) override { return real_.new_key(bytes); }

 private:
  host::Crypt& real_;
  ImageDisks& disks_;
};

// Programs for images: not LVM's, which would look at the devices of this machine, and make some.
class ImageProcesses final : public host::Processes {
 public:
  explicit ImageProcesses(host::Processes& real) : real_(real) {}

  Result<void> must_have(const std::string& program) override;
  Result<host::Exit> run(const host::Command& command) override;

 private:
  host::Processes& real_;
};

// A machine without a name of its own: what is derived for an image depends on the image and the config only, not on
// where it is built. Each run is a boot of its own.
class ImageFirmware final : public host::Firmware {
 public:
  explicit ImageFirmware(std::string boot) : boot_(std::move(boot)) {}
  Result<std::string> command_line() override { return std::string(); }
  Result<std::string> boot_id() override { return boot_; }
  Result<host::Machine> machine() override { return host::Machine{}; }
  Result<std::string> confidential() override { return std::string(); }
  Result<std::optional<std::string>> fw_cfg(std::string_view /*name*/) override { return std::optional<std::string>{}; }
  Result<bool> measure(std::string_view /*event*/) override { return false; }

 private:
  std::string boot_;
};

// Which file system of the images is the root of the machine.
struct RootChoice {
  std::string label;
  // Of the first image.
  std::int64_t partition = 0;
  [[nodiscard]] bool given() const { return !label.empty() || partition != 0; }
};

// Images attached and, for the process that run_isolated() has started, a host of them. The target is empty until
// mount_root(). Everything goes with the object: unmounted, then detached.
class ImageHost {
 public:
  struct Settings {
    std::vector<ImageSpec> images;
    bool read_only = true;
    std::uint32_t sector_size = 512;
    // A directory; empty: the journal lives as long as this process.
    std::string journal;
  };

  static Result<std::unique_ptr<ImageHost>> open(const Settings& settings);
  ImageHost(const ImageHost&) = delete;
  ImageHost& operator=(const ImageHost&) = delete;
  ImageHost(ImageHost&&) = delete;
  ImageHost& operator=(ImageHost&&) = delete;
  ~ImageHost();

  [[nodiscard]] host::Host host();
  [[nodiscard]] ImageDisks& disks() { return disks_; }
  // Code::device_missing, with a list of what is there, if there is no such root.
  Result<ImageDisks::Found> find_root(const RootChoice& choice);
  // Mounts a file system of the images at a path inside the target, read-only where the images are.
  Result<void> mount(const ImageDisks::Found& filesystem, const std::string& path);
  // Unmounts all that is mounted in the target, inner ones first.
  Result<void> unmount_all();

 private:
  ImageHost(std::vector<Image> images, const std::string& state, std::string boot, bool read_only);

  host::LinuxHost machine_;
  ImageDisks disks_;
  ImageCrypt crypt_;
  ImageProcesses processes_;
  ImageFirmware firmware_;
  bool read_only_;
};

}  // namespace provision::cli
