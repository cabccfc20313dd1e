// SPDX-License-Identifier: Apache-2.0
// The disks stage on real loop devices: planned, carried out, and seen to be what was predicted.
#include <doctest/doctest.h>
#include <unistd.h>

#include <array>

#include "host/filesystem_size.hpp"
#include "host/linux/descriptor.hpp"
#include "host/linux/disks.hpp"
#include "host/linux/linux_host.hpp"
#include "loop_disk.hpp"
#include "support/capability.hpp"
#include "support/skip.hpp"
#include "support/stage_run.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;

namespace {

const Uuid linux_type = *Uuid::parse("0fc63daf-8483-4772-8e79-3d69d8477de4");

// A machine whose root is a folder; each has its own journal.
struct Engine {
  Engine() : folder(new_folder()), linux_host(folder, new_folder()) {}

  Result<StageRun> disks(const spec::Parsed& config) { return run_disks(linux_host.host(), config); }
  // What the next run must not find anything to do for.
  void check_rerun(const spec::Parsed& config) const {
    host::LinuxHost later(folder, new_folder());
    const auto again = run_disks(later.host(), config);
    REQUIRE(why(again) == "");
    CHECK(again->steps() == "");
  }

  std::string folder;
  host::LinuxHost linux_host;
};

StageRun must_provision(Engine& engine, const spec::Parsed& config) {
  auto run = engine.disks(config);
  REQUIRE(why(run) == "");
  check_predicted(*run);
  return *std::move(run);
}

host::Partition entry(std::int64_t number, std::int64_t at, std::int64_t size, const std::string& label,
                      std::int64_t sector_size = 512) {
  const std::int64_t mib = 1048576 / sector_size;
  return {number, at * mib, size * mib, linux_type, Uuid::derive({"entry", label}), label};
}

host::Table gpt(std::vector<host::Partition> partitions) {
  return {host::TableKind::gpt, {}, Uuid::derive({"old disk"}), std::move(partitions)};
}

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

bool kernel_has(const std::string& type) {
  const auto list = host::read_kernel_file("/proc/filesystems").value();
  return list.value_or("").find("\t" + type + "\n") != std::string::npos;
}

// A disk with one partition, and a config that makes this file system on it.
struct Made {
  explicit Made(const std::string& members, std::uint32_t sector_size = 512, std::uint64_t mib = 400)
      : disk(mib, sector_size),
        config(config_of(R"({"disks": [{"device": )" + quoted(disk.node()) +
                         R"(, "partitions": [{"number": 1}]}], "filesystems": [{"device": )" +
                         quoted(disk.node() + "p1") + ", " + members + "}]}")) {}

  LoopDisk disk;
  spec::Parsed config;
};

// Made on both kinds of disks, as predicted; a second run finds it; one that wipes makes it again.
void check_format(const std::string& program, const std::string& members) {
  if (!have_program(program)) {
    SKIP_TEST(program);
  }
  for (const std::uint32_t sector_size : {512U, 4096U}) {
    CAPTURE(sector_size);
    const Made made(members, sector_size);
    Engine engine;
    const StageRun run = must_provision(engine, made.config);
    CHECK(run.plan.steps.size() == 2);
    engine.check_rerun(made.config);
    const Made again(members + R"(, "wipeFilesystem": true)", sector_size);
    Engine wiping;
    must_provision(wiping, again.config);
    Engine second;
    CHECK(must_provision(second, again.config).plan.steps.size() == 1);
  }
}

}  // namespace

TEST_SUITE_BEGIN("native engine disks");

TEST_CASE("ext4") {
  NEED_LOOPS();
  check_format("mkfs.ext4", R"("format": "ext4", "label": "sixteen bytes ok")");
}

TEST_CASE("xfs") {
  NEED_LOOPS();
  check_format("mkfs.xfs", R"("format": "xfs", "label": "twelve bytes", "options": ["-m", "reflink=0"])");
}

TEST_CASE("btrfs") {
  NEED_LOOPS();
  check_format("mkfs.btrfs", R"("format": "btrfs", "label": "a label", "options": ["--mixed"])");
}

