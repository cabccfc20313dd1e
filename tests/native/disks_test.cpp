// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "base/selector_path.hpp"
#include "host/linux/block_device.hpp"
#include "host/linux/disks.hpp"
#include "host/linux/mounts.hpp"
#include "host/linux/process_start.hpp"
#include "loop_disk.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;
using host::Partition;
using host::Table;
using host::TableKind;

namespace {

const Uuid linux_type = Uuid::parse("0fc63daf-8483-4772-8e79-3d69d8477de4").value();
const Uuid esp_type = Uuid::parse("c12a7328-f81f-11d2-ba4b-00a0c93ec93b").value();
const Uuid disk_guid = Uuid::derive({"disk"});

// Partition `number` of `mib` MiB at `at` MiB.
Partition partition(std::int64_t number, std::int64_t at, std::int64_t mib, std::int64_t sector_size,
                    const std::string& label = "data") {
  const std::int64_t mebibyte = 1048576 / sector_size;
  return {number, at * mebibyte, mib * mebibyte, linux_type, Uuid::derive({"partition", std::to_string(number)}),
          label};
}

Table gpt(std::vector<Partition> partitions) { return {TableKind::gpt, {}, disk_guid, std::move(partitions), 0, 0}; }

std::vector<Partition> places(std::vector<Partition> partitions) {
  for (auto& one : partitions) {
    one.type = one.guid = Uuid();
    one.label.clear();
  }
  return partitions;
}

bool mentions(const std::vector<std::string>& users, const std::string& user) {
  return std::find(users.begin(), users.end(), user) != users.end();
}

}  // namespace

TEST_SUITE_BEGIN("native disks");

TEST_CASE("a blank disk has facts and no table") {
  NEED_LOOPS();
  for (const std::uint32_t sector_size : {512U, 4096U}) {
    CAPTURE(sector_size);
    const LoopDisk disk(32, sector_size);
    host::LinuxDisks disks;
    const auto facts = disks.facts(disk.ref());
    REQUIRE(why(facts) == "");
    CHECK(facts->sector_size == sector_size);
    CHECK(facts->sectors == (32 << 20) / static_cast<std::int64_t>(sector_size));
    CHECK(facts->serial == "");
    CHECK(facts->hardware_path == "");
    const auto table = disks.read_table(disk.ref());
    REQUIRE(why(table) == "");
    CHECK(table->kind == TableKind::none);
    const std::int64_t entries = sector_size == 512 ? 32 : 4;
    CHECK(table->first == 2 + entries);
    CHECK(table->last == facts->sectors - entries - 2);
    const auto signature = disks.probe(disk.ref());
    REQUIRE(why(signature) == "");
    CHECK(*signature == host::Signature{});
  }
}

TEST_CASE("the disks of this machine, as a selector finds them") {
  host::LinuxDisks disks;
  const auto found = disks.whole_disks({}).value();
  if (found.empty()) {
    SKIP_TEST("a disk in this machine");
  }
  for (const auto& disk : found) {
    CAPTURE(disk.node);
    const auto facts = disks.facts({disk.node, {}, 0});
    // A container may see disks that it must not open.
    CHECK((!facts || *facts == disk.facts));
    const bool known =
        std::find(disk_transports.begin(), disk_transports.end(), disk.transport) != disk_transports.end();
    CHECK((known || disk.transport.empty()));
    for (const auto* prefix : {"/dev/loop", "/dev/ram", "/dev/zram", "/dev/dm-", "/dev/md", "/dev/sr", "/dev/fd"}) {
      CHECK_FALSE(disk.node.starts_with(prefix));
    }
  }
}

