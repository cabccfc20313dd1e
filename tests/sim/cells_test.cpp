// SPDX-License-Identifier: Apache-2.0
// What may become of the config on the platforms that bring it on a device or by a URL, as a table: per platform, the
// cells and what a first boot must make of each. The services' own cells are in tests/clouds.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <functional>
#include <string>
#include <vector>

#include "base/text.hpp"
#include "sim/boot.hpp"
#include "sim/machines.hpp"

using namespace provision;
using namespace provision::test;

namespace {

using host::sim::MachineSpec;

// Of config("mine"), by gzip 1.12 and zstd 1.5.4.
const std::string mine = config("mine");

std::string hex_decoded(std::string_view hex) {
  const auto nibble = [](char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(nibble(hex[i]) << 4U | nibble(hex[i + 1]));
  }
  return bytes;
}

const std::string gzipped = hex_decoded(
    "1f8b0800000000000203ab56ca4ccfcb2cc9cccf53b252a8562a4b2d2a86b0958cf54cf40c946a7514948a4bf2"
    "8b12d353c10ad23273528b81ace86aa582c4920c9042fddcccbc54a5dad8da5a00b97582544d000000");
const std::string zstded = hex_decoded(
    "28b52ffd045845020022440f1780c56d7bfc6a125c85824e0c0c89a93b442481c926e820dd471f3517e1764ff8"
    "00be0cbb2f2a89203a2af1de82fe600a437c1506beecae293915e55702008812e1876207c9b4d261");
const std::string encoded =
    "eyJpZ25pdGlvbiI6IHsidmVyc2lvbiI6ICIzLjQuMCJ9LCAic3RvcmFnZSI6IHsiZmlsZXMiOiBbeyJwYXRoIjogIi"
    "9taW5lIn1dfX0=";

std::string in_lines(const std::string& text) { return text.substr(0, 40) + "\n" + text.substr(40) + "\n"; }

// How a platform brings bytes: put into a machine before its first boot.
struct Carrier {
  const char* platform;
  std::function<void(MachineSpec&, const std::string&)> put;
  // A message names what it came from by this.
  const char* document;
  // By the network: fetch-offline asks for it, and fetch gets it.
  bool by_network = false;
};

host::sim::DiskSpec drive_of(const char* node, const char* type, const char* label, const char* path,
                             const std::string& bytes) {
  host::sim::DiskSpec drive;
  drive.node = node;
  drive.facts.sectors = 64 * mib;
  drive.content = host::sim::file_system(
      type, label, "",
      host::sim::tree({{"/ovf-env.xml", host::sim::regular("<E/>")}, {path, host::sim::regular(bytes)}}));
  return drive;
}

constexpr const char* address = "http://192.0.2.1/c";

std::vector<Carrier> carriers() {
  const auto on_drive = [](const char* node, const char* type, const char* label, const char* path) {
    return [=](MachineSpec& spec, const std::string& bytes) {
      spec.disks.push_back(drive_of(node, type, label, path, bytes));
    };
  };
  return {
      {"qemu", [](MachineSpec& spec, const std::string& bytes) { spec.fw_cfg["opt/com.coreos/config"] = bytes; },
       "fw_cfg opt/com.coreos/config"},
      {"qemu",
       [](MachineSpec& spec, const std::string& bytes) {
         spec.has_fw_cfg = false;
         host::sim::DiskSpec drive;
         drive.node = "/dev/vdx";
         drive.facts.serial = "ignition";
         drive.facts.sectors = 64 * mib;
         drive.bytes = bytes;
         spec.disks.push_back(std::move(drive));
       },
       "the virtio block device"},
      {"nocloud", on_drive("/dev/vdx", "vfat", "CIDATA", "/user-data"), "user-data on the cidata drive /dev/vdx"},
      {"nocloud", on_drive("/dev/sr0", "iso9660", "cidata", "/user-data"), "user-data on the cidata drive /dev/sr0"},
      {"openstack", on_drive("/dev/vdx", "iso9660", "config-2", "/openstack/latest/user_data"),
       "openstack/latest/user_data on the config drive /dev/vdx"},
      {"azurestack", on_drive("/dev/sr0", "udf", "rd", "/CustomData.bin"),
       "CustomData.bin on the provisioning DVD /dev/sr0"},
      {"metal",
       [](MachineSpec& spec, const std::string& bytes) {
         spec.command_line += std::string(" ignition.config.url=") + address;
         spec.http[address] = {200, bytes};
       },
       address, true},
  };
}

struct Ending {
  std::string error;
  std::string said;
  std::string files;
};

// Both fetch stages, with `carrier`'s bytes; `change` makes the machine another before it is switched on.
Ending first_boot(const Carrier& carrier, const std::string& bytes,
                  const std::function<void(MachineSpec&)>& change = {}) {
  MachineSpec spec = two_disk_machine();
  carrier.put(spec, bytes);
  if (change) {
    change(spec);
  }
  Boot boot(spec, carrier.platform);
  boot.put("/sys/class/block/sr0/size", "");
  Ending ending;
  ending.error = boot.run("fetch-offline");
  CHECK(boot.has("/run/ignition/neednet") == (ending.error.empty() && carrier.by_network));
  if (ending.error.empty() && carrier.by_network) {
    ending.error = boot.run("fetch");
  }
  ending.error += boot.place().empty() ? "" : " at " + boot.place();
  ending.said = boot.said();
  ending.files = ending.error.empty() ? boot.files() : "";
  return ending;
}

void check_config(const Carrier& carrier, const std::string& bytes) {
  const Ending ending = first_boot(carrier, bytes);
  CHECK(ending.error == "");
  CHECK(ending.files == "mine ");
}

void check_stop(const Carrier& carrier, const std::string& bytes, const std::string& words) {
  const Ending ending = first_boot(carrier, bytes);
  INFO(ending.error);
  CHECK(ending.error.find(carrier.document) != std::string::npos);
  CHECK(ending.error.find(words) != std::string::npos);
}

template <class Do>
void each(Do&& what) {
  for (const auto& carrier : carriers()) {
    CAPTURE(carrier.platform);
    CAPTURE(carrier.document);
    what(carrier);
  }
}

void late(MachineSpec& spec, std::chrono::milliseconds time) { spec.disks.back().appears_after = time; }

}  // namespace

