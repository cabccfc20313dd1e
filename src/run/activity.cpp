// SPDX-License-Identifier: Apache-2.0
#include "run/activity.hpp"

namespace provision::run {

std::uint64_t Activities::begin(std::string text, std::chrono::milliseconds patience) {
  const auto now = clock_.monotonic();
  const std::lock_guard lock(mutex_);
  ++last_;
  list_[last_] = {last_, std::move(text), now, patience};
  return last_;
}

void Activities::end(std::uint64_t id) {
  const std::lock_guard lock(mutex_);
  list_.erase(id);
}

std::vector<Activity> Activities::under_way() {
  const std::lock_guard lock(mutex_);
  std::vector<Activity> all;
  for (const auto& [id, activity] : list_) {
    all.push_back(activity);
  }
  return all;
}

Result<std::string> WatchedDisks::await(const host::DeviceRef& device, std::chrono::milliseconds patience) {
  const std::string name =
      device.path.empty() ? "partition " + std::to_string(device.number) + " of " + device.disk : device.path;
  const std::uint64_t id = activities_.begin("waiting for " + name, patience);
  auto node = ForwardedDisks::await(device, patience);
  activities_.end(id);
  return node;
}

Result<std::vector<host::WholeDisk>> WatchedDisks::whole_disks(const host::DiskSearch& search) {
  const std::uint64_t id = activities_.begin("waiting for " + search.what, search.patience);
  auto disks = ForwardedDisks::whole_disks(search);
  activities_.end(id);
  return disks;
}

Ticker::Ticker(std::chrono::milliseconds every, std::function<void()> tick)
    : every_(every), tick_(std::move(tick)), thread_([this] { run(); }) {}

Ticker::~Ticker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  thread_.join();
}

void Ticker::run() {
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, every_, [this] { return stopping_; })) {
    lock.unlock();
    tick_();
    lock.lock();
  }
}

}  // namespace provision::run