TEST_CASE("vfat") {
  NEED_LOOPS();
  check_format("mkfs.vfat", R"("format": "vfat", "label": "ELEVEN BYTE")");
  check_format("mkfs.vfat", R"("format": "vfat", "uuid": "abcd-0123", "options": ["-F", "16"])");
}

TEST_CASE("swap") {
  NEED_LOOPS();
  check_format("mkswap", R"("format": "swap", "label": "fifteen bytes !")");
}

namespace {

// Smaller than the disk, made by `arguments`; the config lets it grow, by a path through which nobody has to wait.
void check_growth(const std::string& type, const std::string& program, std::vector<std::string> arguments) {
  if (!have_program(program)) {
    SKIP_TEST(program);
  }
  if (!kernel_has(type)) {
    SKIP_TEST("a kernel with " + type);
  }
  if (type == "ext4" && !may_resize_ext4()) {
    SKIP_TEST("the capability to resize an ext4 (CAP_SYS_RESOURCE)");
  }
  LoopDisk disk(400, 512);
  arguments.push_back(disk.node());
  must_run(program, arguments);
  disk.grow(1000);
  const std::string device = quoted(disk.node());
  auto config =
      spec::parse("c", R"({"ignition": {"version": "3.6.0+provision.1"}, "storage": {"filesystems": [{"device": )" +
                           device + R"(, "format": )" + quoted(type) +
                           R"(}]}, "provision": {"growFilesystems": [{"device": )" + device + "}]}}");
  REQUIRE(config.config);
  Engine engine;
  host::Disks& disks = engine.linux_host.disks;
  const std::string uuid = disks.probe(disk.ref())->uuid;
  CHECK(disks.filesystem_size(disk.ref())->bytes <= std::int64_t{400} * 1048576);
  CHECK(must_provision(engine, config).steps() == "growth:" + disk.node());
  const auto size = disks.filesystem_size(disk.ref());
  REQUIRE(why(size) == "");
  CHECK(host::fills_device(*size));
  CHECK(size->device_bytes == std::int64_t{1000} * 1048576);
  CHECK(disks.probe(disk.ref())->uuid == uuid);
  // Nobody has it any more.
  CHECK(disks.users(disk.ref())->empty());
  engine.check_rerun(config);
  CHECK(why(disks.grow_filesystem(disk.ref())) == "");
}

}  // namespace

TEST_CASE("growth: an ext4, also with blocks of 1 KiB") {
  NEED_LOOPS();
  check_growth("ext4", "mkfs.ext4", {"-q", "-F"});
  check_growth("ext4", "mkfs.ext4", {"-q", "-F", "-b", "1024"});
}

TEST_CASE("growth: an XFS") {
  NEED_LOOPS();
  check_growth("xfs", "mkfs.xfs", {"-q", "-f"});
}

TEST_CASE("growth: a Btrfs") {
  NEED_LOOPS();
  check_growth("btrfs", "mkfs.btrfs", {"-q", "-f"});
}

TEST_CASE("growth: what has no such file system is told, and not mounted") {
  NEED_LOOPS();
  const LoopDisk disk(64, 512);
  host::LinuxDisks disks;
  CHECK(why(disks.grow_filesystem(disk.ref())) == disk.node() + " has no file system that tells its size");
}

TEST_CASE("none: what is there goes where it may, and else stays") {
  NEED_LOOPS();
  NEED_PROGRAM("mkfs.ext4");
  const LoopDisk disk(64, 512);
  must_run("mkfs.ext4", {"-q", "-F", disk.node()});
  const std::string device = R"({"filesystems": [{"device": )" + quoted(disk.node()) + R"(, "format": "none")";
  Engine engine;
  const auto refused = engine.disks(config_of(device + "}]}"));
  REQUIRE(!refused);
  CHECK(refused.error().code == Code::conflict);
  const auto wiping = config_of(device + R"(, "wipeFilesystem": true}]})");
  Engine second;
  CHECK(must_provision(second, wiping).plan.steps.size() == 1);
  CHECK(engine.linux_host.disks.probe(disk.ref())->type == "");
  second.check_rerun(wiping);
}

