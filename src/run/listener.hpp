// SPDX-License-Identifier: Apache-2.0
// What happens during a run, as events for one listener. Only cli/ turns them into words on a console.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace provision::run {

struct Event {
  enum class Kind : std::uint8_t {
    notice,        // something a person should know; `text`
    step_started,  // `step` and `text`, its sentence
    step_done,     // … `took`
    step_skipped,  // it was so already
  };

  Kind kind = Kind::notice;
  std::string step;
  std::string text;
  std::chrono::microseconds took{0};
};

class Listener {
 public:
  Listener() = default;
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;
  Listener(Listener&&) = delete;
  Listener& operator=(Listener&&) = delete;
  virtual ~Listener() = default;
  virtual void on(const Event& event) = 0;
};

}  // namespace provision::run