TEST_CASE("a table is written exactly, read back, and known to the kernel") {
  NEED_LOOPS();
  for (const std::uint32_t sector_size : {512U, 4096U}) {
    CAPTURE(sector_size);
    const LoopDisk disk(64, sector_size);
    host::LinuxDisks disks;
    const auto blank = disks.read_table(disk.ref());
    REQUIRE(why(blank) == "");
    // The first and the last usable sector, unaligned odd sizes, a gap in the numbers, a label that is not ASCII.
    Table wanted = gpt({partition(1, 2, 8, sector_size), partition(3, 20, 5, sector_size, "größer €"),
                        partition(7, 40, 1, sector_size, "")});
    wanted.partitions[0].start = blank->first;
    wanted.partitions[0].size = 1001;
    wanted.partitions[0].type = esp_type;
    wanted.partitions[2].size = blank->last - wanted.partitions[2].start + 1;
    const auto written = disks.write_table(disk.ref(), wanted);
    REQUIRE(why(written) == "");
    const auto table = disks.read_table(disk.ref());
    REQUIRE(why(table) == "");
    wanted.first = blank->first;
    wanted.last = blank->last;
    CHECK(*table == wanted);
    const auto known = disks.kernel_partitions(disk.ref());
    REQUIRE(why(known) == "");
    CHECK(*known == places(wanted.partitions));
    const auto node = disks.await(disk.part(3), std::chrono::seconds(2));
    REQUIRE(why(node) == "");
    CHECK(*node == disk.node() + "p3");
    const auto signature = disks.probe(disk.ref());
    REQUIRE(why(signature) == "");
    CHECK(signature->type == "");
    if (have_program("sfdisk")) {
      CHECK(must_run("sfdisk", {"--verify", disk.node()}).find("No errors") != std::string::npos);
    }
  }
}

TEST_CASE("writing the same table again changes no byte") {
  NEED_LOOPS();
  const LoopDisk disk(32, 512);
  host::LinuxDisks disks;
  const Table wanted = gpt({partition(1, 1, 8, 512), partition(2, 10, 4, 512)});
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  const std::string before = read_bytes(disk.node(), 0, 32ULL << 20U);
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  CHECK(read_bytes(disk.node(), 0, 32ULL << 20U) == before);
  // Nor over copies that have no boot record yet, as a power cut leaves them.
  write_bytes(disk.node(), 0, std::string(512, '\0'));
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  CHECK(read_bytes(disk.node(), 0, 32ULL << 20U) == before);
}

TEST_CASE("what is at the beginning of a device, to its end at most") {
  NEED_LOOPS();
  const LoopDisk disk(1, 512);
  host::LinuxDisks disks;
  write_bytes(disk.node(), 0, "{}");
  CHECK(disks.read(disk.ref(), 4).value() == std::string("{}\0\0", 4));
  CHECK(disks.read(disk.ref(), 64U << 20U).value() == "{}" + std::string((1U << 20U) - 2, '\0'));
  CHECK(disks.read({"/dev/none-such", {}, 0}, 4).error().code == Code::device_missing);
}

TEST_CASE("what is written to a partition or a disk is at its beginning, and what is behind that stays") {
  NEED_LOOPS();
  const LoopDisk disk(16, 512);
  host::LinuxDisks disks;
  REQUIRE(why(disks.write_table(disk.ref(), gpt({partition(1, 1, 2, 512), partition(2, 4, 2, 512)}))) == "");
  const std::string before = read_bytes(disk.node(), 440, 32768);
  REQUIRE(why(disks.write(disk.part(1), std::string(4096, 'l'))) == "");
  REQUIRE(why(disks.write(disk.part(1), "loader")) == "");
  REQUIRE(why(disks.write(disk.ref(), std::string(440, 'c'))) == "");
  CHECK(disks.read(disk.part(1), 4096).value() == "loader" + std::string(4090, 'l'));
  CHECK(disks.read(disk.ref(), 440).value() == std::string(440, 'c'));
  CHECK(read_bytes(disk.node(), 440, 32768) == before);
  CHECK(disks.read_table(disk.ref()).value().partitions.size() == 2);
  CHECK(disks.write({"/dev/none-such", {}, 0}, "x").error().code == Code::device_missing);
}

TEST_CASE("copies without a boot record are read, and are damaged") {
  NEED_LOOPS();
  for (const std::uint32_t sector_size : {512U, 4096U}) {
    CAPTURE(sector_size);
    const LoopDisk disk(32, sector_size);
    host::LinuxDisks disks;
    // Two-byte letters, and entries that are not in a row.
    const Table wanted =
        gpt({partition(2, 1, 8, sector_size, "Gr\u00f6\u00dfe \u20ac"), partition(5, 10, 4, sector_size)});
    REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
    for (const bool primary : {true, false}) {
      CAPTURE(primary);
      // The boot record; then the first header too.
      write_bytes(disk.node(), primary ? 0 : sector_size, std::string(sector_size, '\0'));
      const auto table = disks.read_table(disk.ref());
      REQUIRE(why(table) == "");
      CHECK(table->kind == TableKind::damaged);
      CHECK(table->disk_guid == wanted.disk_guid);
      CHECK(table->partitions == wanted.partitions);
    }
  }
}