TEST_CASE("a file system on a whole disk, of each kind") {
  NEED_LOOPS();
  for (const auto& [format, program] : {std::pair{"ext4", "mkfs.ext4"},
                                        {"xfs", "mkfs.xfs"},
                                        {"btrfs", "mkfs.btrfs"},
                                        {"vfat", "mkfs.vfat"},
                                        {"swap", "mkswap"}}) {
    if (!have_program(program)) {
      SKIP_TEST(program);
    }
    const std::string kind = format;
    CAPTURE(kind);
    const LoopDisk disk(320, 512);
    const auto config =
        config_of(R"({"filesystems": [{"device": )" + quoted(disk.node()) + R"(, "format": ")" + format + R"("}]})");
    Engine engine;
    must_provision(engine, config);
    engine.check_rerun(config);
  }
}

TEST_CASE("what is there is used again by its label and UUID, in any case of letters, and is else a conflict") {
  NEED_LOOPS();
  NEED_PROGRAM("mkfs.vfat");
  const LoopDisk disk(64, 512);
  must_run("mkfs.vfat", {"-I", "-i", "abcd0123", "-n", "OLD", disk.node()});
  const std::string device = R"({"filesystems": [{"device": )" + quoted(disk.node()) + R"(, "format": "vfat", )";
  for (const std::string members : {R"("label": "OLD")", R"("uuid": "ABCD-0123")", R"("uuid": "abcd0123")"}) {
    Engine engine;
    CHECK(must_provision(engine, config_of(device + members + "}]}")).steps() == "");
  }
  for (const std::string members : {R"("label": "NEW")", R"("uuid": "ABCD-0124")", R"("label": "")"}) {
    Engine engine;
    const auto refused = engine.disks(config_of(device + members + "}]}"));
    REQUIRE(!refused);
    CHECK(refused.error().code == Code::conflict);
  }
}

TEST_CASE("a stale signature where a new partition begins is not overwritten unless the config says so") {
  NEED_LOOPS();
  NEED_PROGRAM("mkfs.ext4");
  const LoopDisk disk(64, 512);
  Engine engine;
  auto& disks = engine.linux_host.disks;
  REQUIRE(why(disks.write_table(disk.ref(), gpt({entry(1, 1, 32, "old")}))) == "");
  must_run("mkfs.ext4", {"-q", disks.await(disk.part(1), std::chrono::seconds(2)).value()});
  REQUIRE(why(disks.write_table(disk.ref(), gpt({}))) == "");
  const std::string start = R"({"disks": [{"device": )" + quoted(disk.node()) +
                            R"(, "partitions": [{"number": 1}]}], "filesystems": [{"device": )" +
                            quoted(disk.node() + "p1") + R"(, "format": "ext4")";
  const auto refused = engine.disks(config_of(start + "}]}"));
  REQUIRE(!refused);
  CHECK(refused.error().code == Code::conflict);
  CHECK(disks.probe(disk.part(1))->type == "ext4");
  Engine second;
  must_provision(second, config_of(start + R"(, "wipeFilesystem": true}]})"));
}

TEST_CASE("a disk that has a partition table gets no file system over it unless the config says so") {
  NEED_LOOPS();
  const LoopDisk disk(400, 512);
  host::LinuxDisks disks;
  REQUIRE(disks.write_table(disk.ref(), gpt({entry(1, 1, 100, "data")})));
  const auto before = disks.read_table(disk.ref());
  REQUIRE(before);
  const auto config = [&](const std::string& more) {
    return config_of(R"({"filesystems": [{"device": )" + quoted(disk.node()) + R"(, "format": "ext4")" + more + "}]}");
  };
  Engine engine;
  const auto refused = engine.disks(config(""));
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Code::conflict);
  CHECK(refused.error().what.find("holds gpt (a partition table)") != std::string::npos);
  CHECK(disks.read_table(disk.ref()).value() == *before);
  Engine wiping;
  must_provision(wiping, config(R"(, "wipeFilesystem": true)"));
  CHECK(disks.probe(disk.ref())->type == "ext4");
  wiping.check_rerun(config(""));
}