TEST_SUITE_BEGIN("sim cells");

TEST_CASE("cells: a config, as it is and in whatever it is wrapped") {
  each([](const Carrier& carrier) {
    for (const auto& bytes : {mine, mine + std::string(600, '\0'), gzipped, zstded, encoded, in_lines(encoded)}) {
      CAPTURE(bytes.size());
      check_config(carrier, bytes);
    }
  });
}

TEST_CASE("cells: nothing in it is no config where the platform says so, and an error where a URL names it") {
  each([](const Carrier& carrier) {
    for (const std::string_view bytes : {"", " \n"}) {
      const Ending ending = first_boot(carrier, std::string(bytes));
      INFO(ending.error);
      CHECK(ending.files == "");
      const std::string& text = carrier.by_network ? ending.error : ending.said;
      CHECK(text.find(" is empty") != std::string::npos);
      CHECK(ending.error.empty() != carrier.by_network);
    }
  });
}

TEST_CASE("cells: what is another program's") {
  each([](const Carrier& carrier) {
    const Ending ending = first_boot(carrier, "#cloud-config\nusers: []\n");
    INFO(ending.error);
    const std::string& text = carrier.by_network ? ending.error : ending.said;
    CHECK(text.find(" is a cloud-config, which is not for provision") != std::string::npos);
    CHECK(ending.error.empty() != carrier.by_network);
  });
}

TEST_CASE("cells: garbage, cut, damaged, too much") {
  each([](const Carrier& carrier) {
    check_stop(carrier, "\x01\x02garbage", ":1:1");
    check_stop(carrier, mine.substr(0, mine.size() / 2), ":1:");
    // On a device zeros are behind what was cut.
    const bool to_its_end = std::string_view(carrier.document).find("block device") == std::string_view::npos;
    check_stop(carrier, gzipped.substr(0, gzipped.size() - 5),
               to_its_end ? "cannot be read: the gzip bytes end too early" : "the bytes are not gzip, or are damaged");
    check_stop(carrier, zstded.substr(0, zstded.size() - 5),
               to_its_end ? "cannot be read: the zstd bytes end too early" : "the zstd bytes cannot be unpacked: ");
    std::string damaged = gzipped;
    damaged[damaged.size() - 6] = static_cast<char>(~damaged[damaged.size() - 6]);
    check_stop(carrier, damaged, "cannot be read: ");
  });
}