TEST_CASE("partitions go, move, grow, shrink and come, and the kernel follows") {
  NEED_LOOPS();
  const LoopDisk disk(64, 512);
  host::LinuxDisks disks;
  REQUIRE(why(disks.write_table(disk.ref(), gpt({partition(1, 1, 8, 512), partition(2, 9, 8, 512),
                                                 partition(3, 17, 8, 512), partition(4, 25, 8, 512)}))) == "");
  // 1 shrinks, 2 goes, 3 moves to the front of it, 4 grows, 5 comes; the places overlap the old ones.
  const Table wanted = gpt(
      {partition(1, 1, 4, 512), partition(3, 5, 12, 512), partition(4, 25, 20, 512), partition(5, 17, 8, 512, "new")});
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  const auto table = disks.read_table(disk.ref());
  REQUIRE(why(table) == "");
  CHECK(table->partitions == wanted.partitions);
  CHECK(*disks.kernel_partitions(disk.ref()) == places(wanted.partitions));
  // All of them go.
  REQUIRE(why(disks.write_table(disk.ref(), gpt({}))) == "");
  CHECK(disks.kernel_partitions(disk.ref())->empty());
  CHECK(disks.read_table(disk.ref())->kind == TableKind::gpt);
}

TEST_CASE("attributes survive a new neighbour, a new label and a new size") {
  NEED_LOOPS();
  NEED_PROGRAM("sfdisk");
  const LoopDisk disk(64, 512);
  host::LinuxDisks disks;
  Table wanted = gpt({partition(1, 1, 8, 512)});
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  must_run("sfdisk", {"-q", "--no-reread", "--no-tell-kernel", "--part-attrs", disk.node(), "1",
                      "RequiredPartition,LegacyBIOSBootable,GUID:56,GUID:63"});
  // The first entry stands at the start of sector 2; its attributes are bytes 48 to 55 (UEFI 2.10, table 5-6).
  const std::string entry = read_bytes(disk.node(), 1024, 128);
  const std::string attributes = entry.substr(48, 8);
  REQUIRE(attributes == std::string("\x05\0\0\0\0\0\0\x81", 8));
  wanted.partitions.push_back(partition(2, 20, 8, 512));
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  CHECK(read_bytes(disk.node(), 1024, 128) == entry);
  wanted.partitions[0].label = "renamed";
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  CHECK(read_bytes(disk.node(), 1024 + 48, 8) == attributes);
  wanted.partitions[0].size *= 2;
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  CHECK(read_bytes(disk.node(), 1024 + 48, 8) == attributes);
  CHECK(disks.read_table(disk.ref())->partitions == wanted.partitions);
}

TEST_CASE("what a GPT can't hold is refused before anything is written") {
  NEED_LOOPS();
  const LoopDisk disk(32, 512);
  host::LinuxDisks disks;
  const auto refused = [&](const Partition& asked) {
    const auto result = disks.write_table(disk.ref(), gpt({asked}));
    REQUIRE(!result);
    MESSAGE("refused: " << to_string(result.error()));
    CHECK(disks.read_table(disk.ref())->kind == TableKind::none);
    CHECK(disks.kernel_partitions(disk.ref())->empty());
    return result.error().code;
  };
  CHECK(refused(partition(1, 1, 8, 512, std::string(37, 'x'))) == Code::unsupported);
  CHECK(refused(partition(1, 1, 8, 512, "\xf0\x9d\x92\xb3")) == Code::unsupported);
  CHECK(refused(partition(129, 1, 8, 512)) == Code::unsupported);
  CHECK(refused(partition(1, 1, 32, 512)) == Code::io);
  Partition early = partition(1, 1, 1, 512);
  early.start = 33;
  CHECK(refused(early) == Code::io);
}

