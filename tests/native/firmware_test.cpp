// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <filesystem>

#include "host/linux/firmware.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;

namespace {

// Stands in for modprobe.
class Modprobe final : public host::Processes {
 public:
  Result<host::Exit> run(const host::Command& command) override {
    ++calls;
    if (command.program != "modprobe" || command.arguments != std::vector<std::string>{"qemu_fw_cfg"}) {
      return Error(Code::internal, "not modprobe");
    }
    if (!brings.empty()) {
      std::filesystem::create_directories(brings + "/by_name/opt");
      write_file(brings + "/rev", "1\n");
    }
    return host::Exit{status, "modprobe: FATAL: Module qemu_fw_cfg not found.\n"};
  }

  int calls = 0;
  int status = 0;
  std::string brings;
};

void put_item(const std::string& fw_cfg, const std::string& name, const std::string& content) {
  const std::string item = fw_cfg + "/by_name/" + name;
  std::filesystem::create_directories(item);
  write_file(item + "/raw", content);
  write_file(item + "/size", std::to_string(content.size()) + "\n");
}

}  // namespace

TEST_SUITE_BEGIN("native firmware");

TEST_CASE("junk does not tell machines apart") {
  for (const char* value : {"", " ", "0", "00000000-0000-0000-0000-000000000000",
                            "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "To be filled by O.E.M.", "To Be Filled By O.E.M.",
                            "Not Specified", "None", "none", "Default string", "0123456789", "System Serial Number",
                            "..........", "xxxxxxxx", "03000200-0400-0500-0006-000700080009", "N/A", "Unknown"}) {
    CAPTURE(value);
    CHECK(host::is_junk_identity(value));
  }
  for (const char* value : {"ec2e1916-9099-7caf-fd21-012345abcdef", "VMware-56 4d 1c", "CZC1234567", "7", "10"}) {
    CAPTURE(value);
    CHECK(host::is_junk_identity(value) == (std::string_view(value) == "7"));
  }
}

TEST_CASE("the machine's uuid and serial, without junk") {
  NEED_PRIVATE_FOLDER();
  const std::string dmi = new_folder();
  Modprobe modprobe;
  host::FirmwarePaths paths;
  paths.dmi = dmi;
  host::LinuxFirmware firmware(modprobe, paths);
  CHECK(firmware.machine().value() == host::Machine{});
  write_file(dmi + "/product_uuid", "EC2E1916-9099-7CAF-FD21-012345ABCDEF\n");
  write_file(dmi + "/product_serial", "  CZC123 4567 \n");
  CHECK(firmware.machine().value() == host::Machine{"ec2e1916-9099-7caf-fd21-012345abcdef", "CZC123 4567"});
  write_file(dmi + "/product_uuid", "03000200-0400-0500-0006-000700080009\n");
  write_file(dmi + "/product_serial", "System Serial Number\n");
  CHECK(firmware.machine().value() == host::Machine{});
}

TEST_CASE("the command line and the boot id of this machine") {
  Modprobe modprobe;
  host::LinuxFirmware firmware(modprobe);
  CHECK(why(firmware.command_line()) == "");
  const auto id = firmware.boot_id();
  REQUIRE(why(id) == "");
  CHECK(id->size() == 36);
  CHECK(firmware.boot_id().value() == *id);
}

TEST_CASE("fw_cfg: an item, no item, no way to tell") {
  NEED_PRIVATE_FOLDER();
  Modprobe modprobe;
  host::FirmwarePaths paths;
  paths.fw_cfg = new_folder() + "/qemu_fw_cfg";
  host::LinuxFirmware firmware(modprobe, paths);
  const auto none = firmware.fw_cfg("opt/com.coreos/config");
  REQUIRE(!none);
  CHECK(none.error().code == Code::config_unavailable);
  CHECK(none.error().what.find("is this QEMU?") != std::string::npos);
  CHECK(modprobe.calls == 1);
  modprobe.status = 1;
  CHECK(firmware.fw_cfg("opt/com.coreos/config").error().what.find("not found") != std::string::npos);

  modprobe.brings = paths.fw_cfg;
  const auto absent = firmware.fw_cfg("opt/com.coreos/config");
  REQUIRE(why(absent) == "");
  CHECK(!*absent);
  CHECK(modprobe.calls == 3);
  put_item(paths.fw_cfg, "opt/com.coreos/config", "{}");
  CHECK(firmware.fw_cfg("opt/com.coreos/config").value() == "{}");
  // No key: the ports are not tried.
  const std::string large(300000, 'l');
  put_item(paths.fw_cfg, "opt/large", large);
  CHECK(firmware.fw_cfg("opt/large").value() == large);
  CHECK(!firmware.fw_cfg("opt/none").value());
  CHECK(!firmware.fw_cfg("opt").value());
  CHECK(firmware.fw_cfg("../../etc/passwd").error().code == Code::internal);
  CHECK(modprobe.calls == 3);

  // A size that the content does not have, and one beyond all reason.
  write_file(paths.fw_cfg + "/by_name/opt/large/size", "300001\n");
  CHECK(firmware.fw_cfg("opt/large").error().code == Code::config_unavailable);
  write_file(paths.fw_cfg + "/by_name/opt/large/size", "99999999999\n");
  CHECK(firmware.fw_cfg("opt/large").error().code == Code::config_unavailable);
}

TEST_SUITE_END();
