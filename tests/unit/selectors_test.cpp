// SPDX-License-Identifier: Apache-2.0
// Disk selectors: their names, what a config may say, which disks they find, and how long one waits for them.
#include "model/selectors.hpp"

#include <doctest/doctest.h>

#include "base/selector_path.hpp"
#include "host/disk_search.hpp"
#include "host/linux/whole_disks.hpp"
#include "spec/references.hpp"
#include "spec/selectors.hpp"

using namespace provision;
using std::chrono::milliseconds;

namespace {

constexpr std::int64_t mib = 2048;  // sectors

host::WholeDisk disk(const std::string& node, const std::string& serial, std::int64_t size_mib = 1000) {
  host::WholeDisk made;
  made.node = node;
  made.facts = {512, size_mib * mib, serial, "naa.500" + serial, "pci/" + node};
  made.model = "Samsung SSD 970 ";
  made.transport = "nvme";
  return made;
}

// A config with these selectors, and a file system on each of these devices.
spec::Parsed config(const std::string& selectors, const std::vector<std::string>& devices) {
  std::string text = R"({"ignition": {"version": "3.6.0+provision.1"},)"
                     "\n"
                     R"("provision": {"diskSelectors": [)" +
                     selectors +
                     "]},\n"
                     R"("storage": {"filesystems": [)";
  for (const auto& device : devices) {
    text += (device == devices.front() ? "" : ",") + std::string(R"({"device": ")") + device + R"("})";
  }
  return spec::parse("c", text + "]}}");
}

const std::string data = "/dev/disk/by-selector/data";

// What the one selector, which says `properties`, finds: nodes, or the error.
std::string found(const std::string& properties, const std::vector<host::WholeDisk>& disks) {
  const auto parsed = config(R"({"name": "data", )" + properties + "}", {data});
  REQUIRE(parsed.config.has_value());
  const auto selected = model::select_disks(parsed, disks);
  if (!selected) {
    CHECK(to_string(selected.error().origin.value()) == "c:2:42");
    return std::string(row(selected.error().code).name) + ": " + selected.error().what;
  }
  REQUIRE(selected->size() == 1);
  return selected->front().disk.node;
}

std::vector<std::string> notes_of(spec::Parsed parsed) {
  std::vector<std::string> notes;
  spec::add_reference_notes(parsed);
  for (const auto& note : parsed.notes.all) {
    notes.push_back(std::to_string(note.origin.line) + " " + std::string(name_of(note.severity)) + " " +
                    note.origin.path + " " + note.text + " (" + note.hint + ")");
  }
  return notes;
}

bool has(const std::string& text, std::string_view part) {
  INFO(text);
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_SUITE_BEGIN("selectors");

TEST_CASE("selectors: the paths of disks and of their partitions") {
  CHECK(parse_selector_path(data).value() == SelectorPath{"data", 0});
  CHECK(parse_selector_path(data + "-part12").value() == SelectorPath{"data", 12});
  CHECK(parse_selector_path(data + "-part0").value() == SelectorPath{"data-part0", 0});
  CHECK(parse_selector_path(data + "-part01").value() == SelectorPath{"data-part01", 0});
  CHECK(parse_selector_path(data + "-part-1").value() == SelectorPath{"data-part-1", 0});
  CHECK(parse_selector_path(data + "-part1x").value() == SelectorPath{"data-part1x", 0});
  CHECK(parse_selector_path(data + "-part1-part2").value() == SelectorPath{"data-part1", 2});
  CHECK_FALSE(parse_selector_path("/dev/disk/by-id/data").has_value());
  for (const auto* name : {"data", "a", "0", "a.b-c_d", "root-part", "x-part0"}) {
    CHECK(is_selector_name(name));
  }
  for (const auto* name : {"", ".", "..", "-a", "a/b", "a b", "a-part1", "\xc3\xa4"}) {
    CHECK_FALSE(is_selector_name(name));
  }
  CHECK(is_selector_name(std::string(64, 'a')));
  CHECK_FALSE(is_selector_name(std::string(65, 'a')));
}

TEST_CASE("selectors: a whole config has those that it uses, and uses those that it has") {
  const std::string two = R"({"name": "data", "serial": "1"}, {"name": "log", "serial": "2"})";
  CHECK(notes_of(config(two, {data + "-part1", "/dev/disk/by-selector/log"})).empty());
  CHECK(notes_of(config(two, {data})) ==
        std::vector<std::string>{
            "2 warning $.provision.diskSelectors.1.name nothing uses the disk selector \"log\" (name "
            "its disk /dev/disk/by-selector/log)"});
  CHECK(
      notes_of(config(two, {data, "/dev/disk/by-selector/log", "/dev/disk/by-selector/lgo-part1"})) ==
      std::vector<std::string>{"3 error $.storage.filesystems.2.device the config has no disk selector \"lgo\" (it has "
                               "data, log)"});
  CHECK(notes_of(config("", {data})) ==
        std::vector<std::string>{
            "3 error $.storage.filesystems.0.device the config has no disk selector \"data\" (it has "
            "none: add one to $.provision.diskSelectors)"});
}

TEST_CASE("selectors: what others bring is not missed before they are there") {
  auto parsed = spec::parse("c", R"({"ignition": {"version": "3.6.0+provision.1",
    "config": {"merge": [{"source": "http://x/"}]}}, "storage": {"disks": [{"device": "/dev/disk/by-selector/data"}]}})");
  REQUIRE(parsed.config.has_value());
  CHECK(spec::selector_notes(parsed).all.empty());
}

TEST_CASE("selectors: each property must hold, exactly, but for padding") {
  const std::vector<host::WholeDisk> disks{disk("/dev/a", "S1"), disk("/dev/b", "S2", 2000)};
  CHECK(found(R"("serial": "S1")", disks) == "/dev/a");
  CHECK(found(R"("serial": "S2 ")", disks) == "/dev/b");
  CHECK(has(found(R"("serial": "s1")", disks), "has another serial number"));
  CHECK(has(found(R"("serial": "S")", disks), "has another serial number"));
  CHECK(found(R"("wwn": "0x500s2")", disks) == "/dev/b");
  CHECK(found(R"("wwn": "naa.500S2")", disks) == "/dev/b");
  CHECK(found(R"("model": "Samsung SSD 970", "minSizeMiB": 1001)", disks) == "/dev/b");
  CHECK(found(R"("minSizeMiB": 2000)", disks) == "/dev/b");
  CHECK(found(R"("maxSizeMiB": 1000)", disks) == "/dev/a");
  CHECK(has(found(R"("minSizeMiB": 2001)", disks), "is too small"));
  CHECK(has(found(R"("maxSizeMiB": 999)", disks), "is too large"));
  auto odd = disks;
  odd[0].facts.sectors += 1;
  CHECK(has(found(R"("maxSizeMiB": 1000)", odd), "is too large"));
  CHECK(found(R"("serial": "S1", "maxSizeMiB": 1001)", odd) == "/dev/a");
}

TEST_CASE("selectors: where no disk fits, each is told, with what does not hold") {
  std::vector<host::WholeDisk> disks{disk("/dev/a", "S1"), disk("/dev/b", ""), disk("/dev/c", "S3")};
  disks[1].facts.wwn.clear();
  disks[1].transport = "usb";
  disks[2].unfit = "is read-only";
  CHECK(
      found(R"("serial": "S3", "transport": "nvme")", disks) ==
      "device-missing: no disk is what the selector \"data\" says: /dev/a (model \"Samsung SSD 970 \", serial \"S1\", "
      "wwn 0x500s1, nvme, 1000 MiB) has another serial number; /dev/b (model \"Samsung SSD 970 \", usb, 1000 MiB) has "
      "no serial number that is known and another transport; /dev/c (model \"Samsung SSD 970 \", serial \"S3\", "
      "wwn "
      "0x500s3, nvme, 1000 MiB) is read-only");
  CHECK(found(R"("serial": "S3")", {}) ==
        "device-missing: no disk is what the selector \"data\" says: no disk of this machine is known");
}

TEST_CASE("selectors: where several fit, none is taken, and it is said what to add") {
  std::vector<host::WholeDisk> disks{disk("/dev/a", "S1"), disk("/dev/b", "S2"), disk("/dev/c", "S3")};
  disks[2].transport = "usb";
  const auto hint = [&] {
    const std::string text = found(R"("transport": "nvme")", disks);
    CHECK(has(text, "bad-config: 2 disks are what the selector \"data\" says: /dev/a ("));
    return text.substr(text.find("It must name one: "));
  };
  CHECK(hint() == "It must name one: add the serial of the one that is meant");
  disks[1].facts.serial = "S1";
  CHECK(hint() == "It must name one: add the wwn of the one that is meant");
  disks[1].facts.wwn.clear();
  disks[1].facts.sectors += mib;
  CHECK(hint() == "It must name one: add the size of the one that is meant, as minSizeMiB and maxSizeMiB");
  disks[1].facts.sectors -= mib;
  disks[1].model = "other";
  CHECK(hint() == "It must name one: add the model of the one that is meant");
  disks[1].model = disks[0].model;
  CHECK(has(hint(), "no property of theirs tells them apart: name the disk by its place"));
}

TEST_CASE("selectors: two of them never name the same disk") {
  const auto parsed = config(R"({"name": "data", "serial": "S1"}, {"name": "log", "transport": "nvme"})",
                             {data, "/dev/disk/by-selector/log"});
  const auto selected = model::select_disks(parsed, {disk("/dev/a", "S1")});
  REQUIRE_FALSE(selected.has_value());
  CHECK(selected.error().code == Code::bad_config);
  CHECK(has(selected.error().what, "the selectors \"data\" and \"log\" name the same disk, /dev/a ("));
}

TEST_CASE("selectors: one that nothing uses is not looked for") {
  const auto parsed = config(R"({"name": "data", "serial": "S1"}, {"name": "log", "serial": "none"})", {data});
  CHECK(model::select_disks(parsed, {disk("/dev/a", "S1")}).value().size() == 1);
  CHECK(model::all_found(*parsed.config, {disk("/dev/a", "S1")}));
  CHECK_FALSE(model::all_found(*parsed.config, {disk("/dev/a", "S2")}));
}

TEST_CASE("selectors: a disk is the same by what identifies it, wherever it is now") {
  auto one = disk("/dev/a", "S1");
  auto other = disk("/dev/b", "S1");
  CHECK(model::is_same_disk(one, other));
  other.facts.sectors += 8;
  CHECK_FALSE(model::is_same_disk(one, other));
  other = disk("/dev/a", "S2");
  CHECK_FALSE(model::is_same_disk(one, other));
  other = one;
  other.facts.serial.clear();
  CHECK_FALSE(model::is_same_disk(one, other));
  for (auto* nameless : {&one, &other}) {
    nameless->facts.serial.clear();
    nameless->facts.wwn.clear();
  }
  CHECK(model::is_same_disk(one, other));
  other.facts.hardware_path = "pci/elsewhere";
  CHECK_FALSE(model::is_same_disk(one, other));
}

TEST_CASE("selectors: how a disk is attached, by its place in sysfs") {
  const std::vector<std::pair<std::string, std::string>> places{
      {"/sys/devices/pci0000:00/0000:00:02.0/virtio1/block/vda", "virtio"},
      {"/sys/devices/pci0000:00/0000:00:02.0/virtio1/host0/target0:0:0/0:0:0:0/block/sda", "scsi"},
      {"/sys/devices/pci0000:00/0000:00:04.0/nvme/nvme0/nvme0n1", "nvme"},
      {"/sys/devices/virtual/nvme-subsystem/nvme-subsys0/nvme0n1", "nvme"},
      {"/sys/devices/pci0000:00/0000:00:1f.2/ata2/host1/target1:0:0/1:0:0:0/block/sda", "sata"},
      {"/sys/devices/pci0000:00/0000:00:14.0/usb2/2-1/2-1:1.0/host6/target6:0:0/6:0:0:0/block/sdb", "usb"},
      {"/sys/devices/pci0000:3a/0000:3b:00.0/host0/port-0:0/end_device-0:0/target0:0:0/0:0:0:0/block/sda", "sas"},
      {"/sys/devices/pci0000:3a/0000:3b:00.0/host7/rport-7:0-1/target7:0:0/7:0:0:1/block/sdc", "fc"},
      {"/sys/devices/platform/host8/session1/target8:0:0/8:0:0:1/block/sdd", "iscsi"},
      {"/sys/devices/platform/fe320000.mmc/mmc_host/mmc0/mmc0:0001/block/mmcblk0", "mmc"},
      {"/sys/devices/vbd-51712/block/xvda", "xen"},
      {"/sys/devices/css0/0.0.0000/0.0.0100/block/dasda", ""},
  };
  for (const auto& place : places) {
    const std::string& transport = place.second;
    CAPTURE(place.first);
    CHECK(host::transport_of(place.first) == transport);
    CHECK((transport.empty() ||
           std::find(disk_transports.begin(), disk_transports.end(), transport) != disk_transports.end()));
  }
  for (const auto* name : {"sr0", "fd0", "mmcblk0boot0", "mmcblk0rpmb", "mmcblk1gp0"}) {
    CHECK(host::is_no_disk(name));
  }
  for (const auto* name : {"sda", "vda", "nvme0n1", "mmcblk0"}) {
    CHECK_FALSE(host::is_no_disk(name));
  }
}

namespace {

// Disks that appear one after another, a tenth of a second apart from the given look on.
struct Machine {
  std::vector<host::WholeDisk> coming;
  std::vector<int> at;
  int busy_until = 0;
  int looks = 0;

