// SPDX-License-Identifier: Apache-2.0
// The identities and labels of file systems, each in its format's own form.
#include <doctest/doctest.h>

#include "plan/operation.hpp"
#include "plan/operations/make_filesystem.hpp"

using namespace provision;

TEST_CASE("file systems: an identity in the form of the format") {
  const std::string upper = "ABCDEF00-0000-4000-8000-000000000009";
  const std::string lower = "abcdef00-0000-4000-8000-000000000009";
  for (const std::string_view format : {"ext4", "xfs", "btrfs", "swap"}) {
    CAPTURE(format);
    CHECK(plan::filesystem_id(format, upper) == lower);
    CHECK(!plan::filesystem_id(format, "ABCD-1234"));
    CHECK(plan::derived_id(format, *Uuid::parse(lower)) == lower);
  }
  for (const std::string_view serial : {"ABCD-1234", "abcd-1234", "abcd1234"}) {
    CHECK(plan::filesystem_id("vfat", serial) == "ABCD-1234");
  }
  for (const std::string_view none :
       {"", "ABCD_1234", "ABCD-12345", "abcg1234", "abcd123", "abcdef00-0000-4000-8000-000000000009"}) {
    CAPTURE(none);
    CHECK(!plan::filesystem_id("vfat", none));
  }
  CHECK(plan::derived_id("vfat", *Uuid::parse(lower)) == "ABCD-EF00");
  CHECK(plan::derived_id("none", *Uuid::parse(lower)) == "");
}

TEST_CASE("file systems: a label as it is seen when it is on the disk") {
  CHECK(plan::shown_label("data") == "data");
  CHECK(plan::shown_label("two  ") == "two");
  CHECK(plan::shown_label("  ") == "");
  CHECK(plan::shown_label("") == "");
  CHECK(plan::shown_label("a\x01z").size() > 3);
}

TEST_CASE("file systems: labels that mkfs.fat refuses are refused before") {
  CHECK(plan::label_fault("vfat", "EFI-SYSTEM") == "");
  CHECK(plan::label_fault("vfat", "") == "");
  for (const std::string_view label : {"a/b", "a.b", "caf\xc3\xa9", "a\tb", "a\"b", "x*"}) {
    CAPTURE(label);
    CHECK(plan::label_fault("vfat", label) != "");
    CHECK(plan::label_fault("ext4", label) == "");
  }
}

TEST_CASE("file systems: which formats there are") {
  for (const std::string_view format : {"ext4", "xfs", "btrfs", "vfat", "swap", "none"}) {
    CHECK(plan::is_known_format(format));
  }
  CHECK_FALSE(plan::is_known_format("virtiofs"));
  CHECK_FALSE(plan::is_known_format(""));
}

TEST_CASE("file systems: blank is what 'none' leaves, and needs no record to be believed") {
  const plan::MakeFilesystem none{{"/dev/vdb", "", 0}, "none", "", "", {}};
  CHECK(plan::traits(none).observation_proves);
  model::Inventory inventory;
  inventory.devices.push_back({{"/dev/vdb", "", 0}, {"ext4", "x", "u", false}, {}});
  plan::predict(inventory, none);
  CHECK(inventory.devices[0].signature == host::Signature{});
  const plan::MakeFilesystem ext4{{"/dev/vdb", "", 0}, "ext4", "x ", "u", {}};
  CHECK_FALSE(plan::traits(ext4).observation_proves);
  plan::predict(inventory, ext4);
  CHECK(inventory.devices[0].signature == host::Signature{"ext4", "x", "u", false});
}