TEST_CASE("cells: too big") {
  // What fits on the drives; fw_cfg has a limit of its own, and the document one for all.
  const std::string big = mine + std::string(std::size_t{17} << 20U, ' ');
  each([&](const Carrier& carrier) {
    const bool device = std::string_view(carrier.platform) != "metal" && carrier.document[0] != 'f';
    if (device) {
      const Ending ending = first_boot(carrier, big);
      INFO(ending.error);
      CHECK(ending.error.find("16777216 bytes") != std::string::npos);
    }
  });
}

TEST_CASE("cells: a drive that comes late is waited for, and the console says so") {
  each([](const Carrier& carrier) {
    // OpenStack's is there from the start or is not: the service is asked then.
    if (carrier.by_network || carrier.document[0] == 'f' || std::string_view(carrier.platform) == "openstack") {
      return;
    }
    const Ending ending =
        first_boot(carrier, mine, [](MachineSpec& spec) { late(spec, std::chrono::milliseconds(6500)); });
    CHECK(ending.error == "");
    CHECK(ending.files == "mine ");
    CHECK(ending.said.find("waiting for ") != std::string::npos);
    CHECK(ending.said.find(": 5 s of ") != std::string::npos);
  });
}

TEST_CASE("cells: what never comes") {
  const auto without = [](const char* platform) {
    MachineSpec spec = two_disk_machine();
    spec.has_fw_cfg = false;
    Boot boot(spec, platform);
    const std::string error = boot.run("fetch-offline");
    return error.empty() ? "no error: " + boot.said() : error;
  };
  CHECK(has(without("qemu"), "there is no fw_cfg device, and the virtio block device with the serial number"));
  CHECK(has(without("nocloud"), "no error: "));
  CHECK(has(without("nocloud"), "no drive labelled cidata came within 30 seconds"));
  CHECK(has(without("openstack"), "no error: the network is needed"));
  CHECK(has(without("azurestack"), "the provisioning DVD of Azure did not come within 120 seconds: there is no drive"));
  CHECK(has(without("metal"), "no config"));
}

TEST_CASE("cells: a drive without the file, and one that holds something else") {
  for (const auto& carrier : carriers()) {
    CAPTURE(carrier.document);
    const std::string_view document = carrier.document;
    if (document.find(" on ") == std::string_view::npos) {
      continue;
    }
    const auto emptied = [](MachineSpec& spec) {
      spec.disks.back().content->files = host::sim::tree({{"/ovf-env.xml", host::sim::regular("")}});
    };
    const Ending none = first_boot(carrier, mine, emptied);
    CHECK(none.error == "");
    CHECK(none.files == "");
    CHECK(none.said.find("there is no " + std::string(document)) != std::string::npos);
    const auto other = [](MachineSpec& spec) { spec.disks.back().content->signature.type = "ext4"; };
    const Ending foreign = first_boot(carrier, mine, other);
    INFO(foreign.error);
    CHECK(foreign.error.find(std::string_view(carrier.platform) == "azurestack"
                                 ? "/dev/sr0 has no disc with udf or iso9660"
                                 : "holds ext4, and the c") != std::string::npos);
  }
}

TEST_CASE("cells: the answers of a config's own server") {
  const auto answered = [](long status, const std::string& body) {
    return first_boot(carriers().back(), mine, [&](MachineSpec& spec) { spec.http[address] = {status, body}; });
  };
  for (const long status : {401L, 403L, 404L, 500L}) {
    const Ending ending = answered(status, "");
    CHECK(has(ending.error, "the server answered " + std::to_string(status)));
    CHECK(has(ending.error, "fetching the config that ignition.config.url= names"));
  }
  for (const std::string page : {"<!DOCTYPE html><p>log in", "\n<html>"}) {
    CHECK(has(answered(200, page).error,
              "the config http://192.0.2.1/c is an HTML page, so something else answers there"));
  }
  const auto silent = [](MachineSpec& spec) { spec.http.clear(); };
  CHECK(has(first_boot(carriers().back(), mine, silent).error, "no answer from http://192.0.2.1/c"));
}

TEST_SUITE_END();
