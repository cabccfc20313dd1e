// SPDX-License-Identifier: Apache-2.0
// What is under way at this moment, for whoever shows progress: steps, and waiting for devices.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "host/clock.hpp"
#include "host/forwarded_disks.hpp"

namespace provision::run {

struct Activity {
  std::uint64_t id = 0;
  // "make ext4 on /dev/vdb1", "waiting for /dev/vdb1".
  std::string text;
  // By the host's monotonic clock.
  std::chrono::microseconds began{0};
  // When it gives up; 0: it does not.
  std::chrono::milliseconds patience{0};
};

// A list that any thread may add to and read.
class Activities {
 public:
  explicit Activities(host::Clock& clock) : clock_(clock) {}

  std::uint64_t begin(std::string text, std::chrono::milliseconds patience = std::chrono::milliseconds(0));
  void end(std::uint64_t id);
  // In the order in which they began.
  std::vector<Activity> under_way();
  [[nodiscard]] host::Clock& clock() const { return clock_; }

 private:
  host::Clock& clock_;
  std::mutex mutex_;
  std::map<std::uint64_t, Activity> list_;
  std::uint64_t last_ = 0;
};

// Disks that note it while somebody waits for a device.
class WatchedDisks final : public host::ForwardedDisks {
 public:
  WatchedDisks(host::Disks& disks, Activities& activities) : ForwardedDisks(disks), activities_(activities) {}

  Result<std::string> await(const host::DeviceRef& device, std::chrono::milliseconds patience) override;
  Result<std::vector<host::WholeDisk>> whole_disks(const host::DiskSearch& search) override;

 private:
  Activities& activities_;
};

// Calls a function now and then, on a thread of its own, until it is destroyed.
class Ticker {
 public:
  Ticker(std::chrono::milliseconds every, std::function<void()> tick);
  Ticker(const Ticker&) = delete;
  Ticker& operator=(const Ticker&) = delete;
  Ticker(Ticker&&) = delete;
  Ticker& operator=(Ticker&&) = delete;
  ~Ticker();

 private:
  void run();

  std::chrono::milliseconds every_;
  std::function<void()> tick_;
  std::mutex mutex_;
  std::condition_variable changed_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace provision::run
