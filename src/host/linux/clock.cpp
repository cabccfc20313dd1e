// SPDX-License-Identifier: Apache-2.0
#include "host/linux/clock.hpp"

#include <array>
#include <ctime>
#include <thread>

namespace provision::host {

std::chrono::microseconds LinuxClock::monotonic() {
  return std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

std::string LinuxClock::wall() {
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  std::array<char, 32> text{};
  const std::size_t length = std::strftime(text.data(), text.size(), "%Y-%m-%dT%H:%M:%SZ", &utc);
  return {text.data(), length};
}

void LinuxClock::sleep(std::chrono::milliseconds time) { std::this_thread::sleep_for(time); }

}  // namespace provision::host
