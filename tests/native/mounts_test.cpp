// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>

#include "host/linux/mounts.hpp"
#include "support/skip.hpp"
#include "surroundings.hpp"

using namespace provision;
using namespace provision::test;

TEST_SUITE_BEGIN("native mounts");

TEST_CASE("a mount is listed with its names, and goes") {
  NEED_PRIVATE_FOLDER();
  host::LinuxMounts mounts;
  const std::string target = new_folder() + "/with a blank";
  REQUIRE(::mkdir(target.c_str(), 0755) == 0);
  REQUIRE(why(mounts.mount("some-source", target, "tmpfs", "size=64k,nosuid")) == "");
  const auto list = mounts.list();
  REQUIRE(why(list) == "");
  REQUIRE(!list->empty());
  CHECK(list->back() == host::MountEntry{"some-source", target, "tmpfs"});
  REQUIRE(why(mounts.unmount(target)) == "");
  const auto after = mounts.list();
  REQUIRE(why(after) == "");
  CHECK(std::none_of(after->begin(), after->end(), [&](const auto& entry) { return entry.target == target; }));
  const auto twice = mounts.unmount(target);
  REQUIRE(!twice);
  CHECK(twice.error().system_error == EINVAL);
}

TEST_CASE("mounting refuses a target behind a link, a bad option, an unknown type and a missing node") {
  NEED_PRIVATE_FOLDER();
  host::LinuxMounts mounts;
  const std::string folder = new_folder();
  REQUIRE(::mkdir((folder + "/real").c_str(), 0755) == 0);
  REQUIRE(::symlink("real", (folder + "/link").c_str()) == 0);
  const auto linked = mounts.mount("none", folder + "/link", "tmpfs", "");
  REQUIRE(!linked);
  CHECK(linked.error().code == Code::conflict);
  CHECK(!mounts.mount("none", folder + "/nowhere", "tmpfs", ""));
  CHECK(!mounts.mount("none", folder + "/real", "tmpfs", "no-such-option=1"));
  CHECK(!mounts.mount("none", folder + "/real", "nosuchfs", ""));
  const auto missing = mounts.mount("/dev/no-such-node", folder + "/real", "ext4", "");
  REQUIRE(!missing);
  CHECK(missing.error().what.find("/dev/no-such-node") != std::string::npos);
}

TEST_CASE("what is in use does not go") {
  NEED_PRIVATE_FOLDER();
  host::LinuxMounts mounts;
  const std::string target = new_folder();
  REQUIRE(why(mounts.mount("none", target, "tmpfs", "")) == "");
  REQUIRE(::mkdir((target + "/inner").c_str(), 0755) == 0);
  REQUIRE(why(mounts.mount("none", target + "/inner", "tmpfs", "")) == "");
  const auto busy = mounts.unmount(target);
  REQUIRE(!busy);
  CHECK(busy.error().code == Code::device_busy);
  REQUIRE(why(mounts.unmount(target + "/inner")) == "");
  REQUIRE(why(mounts.unmount(target)) == "");
}

TEST_SUITE_END();