  std::size_t search(milliseconds patience, milliseconds quiet, std::size_t enough) {
    looks = 0;
    const host::DiskWatch watch{[this]() -> Result<std::vector<host::WholeDisk>> {
                                  std::vector<host::WholeDisk> there;
                                  for (std::size_t i = 0; i < coming.size(); ++i) {
                                    if (at[i] <= looks) {
                                      there.push_back(coming[i]);
                                    }
                                  }
                                  ++looks;
                                  return there;
                                },
                                [this] { return looks > busy_until; }, [](milliseconds /*time*/) {}};
    const host::DiskSearch search{"disks", [enough](const auto& disks) { return disks.size() >= enough; }, patience,
                                  quiet};
    return host::search_disks(search, watch).value().size();
  }
};

}  // namespace

TEST_CASE("selectors: waiting ends with the disk, with the quiet after it, or with the patience") {
  Machine machine{{disk("/dev/a", "S1"), disk("/dev/b", "S2")}, {3, 5}};
  CHECK(machine.search(milliseconds(0), milliseconds(1000), 1) == 0);
  CHECK(machine.looks == 1);
  CHECK(machine.search(milliseconds(5000), milliseconds(0), 1) == 1);
  CHECK(machine.looks == 4);
  // The second one comes in what would have been the quiet.
  CHECK(machine.search(milliseconds(5000), milliseconds(300), 1) == 2);
  CHECK(machine.looks == 9);
  CHECK(machine.search(milliseconds(400), milliseconds(300), 1) == 2);
  CHECK(machine.search(milliseconds(1000), milliseconds(0), 3) == 2);
  CHECK(machine.looks == 11);
  // udev is still at work.
  machine.busy_until = 20;
  CHECK(machine.search(milliseconds(5000), milliseconds(300), 1) == 2);
  CHECK(machine.looks == 23);
}

TEST_CASE("selectors: a machine that is never quiet is not waited for without end") {
  Machine machine{{disk("/dev/a", "S1")}, {0}};
  machine.busy_until = 1 << 30;
  CHECK(machine.search(milliseconds(1000), milliseconds(300), 1) == 1);
  CHECK(machine.looks == 41);
}

TEST_SUITE_END();
