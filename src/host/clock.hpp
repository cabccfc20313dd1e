// SPDX-License-Identifier: Apache-2.0
// Time.
#pragma once

#include <chrono>
#include <string>

namespace provision::host {

class Clock {
 public:
  Clock() = default;
  Clock(const Clock&) = delete;
  Clock& operator=(const Clock&) = delete;
  Clock(Clock&&) = delete;
  Clock& operator=(Clock&&) = delete;
  virtual ~Clock() = default;

  // Since some fixed instant; never goes back.
  virtual std::chrono::microseconds monotonic() = 0;
  // RFC 3339, UTC, seconds: "2026-11-24T22:36:00Z".
  virtual std::string wall() = 0;
  virtual void sleep(std::chrono::milliseconds time) = 0;
};

}  // namespace provision::host