TEST_CASE("partitions go, shrink, grow, are made anew and come, and what is on the others stays") {
  NEED_LOOPS();
  NEED_PROGRAM("mkfs.ext4");
  for (const std::uint32_t sector_size : {512U, 4096U}) {
    CAPTURE(sector_size);
    const LoopDisk disk(256, sector_size);
    Engine engine;
    auto& disks = engine.linux_host.disks;
    REQUIRE(why(disks.write_table(disk.ref(),
                                  gpt({entry(1, 1, 32, "grows", sector_size), entry(2, 40, 16, "goes", sector_size),
                                       entry(3, 64, 32, "shrinks", sector_size), entry(4, 100, 16, "anew", sector_size),
                                       entry(6, 120, 16, "stays", sector_size)}))) == "");
    for (const std::int64_t number : {1, 6}) {
      must_run("mkfs.ext4", {"-q", "-L", "old" + std::to_string(number),
                             disks.await(disk.part(number), std::chrono::seconds(2)).value()});
    }
    const auto config = config_of(R"({"disks": [{"device": )" + quoted(disk.node()) + R"(, "partitions": [
      {"number": 2, "shouldExist": false, "wipePartitionEntry": true},
      {"number": 1, "resize": true, "sizeMiB": 50},
      {"number": 3, "label": "shrinks", "resize": true, "sizeMiB": 8},
      {"number": 4, "label": "fresh", "startMiB": 80, "sizeMiB": 20, "wipePartitionEntry": true},
      {"label": "rest", "sizeMiB": 0}]}],
      "filesystems": [{"device": ")" +
                                  disk.node() + R"(p1", "format": "ext4", "label": "old1"},
                      {"device": "/dev/disk/by-partlabel/fresh", "format": "ext4"}]})");
    const StageRun run = must_provision(engine, config);
    CHECK(run.steps() == "table:" + disk.node() + " filesystem:/dev/disk/by-partlabel/fresh");
    CHECK(disks.probe(disk.part(1))->label == "old1");
    CHECK(disks.probe(disk.part(6))->label == "old6");
    // The number of the one that went is the lowest free one.
    CHECK(disks.kernel_partitions(disk.ref())->size() == 5);
    CHECK(run.seen.disks[0].entry(2)->label == "rest");
    CHECK(run.seen.disks[0].entry(3)->size * sector_size == 8 << 20);
    engine.check_rerun(config);
  }
}

TEST_CASE("a disk that has grown, with the GUID of its image: repaired, also where nothing else changes") {
  NEED_LOOPS();
  LoopDisk disk(64, 512);
  Engine engine;
  auto& disks = engine.linux_host.disks;
  host::Table image = gpt({entry(1, 1, 8, "boot"), entry(2, 9, 8, "root")});
  image.disk_guid = *Uuid::parse("00000000-0000-0000-0000-000000000001");
  REQUIRE(why(disks.write_table(disk.ref(), image)) == "");
  disk.grow(128);
  CHECK(disks.read_table(disk.ref())->grown);
  const auto config = config_of(R"({"disks": [{"device": )" + quoted(disk.node()) +
                                R"(, "partitions": [{"number": 1, "label": "boot"}]}]})");
  const StageRun run = must_provision(engine, config);
  CHECK(run.steps() == "table:" + disk.node());
  CHECK(run.plan.steps[0].replaces == "");
  CHECK(run.seen.disks[0].table.partitions == image.partitions);
  CHECK(run.seen.disks[0].table.disk_guid != image.disk_guid);
  CHECK(read_bytes(disk.node(), (128ULL << 20U) - 512, 8) == "EFI PART");
  if (have_program("sfdisk")) {
    CHECK(must_run("sfdisk", {"--verify", disk.node()}).find("No errors") != std::string::npos);
  }
  engine.check_rerun(config);
}