TEST_CASE("a damaged copy is seen and repaired by the next write") {
  NEED_LOOPS();
  const LoopDisk disk(32, 512);
  host::LinuxDisks disks;
  const Table wanted = gpt({partition(1, 1, 8, 512)});
  const std::uint64_t last = (32ULL << 20U) - 512;
  struct Damage {
    const char* what;
    std::uint64_t offset;
  };
  for (const Damage damage :
       {Damage{"primary header", 512 + 56}, Damage{"primary entries", 1024 + 60}, Damage{"backup header", last + 56},
        Damage{"backup entries", last - 16384 + 60}, Damage{"backup signature", last}, Damage{"primary signature", 512},
        Damage{"protective MBR", 510}}) {
    CAPTURE(damage.what);
    REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
    REQUIRE(disks.read_table(disk.ref())->kind == TableKind::gpt);
    const auto byte = static_cast<unsigned char>(read_bytes(disk.node(), damage.offset, 1)[0]);
    write_bytes(disk.node(), damage.offset, std::string(1, static_cast<char>(byte ^ 0xFFU)));
    const auto table = disks.read_table(disk.ref());
    REQUIRE(why(table) == "");
    CHECK(table->kind == TableKind::damaged);
    CHECK(table->partitions == wanted.partitions);
  }
  // Both copies.
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  write_bytes(disk.node(), 512 + 56, "xx");
  write_bytes(disk.node(), last + 56, "xx");
  CHECK(disks.read_table(disk.ref())->kind == TableKind::damaged);
  CHECK(disks.read_table(disk.ref())->partitions.empty());
  // A write makes it whole again.
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  CHECK(disks.read_table(disk.ref())->kind == TableKind::gpt);
  // Nothing left but the protective MBR.
  write_bytes(disk.node(), 512, std::string(512, '\0'));
  write_bytes(disk.node(), last, std::string(512, '\0'));
  CHECK(disks.read_table(disk.ref())->kind == TableKind::damaged);
  write_bytes(disk.node(), 0, std::string(512, '\0'));
  CHECK(disks.read_table(disk.ref())->kind == TableKind::none);
}

TEST_CASE("two whole copies that differ are a damaged table: a write stopped between them") {
  NEED_LOOPS();
  const LoopDisk disk(32, 512);
  host::LinuxDisks disks;
  REQUIRE(why(disks.write_table(disk.ref(), gpt({partition(1, 1, 8, 512)}))) == "");
  const std::string old_primary = read_bytes(disk.node(), 0, std::size_t{34} * 512);
  REQUIRE(why(disks.write_table(disk.ref(), gpt({partition(1, 1, 8, 512), partition(2, 9, 8, 512)}))) == "");
  write_bytes(disk.node(), 0, old_primary);
  const auto table = disks.read_table(disk.ref());
  REQUIRE(why(table) == "");
  CHECK(table->kind == TableKind::damaged);
  CHECK(table->partitions.size() == 1);
}

TEST_CASE("a disk that grew has a whole table and its new room") {
  NEED_LOOPS();
  LoopDisk disk(32, 512);
  host::LinuxDisks disks;
  Table wanted = gpt({partition(1, 1, 8, 512)});
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  disk.grow(64);
  const auto table = disks.read_table(disk.ref());
  REQUIRE(why(table) == "");
  CHECK(table->kind == TableKind::gpt);
  CHECK(table->last == (64 << 20) / 512 - 34);
  CHECK(table->partitions == wanted.partitions);
  wanted.partitions.push_back(partition(2, 40, 8, 512));
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  CHECK(disks.read_table(disk.ref())->partitions == wanted.partitions);
  CHECK(read_bytes(disk.node(), (64ULL << 20U) - 512, 8) == "EFI PART");
}

TEST_CASE("another table is named, and replaced on demand") {
  NEED_LOOPS();
  NEED_PROGRAM("sfdisk");
  const LoopDisk disk(32, 512);
  host::LinuxDisks disks;
  must_run("sfdisk", {"-q", "--no-reread", "--no-tell-kernel", disk.node()},
           "label: dos\nstart=2048,size=2048,type=83\n");
  const auto table = disks.read_table(disk.ref());
  REQUIRE(why(table) == "");
  CHECK(table->kind == TableKind::other);
  CHECK(table->other_name == "dos");
  Table wanted = gpt({partition(1, 1, 8, 512)});
  wanted.partitions[0].start = 34;
  REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
  CHECK(disks.read_table(disk.ref())->kind == TableKind::gpt);
  CHECK(disks.read_table(disk.ref())->partitions == wanted.partitions);
}

