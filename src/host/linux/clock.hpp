// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "host/clock.hpp"

namespace provision::host {

class LinuxClock final : public Clock {
 public:
  std::chrono::microseconds monotonic() override;
  std::string wall() override;
  void sleep(std::chrono::milliseconds time) override;
};

}  // namespace provision::host
