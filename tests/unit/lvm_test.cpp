// SPDX-License-Identifier: Apache-2.0
// LVM: names and UUIDs in its form, what it reports, and what a config may not ask of it.
#include <doctest/doctest.h>

#include "model/volume_groups.hpp"
#include "plan/identity.hpp"
#include "plan/unsupported.hpp"
#include "spec/parse.hpp"
#include "spec/volume_groups.hpp"

using namespace provision;

namespace {

spec::Parsed config_of(const std::string& groups, const std::string& storage = "{}") {
  return spec::parse("c", R"({"ignition": {"version": "3.6.0+provision.1"}, "provision": {"volumeGroups": [)" + groups +
                              R"(]}, "storage": )" + storage + "}");
}

std::string first_note(const spec::Parsed& parsed) {
  return parsed.notes.all.empty() ? std::string() : parsed.notes.all.front().text;
}

std::string refusal(const std::string& groups, const std::string& storage) {
  const spec::Parsed parsed = config_of(groups, storage);
  REQUIRE_MESSAGE(parsed.config.has_value(), first_note(parsed));
  const auto error = plan::unsupported(parsed);
  return error ? error->what : std::string();
}

}  // namespace

TEST_CASE("a UUID in LVM's form has all digits of the one that it is made of") {
  const auto uuid = Uuid::parse("01234567-89ab-cdef-0123-456789abcdef");
  REQUIRE(uuid.has_value());
  CHECK(model::physical_uuid(*uuid) == "012345-6789-abcd-ef01-2345-6789-abcdef");
}

TEST_CASE("names of logical volumes: hyphens are doubled where one stands between group and volume") {
  CHECK(model::logical_path("my-vg", "a-b") == "/dev/my-vg/a-b");
  CHECK(model::mapper_name("my-vg", "a-b") == "my--vg-a--b");
  const auto parsed = config_of(R"({"name": "my-vg", "devices": ["/dev/vda"], "logicalVolumes": [{"name": "a-b"}]})");
  REQUIRE(parsed.config.has_value());
  const auto named = model::logical_volume_named(*parsed.config, "/dev/my-vg/a-b");
  REQUIRE(named.has_value());
  CHECK(named->volume->name == "a-b");
  CHECK_FALSE(model::logical_volume_named(*parsed.config, "/dev/mapper/my--vg-a--b").has_value());
  CHECK(model::logical_volume_mapped(*parsed.config, "/dev/mapper/my--vg-a--b").has_value());
}

TEST_CASE("the report of LVM: groups with their physical and logical volumes, also where one is missing") {
  // As lvm 2.03.16 writes it.
  const auto groups = model::parse_volume_groups(R"({"report": [
    {"vg": [{"vg_name":"vgx", "vg_uuid":"NEvuMw-0YMc", "vg_extent_size":"4194304", "vg_free_count":"93",
             "vg_missing_pv_count":"1"}],
     "pv": [{"pv_uuid":"AAAAA1", "pv_name":"/dev/loop0"}, {"pv_uuid":"AAAAA2", "pv_name":"[unknown]"}],
     "lv": [{"lv_name":"data", "lv_size":"12582912", "lv_active":"active", "lv_device_open":"open", "pool_lv":""},
            {"lv_name":"st", "lv_size":"8388608", "lv_active":"", "lv_device_open":"", "pool_lv":"tp"}],
     "pvseg": [{"pvseg_start":"0"}],
     "seg": [{"lv_name":"st", "segtype":"striped", "stripes":"2"}, {"lv_name":"data", "segtype":"linear", "stripes":"1"},
             {"lv_name":"data", "segtype":"linear", "stripes":"1"}]},
    {"pv": [{"pv_uuid":"AAAAA3", "pv_name":"/dev/loop2"}], "pvseg": [{"pvseg_start":"0"}]}]})");
  REQUIRE(groups);
  const model::VolumeGroupFound wanted{
      "vgx",
      "NEvuMw-0YMc",
      4194304,
      93,
      {"AAAAA1", "AAAAA2"},
      {"/dev/loop0"},
      1,
      {{"data", "linear", 12582912, 1, "", true, true}, {"st", "striped", 8388608, 2, "tp", false, false}}};
  CHECK(groups.value() == std::vector{wanted});
  CHECK(groups.value().front().has("AAAAA2"));
  CHECK_FALSE(groups.value().front().has(""));
  for (const auto* text : {"", "{", "{}", "[]"}) {
    CAPTURE(text);
    CHECK_FALSE(model::parse_volume_groups(text));
  }
  CHECK(model::parse_volume_groups(R"({"report": []})").value().empty());
}

TEST_CASE("stripes that are not given: as many as the group's devices allow") {
  spec::VolumeGroup group;
  group.devices = {"/dev/a", "/dev/b", "/dev/c", "/dev/d"};
  const auto stripes = [&](const std::string& type) {
    spec::LogicalVolume volume;
    volume.type = type;
    return spec::stripes_of(group, volume);
  };
  CHECK(stripes("linear") == 0);
  CHECK(stripes("striped") == 4);
  CHECK(stripes("raid1") == 0);
  CHECK(stripes("raid5") == 3);
  CHECK(stripes("raid6") == 2);
  CHECK(stripes("raid10") == 2);
}

TEST_CASE("a physical volume's identity depends on its place in the config") {
  const plan::Identity identity{{}, {}};
  CHECK(identity.physical({}, "a") == identity.physical({}, "a"));
  CHECK(identity.physical({}, "a") != identity.physical({}, "b"));
  CHECK(identity.physical({}, "a") != identity.volume({}, "a"));
}

TEST_CASE("what of a config with logical volumes cannot be carried out is refused") {
  const std::string group =
      R"({"name": "vg", "devices": ["/dev/vda"], "logicalVolumes": [{"name": "lv", "sizeMiB": 4},
         {"name": "tp", "type": "thin-pool", "sizeMiB": 4}]})";
  const auto filesystem = [](const std::string& device) {
    return R"({"filesystems": [{"device": ")" + device + R"(", "format": "ext4"}]})";
  };
  CHECK(refusal(group, filesystem("/dev/vg/lv")).empty());
  CHECK(refusal(group, filesystem("/dev/mapper/vg-lv")).find("/dev/vg/lv") != std::string::npos);
  CHECK(refusal(group, filesystem("/dev/vg/tp")).find("thin-pool") != std::string::npos);
  CHECK(refusal(group, R"({"disks": [{"device": "/dev/vg/lv"}]})").find("partitioned") != std::string::npos);
  CHECK(refusal(group, R"({"raid": [{"name": "r", "level": "raid1", "devices": ["/dev/vg/lv", "/dev/vdb"]}]})")
            .find("RAID array of logical volumes") != std::string::npos);
  CHECK(refusal(group + R"(, {"name": "on", "devices": ["/dev/vg/lv"]})", "{}").find("on a logical volume") !=
        std::string::npos);
  CHECK(refusal(group + R"(, {"name": "on", "devices": ["/dev/mapper/c"]})",
                R"({"luks": [{"name": "c", "device": "/dev/vg/lv"}]})")
            .find("encrypted volume in a logical volume") != std::string::npos);
  CHECK(refusal(group, R"({"luks": [{"name": "vg-lv", "device": "/dev/vdb"}]})").find("/dev/mapper/vg-lv") !=
        std::string::npos);
}