TEST_CASE("a FAT on the whole disk is a signature and no table") {
  NEED_LOOPS();
  const LoopDisk disk(32, 512);
  host::LinuxDisks disks;
  // The boot sector of a FAT16 of 65536 sectors: the two bytes at its end are those of an MBR as well.
  std::string sector(512, '\0');
  const auto put = [&](std::size_t offset, std::string_view bytes) { sector.replace(offset, bytes.size(), bytes); };
  put(0, "\xeb\x3c\x90mkfs.fat");
  put(11, std::string_view("\x00\x02\x04\x01\x00\x02\x00\x02\x00\x00\xf8\x40\x00\x20\x00\x02\x00", 17));
  put(32, std::string_view("\x00\x00\x01\x00\x80\x00\x29\x78\x56\x34\x12", 11));
  put(43, "NO NAME    FAT16   ");
  put(446, "some boot code's last words");
  put(510, "\x55\xaa");
  write_bytes(disk.node(), 0, sector);
  CHECK(disks.read_table(disk.ref())->kind == TableKind::none);
  CHECK(disks.probe(disk.ref())->type == "vfat");
}

TEST_CASE("a file system: made, probed, mounted, in use, wiped") {
  NEED_LOOPS();
  NEED_PROGRAM("mkfs.ext4");
  for (const std::uint32_t sector_size : {512U, 4096U}) {
    CAPTURE(sector_size);
    const LoopDisk disk(64, sector_size);
    host::LinuxDisks disks;
    host::LinuxMounts mounts;
    Table wanted = gpt({partition(1, 1, 16, sector_size), partition(2, 20, 16, sector_size)});
    REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
    const std::string node = disks.await(disk.part(1), std::chrono::seconds(2)).value();
    must_run("mkfs.ext4", {"-q", "-L", "root", "-U", "6c3fd4e6-2a4f-4d0b-9b2f-0d8f3a4b5c6d", node});
    CHECK(*disks.probe(disk.part(1)) == host::Signature{"ext4", "root", "6c3fd4e6-2a4f-4d0b-9b2f-0d8f3a4b5c6d", false});
    CHECK(disks.users(disk.ref())->empty());

    const std::string target = new_folder();
    const auto mounted = mounts.mount(node, target, "ext4", "noatime,data=ordered");
    REQUIRE(why(mounted) == "");
    CHECK(mentions(*disks.users(disk.ref()), target));
    CHECK(mentions(*disks.users(disk.part(1)), target));
    CHECK(disks.users(disk.part(2))->empty());

    // Beside what is mounted a partition can come and go; what is mounted can't.
    wanted.partitions.push_back(partition(3, 40, 8, sector_size));
    REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
    CHECK(*disks.kernel_partitions(disk.ref()) == places(wanted.partitions));
    const Table without = gpt({wanted.partitions[1], wanted.partitions[2]});
    const auto busy = disks.write_table(disk.ref(), without);
    REQUIRE(!busy);
    CHECK(busy.error().code == Code::device_busy);
    CHECK(disks.read_table(disk.ref())->partitions == wanted.partitions);
    const auto wipe = disks.wipe_signatures(disk.part(1));
    REQUIRE(!wipe);
    CHECK(wipe.error().code == Code::device_busy);

    // It may grow under its mount.
    wanted.partitions[0].size += 1048576 / sector_size;
    REQUIRE(why(disks.write_table(disk.ref(), wanted)) == "");
    CHECK(*disks.kernel_partitions(disk.ref()) == places(wanted.partitions));

    REQUIRE(why(mounts.unmount(target)) == "");
    REQUIRE(why(disks.wipe_signatures(disk.part(1))) == "");
    CHECK(*disks.probe(disk.part(1)) == host::Signature{});
    REQUIRE(why(disks.flush(disk.part(1))) == "");
    CHECK(disks.read_table(disk.ref())->partitions == wanted.partitions);
  }
}

TEST_CASE("a file system on the whole disk keeps the disk from being cut up") {
  NEED_LOOPS();
  NEED_PROGRAM("mkfs.ext4");
  const LoopDisk disk(32, 512);
  host::LinuxDisks disks;
  host::LinuxMounts mounts;
  must_run("mkfs.ext4", {"-q", "-F", disk.node()});
  CHECK(disks.probe(disk.ref())->type == "ext4");
  CHECK(disks.read_table(disk.ref())->kind == TableKind::none);
  const std::string target = new_folder();
  REQUIRE(why(mounts.mount(disk.node(), target, "ext4", "")) == "");
  CHECK(mentions(*disks.users(disk.ref()), target));
  const auto written = disks.write_table(disk.ref(), gpt({partition(1, 1, 8, 512)}));
  REQUIRE(!written);
  CHECK(written.error().code == Code::device_busy);
  CHECK(disks.probe(disk.ref())->type == "ext4");
  REQUIRE(why(mounts.unmount(target)) == "");
}

