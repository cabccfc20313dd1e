// SPDX-License-Identifier: Apache-2.0
#include <doctest/doctest.h>
#include <unistd.h>

#include "host/linux/uevents.hpp"

using namespace provision;

namespace {

// As udevd writes it: a header of 40 bytes, then the properties.
std::string message(const std::vector<std::string>& properties) {
  std::string text("libudev\0", 8);
  text += std::string(32, '\xfe');
  for (const auto& property : properties) {
    text += property + std::string(1, '\0');
  }
  return text;
}

}  // namespace

TEST_SUITE_BEGIN("native uevents");

TEST_CASE("the mark of an event is found among its properties, and nowhere else") {
  CHECK(host::mark_of(message({"ACTION=change", "SYNTH_UUID=abc", "DEVNAME=/dev/vda"})) == "abc");
  CHECK(host::mark_of(message({"ACTION=change", "SYNTH_UUID=abc"})) == "abc");
  CHECK(!host::mark_of(message({"ACTION=change", "X_SYNTH_UUID=abc"})));
  CHECK(!host::mark_of(message({"ACTION=add"})));
  // The kernel's own form.
  CHECK(!host::mark_of(std::string("change@/devices/x\0ACTION=change\0SYNTH_UUID=abc\0", 47)));
  CHECK(!host::mark_of(""));
}

TEST_CASE("without udevd nobody waits") {
  if (::access("/run/udev/control", F_OK) == 0) {
    return;
  }
  const auto begin = std::chrono::steady_clock::now();
  CHECK_FALSE(host::await_udev({{"/dev/null", 0, "/sys/none"}}, std::chrono::seconds(30)));
  CHECK(std::chrono::steady_clock::now() - begin < std::chrono::seconds(5));
}

TEST_SUITE_END();