TEST_CASE("wipeTable over a damaged table, another kind of table, and something else") {
  NEED_LOOPS();
  NEED_PROGRAM("sfdisk");
  NEED_PROGRAM("mkfs.ext4");
  for (const int kind : {0, 1, 2, 3}) {
    CAPTURE(kind);
    const LoopDisk disk(64, 512);
    Engine engine;
    auto& disks = engine.linux_host.disks;
    if (kind == 0 || kind == 3) {
      REQUIRE(why(disks.write_table(disk.ref(), gpt({entry(1, 1, 8, "old"), entry(2, 20, 8, "old2")}))) == "");
      must_run("sfdisk", {"-q", "--no-reread", "--no-tell-kernel", "--part-attrs", disk.node(), "2", "GUID:63"});
      write_bytes(disk.node(), 512 + 56, kind == 0 ? "xx" : "");
    } else if (kind == 1) {
      must_run("sfdisk", {"-q", "--no-reread", "--no-tell-kernel", disk.node()},
               "label: dos\nstart=2048,size=2048,type=83\n");
    } else {
      must_run("mkfs.ext4", {"-q", "-F", disk.node()});
    }
    const std::string start = R"({"disks": [{"device": )" + quoted(disk.node()) + ", ";
    const std::string partitions = R"("partitions": [{"number": 2, "label": "new", "startMiB": 20}]}]})";
    if (kind != 3) {
      const auto refused = engine.disks(config_of(start + partitions));
      REQUIRE(!refused);
      CHECK(refused.error().code == Code::conflict);
    }
    const auto config = config_of(start + R"("wipeTable": true, )" + partitions);
    Engine second;
    const StageRun run = must_provision(second, config);
    CHECK(run.steps() == "table:" + disk.node());
    CHECK(run.seen.disks[0].table.partitions.size() == 1);
    // Nothing of an old entry is left, its attributes neither.
    CHECK(read_bytes(disk.node(), 1024 + 128 + 48, 8) == std::string(8, '\0'));
    second.check_rerun(config);
  }
}

TEST_CASE("without a journal: a new table that a power cut tore is written again, and one of another is left alone") {
  NEED_LOOPS();
  NEED_PROGRAM("mkfs.ext4");
  constexpr std::uint64_t end = std::uint64_t{64} << 20U;
  struct Part {
    const char* what;
    std::uint64_t offset;
    std::size_t size;
  };
  // In the order in which they are written: 16 KiB of entries, a sector for a header.
  constexpr std::array parts{Part{"the entries at the end", end - 16896, 16384},
                             Part{"the header at the end", end - 512, 512}, Part{"the entries", 1024, 16384},
                             Part{"the header", 512, 512}, Part{"the boot record", 0, 512}};
  const LoopDisk disk(64, 512);
  const auto config = config_of(
      R"({"disks": [{"device": )" + quoted(disk.node()) +
      R"(, "partitions": [{"number": 1, "label": "a", "sizeMiB": 8}, {"label": "b"}]}], "filesystems": [{"device": )" +
      quoted(disk.node() + "p1") + R"(, "format": "ext4"}]})");
  Engine first;
  const StageRun undisturbed = must_provision(first, config);
  for (std::size_t missing = 1; missing <= parts.size(); ++missing) {
    const Part& lost = parts.at(parts.size() - missing);
    CAPTURE(lost.what);
    for (std::size_t i = parts.size() - missing; i < parts.size(); ++i) {
      write_bytes(disk.node(), parts.at(i).offset, std::string(parts.at(i).size, '\0'));
    }
    Engine next;
    const StageRun again = must_provision(next, config);
    CHECK(again.plan.steps.front().id == "table:" + disk.node());
    CHECK(again.seen.disks[0].table == undisturbed.seen.disks[0].table);
    next.check_rerun(config);
  }
  Engine last;
  auto& disks = last.linux_host.disks;
  REQUIRE(why(disks.write_table(disk.ref(), gpt(undisturbed.seen.disks[0].table.partitions))) == "");
  write_bytes(disk.node(), 0, std::string(512, '\0'));
  const auto refused = last.disks(config);
  REQUIRE(!refused);
  CHECK(refused.error().code == Code::conflict);
  CHECK(read_bytes(disk.node(), 0, 512) == std::string(512, '\0'));
}