TEST_CASE("two signatures are ambivalent, and one wipe takes both") {
  NEED_LOOPS();
  NEED_PROGRAM("mkfs.ext4");
  const LoopDisk disk(32, 512);
  host::LinuxDisks disks;
  must_run("mkfs.ext4", {"-q", "-F", disk.node()});
  // Another one fits into the KiB that ext4 leaves free.
  write_bytes(disk.node(), 0, "-rom1fs-");
  CHECK(disks.probe(disk.ref())->ambivalent);
  REQUIRE(why(disks.wipe_signatures(disk.ref())) == "");
  CHECK(*disks.probe(disk.ref()) == host::Signature{});
}

TEST_CASE("await: what never comes, what comes late, what is no device") {
  NEED_LOOPS();
  host::LinuxDisks disks;
  const auto begin = std::chrono::steady_clock::now();
  const auto never = disks.await({"/dev/provision-no-such-disk", {}, 0}, std::chrono::milliseconds(120));
  REQUIRE(!never);
  CHECK(never.error().code == Code::device_missing);
  const auto took = std::chrono::steady_clock::now() - begin;
  CHECK(took >= std::chrono::milliseconds(120));
  CHECK(took < std::chrono::seconds(5));

  const LoopDisk disk(8, 512);
  const auto partition_missing = disks.await(disk.part(4), std::chrono::milliseconds(10));
  REQUIRE(!partition_missing);
  CHECK(partition_missing.error().code == Code::device_missing);

  const std::string link = new_folder() + "/by-partlabel-root";
  std::thread udev([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(60));
    static_cast<void>(::symlink(disk.node().c_str(), link.c_str()) == 0);
  });
  const auto late = disks.await({link, {}, 0}, std::chrono::seconds(20));
  udev.join();
  REQUIRE(why(late) == "");
  CHECK(*late == disk.node());

  const std::string file = new_folder() + "/file";
  write_file(file, "not a disk");
  CHECK(disks.await({file, {}, 0}, std::chrono::milliseconds(1)).error().code == Code::device_missing);
  CHECK(disks.facts({file, {}, 0}).error().code == Code::device_missing);
}

TEST_CASE("the hardware path leaves out what depends on the order of detection") {
  CHECK(host::hardware_path("/sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda") ==
        "pci0000:00/0000:00:02.0/virtio1");
  CHECK(host::hardware_path("/sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda/vda1") ==
        "pci0000:00/0000:00:02.0/virtio1");
  CHECK(host::hardware_path("/sys/devices/pci0000:00/0000:00:05.0/virtio2/host3/target3:0:1/3:0:1:0/block/sdb") ==
        "pci0000:00/0000:00:05.0/virtio2/host/scsi:0:1/scsi:0:1:0");
  CHECK(host::hardware_path("/sys/devices/pci0000:00/0000:00:04.0/nvme/nvme1/nvme1n2") ==
        "pci0000:00/0000:00:04.0/nvme/nvme/n2");
  CHECK(host::hardware_path("/sys/devices/virtual/block/loop0") == "");
}

// A program has copies of all our descriptors from its birth until it closes them, just before it is itself. One of a
// device that we had claimed alone would keep mkfs off it: "apparently in use by the system".
TEST_CASE("programs that are being started keep nobody off a device that was wiped") {
  NEED_LOOPS();
  const LoopDisk disk(32, 512);
  host::LinuxDisks disks;
  REQUIRE(why(disks.write_table(disk.ref(), gpt({partition(1, 1, 8, 512)}))) == "");
  const auto node = disks.await(disk.part(1), std::chrono::milliseconds(0));
  REQUIRE(why(node) == "");
  const ProgramsStarting starting_programs;
  int kept_off = 0;
  for (int i = 0; i < 1000; ++i) {
    REQUIRE(why(disks.wipe_signatures(disk.part(1))) == "");
    const std::lock_guard starting(host::starting_lock());
    kept_off += host::open_device(*node, O_RDWR | O_EXCL) ? 0 : 1;
  }
  CHECK(kept_off == 0);
}

TEST_SUITE_END();
