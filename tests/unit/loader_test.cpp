// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>

#include <string>

#include "plan/operations/loader.hpp"
#include "support/grub.hpp"

namespace provision::test {
namespace {

using plan::Loader;
using plan::relocated;

const Loader from_2048{grub_partition(2048), grub_boot_code(2048)};

}  // namespace

TEST_CASE("GRUB is told where its partition begins, and where each part of it is") {
  const auto moved = relocated(from_2048, 2048, 6144);
  REQUIRE(moved.has_value());
  CHECK(moved->partition == grub_partition(6144));
  CHECK(moved->boot_code == grub_boot_code(6144));
  const auto back = relocated(*moved, 6144, 2048);
  REQUIRE(back.has_value());
  CHECK(*back == from_2048);
}

TEST_CASE("what begins where it did stays as it is, whatever it is") {
  const Loader other{"anything", std::string(440, 'x')};
  const auto same = relocated(other, 34, 34);
  REQUIRE(same.has_value());
  CHECK(*same == other);
}

TEST_CASE("without boot code there is nobody to be told") {
  const Loader prep{"an ELF", {}};
  const auto moved = relocated(prep, 2048, 4096);
  REQUIRE(moved.has_value());
  CHECK(*moved == prep);
}

TEST_CASE("boot code that is not GRUB's can stay in its place only") {
  const auto refused = [](Loader loader) {
    const auto moved = relocated(std::move(loader), 2048, 4096);
    REQUIRE_FALSE(moved.has_value());
    CHECK(moved.error().code == Code::conflict);
    CHECK(moved.error().what.find("1048576 bytes from the disk's beginning") != std::string::npos);
  };
  refused({grub_partition(2048), std::string(440, 'x')});
  refused({grub_partition(4096), grub_boot_code(2048)});
  refused({"short", grub_boot_code(2048)});
  refused({grub_partition(2048), "short"});
}

}  // namespace provision::test
