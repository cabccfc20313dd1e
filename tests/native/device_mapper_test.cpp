// SPDX-License-Identifier: Apache-2.0
// Partitions of a device-mapper device: linear maps. Most kernels in containers have no device-mapper.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <unistd.h>

#include "host/linux/block_device.hpp"
#include "host/linux/device_mapper.hpp"
#include "host/linux/disks.hpp"
#include "loop_disk.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;
using host::Mapped;

namespace {

// A map over the whole of a loop device; it and the maps above it go with this object.
class MappedDisk {
 public:
  explicit MappedDisk(std::uint32_t sector_size) : disk_(64, sector_size) {
    const auto below = host::find_device(disk_.ref());
    REQUIRE(why(below) == "");
    map_ = {"provision-test-" + std::to_string(::getpid()), "TEST-" + std::to_string(::getpid())};
    const std::string number = host::kernel_text(below->sysfs + "/dev");
    REQUIRE(why(host::create_map(map_, number, {0, (64 << 20) / 512})) == "");
    node_ = "/dev/" + must_run("ls", {below->sysfs + "/holders"});
    node_.resize(node_.find_last_not_of(" \n") + 1);
  }
  MappedDisk(const MappedDisk&) = delete;
  MappedDisk& operator=(const MappedDisk&) = delete;
  MappedDisk(MappedDisk&&) = delete;
  MappedDisk& operator=(MappedDisk&&) = delete;
  ~MappedDisk() {
    for (std::int64_t number = 1; number < 8; ++number) {
      static_cast<void>(host::remove_map(host::partition_map(map_, number).name));
    }
    static_cast<void>(host::remove_map(map_.name));
  }

  [[nodiscard]] host::DeviceRef ref() const { return {node_, {}, 0}; }
  [[nodiscard]] host::DeviceRef part(std::int64_t number) const { return {{}, node_, number}; }

 private:
  LoopDisk disk_;
  Mapped map_;
  std::string node_;
};

host::Partition entry(std::int64_t number, std::int64_t at, std::int64_t mib, std::int64_t sector_size) {
  const std::int64_t unit = 1048576 / sector_size;
  return {number,
          at * unit,
          mib * unit,
          *Uuid::parse("0fc63daf-8483-4772-8e79-3d69d8477de4"),
          Uuid::derive({std::to_string(number)}),
          ""};
}

}  // namespace

TEST_SUITE_BEGIN("native device mapper");

TEST_CASE("partitions have the names and UUIDs that kpartx gives them") {
  CHECK(host::partition_map({"mpatha", "mpath-3600"}, 2).name == "mpatha2");
  CHECK(host::partition_map({"mpath0", "mpath-3600"}, 2).name == "mpath0p2");
  CHECK(host::partition_map({"mpath0", "mpath-3600"}, 12).uuid == "part12-mpath-3600");
  CHECK(host::partition_map({"plain", ""}, 2).uuid == "");
  CHECK(host::partition_number({"x", "part12-mpath-3600"}, {"mpatha", "mpath-3600"}) == 12);
  CHECK(host::partition_number({"mpath0p3", ""}, {"mpath0", ""}) == 3);
  CHECK(host::partition_number({"plain12", ""}, {"plain", ""}) == 12);
  CHECK(!host::partition_number({"x", "part12-mpath-3601"}, {"mpatha", "mpath-3600"}));
  CHECK(!host::partition_number({"x", "LVM-part1-mpath-3600"}, {"mpatha", "mpath-3600"}));
  CHECK(!host::partition_number({"mpath01", ""}, {"mpath0", ""}));
  CHECK(!host::partition_number({"plain-root", ""}, {"plain", ""}));
  CHECK(!host::mapped_device("/sys/devices/virtual/block/loop0"));
}

TEST_CASE("a table on a mapped disk: maps come, shrink, grow, move and go") {
  NEED_LOOPS();
  // The node alone says nothing: libdevmapper makes it on a kernel without device-mapper too.
  if (!host::open_device("/dev/mapper/control", O_RDWR)) {
    SKIP_TEST("device-mapper in the kernel");
  }
  for (const std::uint32_t sector_size : {512U, 4096U}) {
    CAPTURE(sector_size);
    const MappedDisk disk(sector_size);
    host::LinuxDisks disks;
    host::Table table{host::TableKind::gpt, {}, Uuid::derive({"mapped"}), {}};
    const auto write = [&](std::vector<host::Partition> partitions) {
      table.partitions = std::move(partitions);
      REQUIRE(why(disks.write_table(disk.ref(), table)) == "");
      const auto known = disks.kernel_partitions(disk.ref());
      REQUIRE(why(known) == "");
      REQUIRE(known->size() == table.partitions.size());
      for (std::size_t i = 0; i < known->size(); ++i) {
        CHECK((*known)[i].number == table.partitions[i].number);
        CHECK((*known)[i].start == table.partitions[i].start);
        CHECK((*known)[i].size == table.partitions[i].size);
      }
      CHECK(disks.users(disk.ref())->empty());
    };
    write({entry(1, 1, 8, sector_size), entry(2, 10, 8, sector_size), entry(3, 20, 8, sector_size)});
    if (have_program("mkfs.ext4")) {
      const auto node = disks.await(disk.part(2), std::chrono::seconds(2));
      REQUIRE(why(node) == "");
      must_run("mkfs.ext4", {"-q", "-L", "inside", *node});
      CHECK(disks.probe(disk.part(2))->label == "inside");
    }
    write({entry(1, 1, 4, sector_size), entry(2, 10, 10, sector_size), entry(3, 30, 8, sector_size),
           entry(4, 6, 2, sector_size)});
    write({entry(2, 10, 10, sector_size)});
    if (have_program("mkfs.ext4")) {
      CHECK(disks.probe(disk.part(2))->label == "inside");
    }
    write({});
  }
}

TEST_SUITE_END();