TEST_CASE("only what is in use blocks its own change") {
  NEED_LOOPS();
  NEED_PROGRAM("mkfs.ext4");
  const LoopDisk disk(128, 512);
  Engine engine;
  auto& host = engine.linux_host;
  REQUIRE(why(host.disks.write_table(disk.ref(), gpt({entry(1, 1, 32, "used"), entry(2, 40, 16, "goes")}))) == "");
  const std::string node = host.disks.await(disk.part(1), std::chrono::seconds(2)).value();
  must_run("mkfs.ext4", {"-q", node});
  const std::string target = new_folder();
  REQUIRE(why(host.mounts.mount(node, target, "ext4", "")) == "");
  const std::string start = R"({"disks": [{"device": )" + quoted(disk.node()) + ", ";
  for (const std::string members :
       {R"("wipeTable": true, "partitions": [])", R"("partitions": [{"number": 1, "resize": true, "sizeMiB": 36}])",
        R"("partitions": [{"number": 1, "shouldExist": false, "wipePartitionEntry": true}])",
        R"("partitions": [{"number": 1, "label": "other", "wipePartitionEntry": true}])"}) {
    const auto refused = engine.disks(config_of(start + members + "}]}"));
    REQUIRE(!refused);
    CHECK(refused.error().code == Code::device_busy);
  }
  Engine second;
  const auto run = must_provision(second, config_of(start + R"("partitions": [
      {"number": 2, "shouldExist": false, "wipePartitionEntry": true}, {"number": 3, "startMiB": 45}]}]})"));
  CHECK(run.seen.disks[0].entry(2) == nullptr);
  CHECK(run.seen.disks[0].partition(1)->users == std::vector{target});
  REQUIRE(why(host.mounts.unmount(target)) == "");
}

TEST_CASE("mounted in the order of their depth, each kind that the kernel has; swap is not mounted") {
  NEED_LOOPS();
  std::string missing;
  for (const std::string format : {"ext4", "xfs", "btrfs", "vfat"}) {
    CAPTURE(format);
    if (!have_program("mkfs." + format) || !kernel_has(format)) {
      missing += (missing.empty() ? "" : ", ") + format;
      continue;
    }
    const LoopDisk disk(800, 512);
    const std::string entries = R"({"device": ")" + disk.node() + R"(p2", "format": ")" + format +
                                R"(", "path": "/a/b", "mountOptions": ["noatime"]}, {"device": ")" + disk.node() +
                                R"(p1", "format": ")" + format + R"(", "path": "/a"}, {"device": ")" + disk.node() +
                                R"(p3", "format": "swap"})";
    const auto config = config_of(R"({"disks": [{"device": )" + quoted(disk.node()) +
                                  R"(, "partitions": [{"number": 1, "sizeMiB": 380}, {"number": 3, "sizeMiB": 8},
                                  {"number": 2, "sizeMiB": 380}]}], "filesystems": [)" +
                                  entries + "]}");
    Engine engine;
    must_provision(engine, config);
    host::Host host = engine.linux_host.host();
    const model::Scope scope{.tables = true, .mounts = true};
    const auto inventory = model::observe(host, config, scope);
    REQUIRE(why(inventory) == "");
    const auto plan = plan::plan_mount({config, *inventory});
    REQUIRE(why(plan) == "");
    CHECK(plan->steps.size() == 2);
    auto journal = run::Journal::open(host.state).value();
    REQUIRE(why(journal.planned(*plan)) == "");
    Quiet quiet;
    const plan::ContentSource contents(*config.config);
    const auto done = run::execute(host, *plan, contents, journal, quiet, {});
    CHECK(why(done) == "");
    const auto seen = model::observe(host, config, scope);
    REQUIRE(why(seen) == "");
    CHECK(seen->mounts.size() == 2);
    CHECK(seen->mounts.back() == host::MountEntry{disk.node() + "p2", "/a/b", format});
    // Doing it again in the same boot finds it done.
    const auto again = run::execute(host, *plan, contents, journal, quiet, {});
    REQUIRE(why(again) == "");
    CHECK(again->at(0).outcome == run::Outcome::already);
    CHECK(why(host.mounts.unmount(engine.folder + "/a/b")) == "");
    CHECK(why(host.mounts.unmount(engine.folder + "/a")) == "");
  }
  if (!missing.empty()) {
    SKIP_TEST("of the kernel or the programs: " + missing);
  }
}

TEST_SUITE_END();
