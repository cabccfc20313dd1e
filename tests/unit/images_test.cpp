// SPDX-License-Identifier: Apache-2.0
#include "cli/images.hpp"

#include <doctest/doctest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

using namespace provision;
using cli::ImageSpec;

namespace {

// A folder with the files of these names.
class Folder {
 public:
  explicit Folder(const std::vector<std::string>& files) {
    std::string name = std::filesystem::temp_directory_path() / "images-XXXXXX";
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path = name;
    for (const auto& file : files) {
      std::ofstream(path / file) << "x";
    }
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  Folder(Folder&&) = delete;
  Folder& operator=(Folder&&) = delete;
  ~Folder() { std::filesystem::remove_all(path); }

  [[nodiscard]] std::string operator/(const std::string& file) const { return path / file; }
  std::filesystem::path path;
};

std::string complaint(const std::vector<std::string>& arguments) {
  const auto images = cli::parse_images(arguments);
  return images ? "" : images.error().what;
}

}  // namespace

TEST_CASE("images: file, name and serial number") {
  const Folder folder({"a.img", "b:c.img", "d"});
  const std::string a = folder / "a.img";
  const std::string b = folder / "b:c.img";
  const auto images = cli::parse_images({a, b + ":SN1", a + ":/dev/sda", a + ":/dev/disk/by-path/x:SN 2", b});
  REQUIRE(images);
  CHECK(*images == std::vector<ImageSpec>{{a, "/dev/vda", ""},
                                          {b, "/dev/vdb", "SN1"},
                                          {a, "/dev/sda", ""},
                                          {a, "/dev/disk/by-path/x", "SN 2"},
                                          {b, "/dev/vdc", ""}});
}

TEST_CASE("images: a name that is given is not given to another") {
  const Folder folder({"a", "b", "c"});
  const auto images = cli::parse_images({folder / "a", folder / "b:/dev/vda", folder / "c"});
  REQUIRE(images);
  CHECK((*images)[0].name == "/dev/vdb");
  CHECK((*images)[2].name == "/dev/vdc");
}

TEST_CASE("images: what is wrong is said") {
  const Folder folder({"a"});
  CHECK(complaint({folder / "none"}).find("there is no image file") == 0);
  CHECK(complaint({folder / "a:x:y"}).find("FILE[:NAME][:SERIAL]") != std::string::npos);
  CHECK(complaint({folder / "a:"}).find("FILE[:NAME][:SERIAL]") != std::string::npos);
  CHECK(complaint({folder / "a:/dev/vda", folder / "a:/dev/vda"}) == "two images are called /dev/vda");
  CHECK(complaint({""}).find("there is no image file") == 0);
}

TEST_CASE("images: more disks than letters") {
  const Folder folder({"a"});
  const auto images = cli::parse_images(std::vector<std::string>(28, folder / "a"));
  REQUIRE(images);
  CHECK((*images)[25].name == "/dev/vdz");
  CHECK((*images)[26].name == "/dev/vdaa");
  CHECK((*images)[27].name == "/dev/vdab");
}

TEST_CASE("images: the names of a disk and of its partitions") {
  const ImageSpec image{"f", "/dev/vda", "SN1"};
  CHECK(cli::names_disk(image, "/dev/vda"));
  CHECK(cli::names_disk(image, "/dev/disk/by-id/virtio-SN1"));
  CHECK(cli::names_disk(image, "/dev/disk/by-id/ata-QEMU_HARDDISK_SN1"));
  CHECK_FALSE(cli::names_disk(image, "/dev/disk/by-id/virtio-XSN1"));
  CHECK_FALSE(cli::names_disk(image, "/dev/disk/by-id/virtio-SN1-part1"));
  CHECK_FALSE(cli::names_disk(image, "/dev/vdb"));
  CHECK(cli::names_partition(image, "/dev/vda12") == 12);
  CHECK(cli::names_partition(image, "/dev/disk/by-id/virtio-SN1-part3") == 3);
  CHECK(cli::names_partition(image, "/dev/vda") == std::nullopt);
  CHECK(cli::names_partition(image, "/dev/vdap1") == std::nullopt);
  CHECK(cli::names_partition(image, "/dev/vdb1") == std::nullopt);
  CHECK(cli::names_partition({"f", "/dev/nvme0n1", ""}, "/dev/nvme0n1p4") == 4);
  CHECK(cli::names_partition({"f", "/dev/nvme0n1", ""}, "/dev/nvme0n14") == std::nullopt);
  CHECK_FALSE(cli::names_disk({"f", "/dev/vda", ""}, "/dev/disk/by-id/virtio-"));
}
