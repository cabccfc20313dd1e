// The machines that the tests boot.
#pragma once

#include <string>

#include "host/sim/machine.hpp"

namespace provision::test {

inline constexpr std::int64_t mib = 2048;  // sectors

inline Uuid uuid(const std::string& what) { return Uuid::derive({"test", what}); }

inline host::sim::PartitionSpec partition(std::int64_t number, std::int64_t start_mib, std::int64_t size_mib,
                                          const std::string& label, host::sim::Content content) {
  host::Partition entry;
  entry.number = number;
  entry.start = start_mib * mib;
  entry.size = size_mib * mib;
  entry.type = *Uuid::parse("0fc63daf-8483-4772-8e79-3d69d8477de4");
  entry.guid = uuid("partition " + label);
  entry.label = label;
  return {entry, std::move(content)};
}

// The disk of an image: BOOT with the first-boot stamp and our state, and the root with a few files.
inline host::sim::DiskSpec image_disk() {
  using namespace host::sim;
  DiskSpec disk;
  disk.node = "/dev/vda";
  disk.facts = {512, 4096 * mib, "image-disk", "", "pci0000:00/0000:00:01.0/virtio0"};
  disk.disk_guid = uuid("image disk");
  const Tree boot = tree({{"/ignition.firstboot", regular("")}, {"/provision", directory(0700)}});
  const Tree root = tree({{"/etc/os-release", regular("ID=test\n")},
                          {"/etc/systemd/system", directory()},
                          {"/usr/bin", directory()},
                          {"/var", directory()},
                          {"/dev", directory()}});
  disk.partitions = {partition(1, 1, 256, "BOOT", file_system("ext4", "boot", uuid("boot").text(), boot)),
                     partition(2, 257, 2048, "ROOT", file_system("ext4", "root", uuid("root").text(), root))};
  return disk;
}

inline host::sim::DiskSpec blank_disk(const std::string& node, const std::string& serial) {
  host::sim::DiskSpec disk;
  disk.node = node;
  disk.facts = {512, 1024 * mib, serial, "", "pci0000:00/0000:00:02.0/virtio1"};
  return disk;
}

// vda as above, vdb blank.
inline host::sim::MachineSpec two_disk_machine() {
  host::sim::MachineSpec spec;
  spec.identity = {"1b4e28ba-2fa1-11d2-883f-0016d3cca427", "M-1"};
  spec.command_line = "root=LABEL=root ignition.firstboot ignition.platform.id=qemu";
  spec.disks = {image_disk(), blank_disk("/dev/vdb", "data-disk")};
  spec.mounts = {{"/dev/disk/by-partlabel/ROOT", "/sysroot", "ext4", "rw"},
                 {"/dev/disk/by-partlabel/BOOT", "/run/provision/boot", "ext4", "rw"}};
  spec.state_path = "/run/provision/boot/provision";
  return spec;
}

}  // namespace provision::test
